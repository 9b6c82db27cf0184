/** A restore on real nodes: scripts by SSH, programs in the platform's own images. */
import type { ImageLock } from "../../../contracts/images";
import { imageReference } from "../../../contracts/images";
import { BACKUP_PATHS, parseBackupManifest, RUN_FOLDER, type BackupManifest } from "../../../contracts/backup";
import { CONVEX_BUCKETS, JOBS } from "../../../contracts/services";
import type { Environment } from "../../../environments/schema";
import { convexDatabase } from "../../../constructs/jobs/postgres";
import { runScript, type ScriptRun, type SshTarget } from "../../clients/ssh";
import { streamBetween } from "../../clients/ssh-stream";
import { proveDatabaseScript, REFUSED } from "./database";
import { hashScript, inventoryProblems, manifestAlgorithm, objectProblems, parseHashes, parseInventory, postgresProblems, readScript, runFolder } from "./files";
import { parseFingerprint } from "./fingerprint";
import { startTime, stopTime, type DataJobs } from "./jobs";
import { loadObjectsScript } from "./objects";
import { NotProven, type FilesProof, type RestoreOperations } from "./operations";
import { dumpScript, prepareFolder, restoreScript, unpackCommand, type Repository } from "./repository";
import { cleanUpScript, ofOwner, ofRun, type RestoreRun } from "./owner";
import { quoted, script } from "./shell";
import { arrangePostgresScript, idleScript, markProvenScript, removeScript, stampOf, swapScript } from "./swap";
import { RESTORED_VOLUMES, type RestorePlan } from "./types";

/** A transfer that a prune disturbed is tried again with the repository's new index. */
const FETCH_TRIES = 2;

/** What files and objects are restored with. */
export interface RestoreSources {
  readonly repository: Repository;
  /** MinIO's administrator. */
  readonly objectstore: { readonly rootUser: string; readonly rootPassword: string };
}

export interface SshSurroundings {
  readonly env: Environment;
  readonly images: ImageLock;
  readonly plan: RestorePlan;
  /** Which owns the target. */
  readonly run: RestoreRun;
  readonly machine: (node: string) => SshTarget;
  /** Undefined where the plan fetches nothing: what is proven already needs no repository. */
  readonly sources: RestoreSources | undefined;
  /** Needed by a restore in place alone. */
  readonly jobs: DataJobs | undefined;
  /** Environment of the ssh program. */
  readonly variables: ScriptRun["variables"];
  readonly signal: AbortSignal;
  /** @default now */
  readonly now?: () => Date;
}

export function sshOperations({ env, images, plan, run: owned, machine, sources, jobs, variables, signal, now = () => new Date() }: SshSurroundings): RestoreOperations {
  const { folder, request } = plan;
  const target = machine(request.target);
  const volumesRoot = folder.slice(0, folder.lastIndexOf("/"));
  const run = runFolder(folder);
  const readBack = `${folder}/read-back`;
  const [postgresVolume, objectVolume] = RESTORED_VOLUMES.map((volume) => `${folder}/volumes/${volume}`);
  const image = (role: "postgres" | "minio" | "minioClient"): string => imageReference(env.images[role], images[role]);
  const on = (text: string, options: ScriptRun = {}): Promise<string[]> => runScript(target, ofOwner(owned, text), { variables, signal, ...options });
  /** Steps that must end, once begun. */
  const toTheEnd = (text: string): Promise<string[]> => runScript(target, ofOwner(owned, text), { variables });
  /** Nomad knows nothing of the owner. @throws SshFailure when another run has taken over */
  const stillOwner = (): Promise<unknown> => toTheEnd(script(":"));

  return {
    async pull(references) {
      await on(script(references.map((reference) => `docker pull --quiet ${quoted(reference)} >/dev/null || fail ${quoted(`${reference} cannot be pulled; without a registry, bring it to the node: docker save there, docker load here`)}`).join("\n")));
    },
    async fetch({ from, way }, onBytes) {
      const { repository } = fetching(sources);
      for (let attempt = 1; ; attempt++) {
        try {
          if (way === "stream" && from.kind === "local") {
            await on(script(prepareFolder(folder)));
            await streamBetween({ from: machine(from.node), script: ofRun(owned, dumpScript(repository, request.point)), to: target, command: unpackCommand(folder) }, { variables, signal, onBytes });
          } else {
            let told = 0;
            await on(restoreScript(repository, request.point, folder), {
              onLine: (line) => {
                const bytes = Number(/^bytes (\d+)$/.exec(line)?.[1] ?? told);
                if (bytes > told) onBytes(bytes - told);
                told = Math.max(told, bytes);
              },
            });
          }
          return;
        } catch (error) {
          if (attempt >= FETCH_TRIES || signal.aborted || !(error instanceof Error) || !/does not exist|not found in index|no such file/i.test(error.message)) throw error;
        }
      }
    },
    async checkFiles(): Promise<FilesProof> {
      const manifest = parseBackupManifest((await on(readScript(`${run}${below(BACKUP_PATHS.manifest)}`))).join("\n"));
      const backupManifest = `${(await on(readScript(`${run}${below(BACKUP_PATHS.postgres)}/backup_manifest`))).join("\n")}\n`;
      const inventory = parseInventory(await on(readScript(`${run}${below(BACKUP_PATHS.inventory)}`)));
      const postgres = parseHashes(await on(hashScript(`${run}${below(BACKUP_PATHS.postgres)}`, manifestAlgorithm(backupManifest))));
      const objects = parseHashes(await on(hashScript(`${run}${below(BACKUP_PATHS.objects)}`)));
      const cluster = parseHashes(await on(hashScript(`${run}${below(BACKUP_PATHS.cluster)}`)));
      const problems = [...postgresProblems(backupManifest, postgres, manifest), ...inventoryProblems(inventory, manifest.objects), ...objectProblems(inventory.lines, objects, "objects"), ...clusterProblems(manifest, cluster.files), ...(manifest.environment === env.name ? [] : [`the backup is of "${manifest.environment}", and not of "${env.name}"`])];
      if (problems.length === 0) await on(arrangePostgresScript(folder, run));
      return { manifest, inventory: inventory.lines, problems };
    },
    async proveDatabase() {
      const lines = await on(proveDatabaseScript(image("postgres"), postgresVolume, convexDatabase(env.dataPlane.convexInstance)));
      const refused = lines.find((line) => line.startsWith(REFUSED));
      if (refused !== undefined) throw new NotProven([refused.slice(REFUSED.length).trim()]);
      return parseFingerprint(lines);
    },
    async loadObjects({ inventory }) {
      const { objectstore } = fetching(sources);
      await on(loadObjectsScript({ serverImage: image("minio"), clientImage: image("minioClient"), from: `${run}${below(BACKUP_PATHS.objects)}`, volume: objectVolume, readBack, buckets: Object.values(CONVEX_BUCKETS), ...objectstore }));
      return objectProblems(inventory, parseHashes(await on(hashScript(readBack))), "in the object store");
    },
    async markProven() {
      await on(markProvenScript(folder, run, readBack, request));
    },
    async stopBackups() {
      await stillOwner();
      return needed(jobs).stopBackups(stopTime(env, JOBS.backup));
    },
    async stopJobs(ids) {
      await stillOwner();
      for (const id of ids) await needed(jobs).stop(id, stopTime(env, id));
    },
    volumeUsers: async () => (await toTheEnd(idleScript(volumesRoot))).filter((line) => line.startsWith("user ")).map((line) => line.slice("user ".length)),
    async swap() {
      await toTheEnd(swapScript(volumesRoot, folder, stampOf(now())));
    },
    async startJobs(ids) {
      await stillOwner();
      for (const id of ids) await needed(jobs).start(id, startTime(env));
    },
    async remove() {
      await toTheEnd(removeScript(folder));
    },
    async cleanUp() {
      // What is proven was fetched before, maybe from a node that is gone.
      const source = plan.steps.find((step) => step.kind === "fetch" && step.way === "stream");
      const nodes = source?.kind === "fetch" && source.from.kind === "local" ? [target, machine(source.from.node)] : [target];
      const runs = owned.takenOver === undefined ? [owned.id] : [owned.id, owned.takenOver];
      await Promise.all(nodes.map((node) => runScript(node, cleanUpScript(runs), { variables }).catch(() => undefined)));
    },
  };
}

function below(path: string): string {
  return path.slice(RUN_FOLDER.length);
}

function fetching(sources: RestoreSources | undefined): RestoreSources {
  if (!sources) throw new Error("this plan restores nothing from a repository, so that none was opened; plan it again");
  return sources;
}

function needed(jobs: DataJobs | undefined): DataJobs {
  if (!jobs) throw new Error("Nomad was not asked, so that no job can be stopped or started; use a restore in place");
  return jobs;
}

function clusterProblems({ cluster }: BackupManifest, found: readonly { readonly path: string; readonly size: number; readonly hash: string }[]): string[] {
  return Object.entries(cluster).flatMap(([name, snapshot]) => {
    if (!snapshot.taken) return [];
    const file = found.find(({ path }) => path === `${name}.snap`);
    if (!file) return [`cluster/${name}.snap is missing`];
    return file.size === snapshot.bytes && file.hash === snapshot.sha256 ? [] : [`cluster/${name}.snap has ${file.size} bytes and SHA-256 ${file.hash}, not ${snapshot.bytes} and ${snapshot.sha256}`];
  });
}
