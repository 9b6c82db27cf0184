/** Asks the nodes and, where it is needed, Nomad, before a restore is planned. */
import { setTimeout as sleep } from "node:timers/promises";
import { Duration } from "../../../contracts/units";
import type { Environment } from "../../../environments/schema";
import { runScript, SshFailure } from "../../clients/ssh";
import type { RestoreAccess } from "./access";
import { DATA_JOBS } from "./jobs";
import { lookScript, parseLook } from "./look";
import { listScript, manifestsScript } from "./repository";
import { restorePoints } from "./points";
import { parseBackupManifest, type BackupManifest } from "../../../contracts/backup";
import { isSilent, type NodeFacts, type RepositorySource, type RestoreFacts, type RestorePoint, type SilentNode } from "./types";

/** How a Nomad server passes on that a question to its leader came to nothing. What the leader itself refuses is in other words. */
const LEADER_GONE = /^rpc error(?!.*(?:permission denied|acl token))/is;
/** So often and so far apart: an election takes a few seconds, and begins when the last leader is missed. */
const ELECTION_TRIES = 10;
const ELECTION_LOOK = Duration.seconds(2);

/** Every app node, as far as it answers. */
export function lookAtNodes(env: Environment, access: RestoreAccess, signal?: AbortSignal): Promise<(NodeFacts | SilentNode)[]> {
  return Promise.all(
    env.nodes.map(async ({ name, volumesRoot }): Promise<NodeFacts | SilentNode> => {
      try {
        return parseLook(name, volumesRoot, await runScript(access.machine(name), lookScript(volumesRoot, access.references), { variables: access.sshVariables, signal }));
      } catch (error) {
        if (signal?.aborted) throw error;
        return { name, silent: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

/**
 * Where the backups are read: as asked, or the node that has a repository. Two have one after the data plane has moved;
 * the one beside the data is the old one then, and the other one is taken.
 * @throws Error that says what was found
 */
export function chooseSource(env: Pick<Environment, "nodes" | "dataPlane">, nodes: readonly (NodeFacts | SilentNode)[], from: string | undefined): RepositorySource {
  if (from === "s3") return { kind: "s3" };
  if (from !== undefined && from !== "local") {
    if (!env.nodes.some(({ name }) => name === from)) throw new Error(`--from ${from} is no place of backups: use local, s3, or an app node (${env.nodes.map(({ name }) => name).join(", ")})`);
    return { kind: "local", node: from };
  }
  const having = nodes.flatMap((node) => (!isSilent(node) && node.hasRepository ? [node.name] : []));
  const found = having.find((name) => name !== env.dataPlane.node) ?? having[0];
  if (found !== undefined) return { kind: "local", node: found };
  const silent = nodes.filter(isSilent).map(({ name, silent: why }) => `${name} does not answer: ${why}`);
  throw new Error(`no node that answers has a repository of backups${silent.length > 0 ? ` (${silent.join("; ")})` : ""}; ${env.dataPlane.backup.s3 ? "restore from the second copy: --from s3" : "bring the node with the backups back; there is no second copy (dataPlane.backup.s3)"}`);
}

/** The node on which restic runs: where the repository is, or, for S3, the one that is restored to. */
export function resticNode(source: RepositorySource, target: string): string {
  return source.kind === "local" ? source.node : target;
}

export async function listPoints(env: Environment, access: RestoreAccess, source: RepositorySource, on: string, signal?: AbortSignal): Promise<RestorePoint[]> {
  const lines = await asked(on, () => access.repository(source).then((repository) => runScript(access.machine(on), listScript(repository), { variables: access.sshVariables, signal })));
  return restorePoints(lines.join("\n"), env.nomad.namespace);
}

/** Manifests by id; null for a backup without one that can be read. */
export async function readManifests(access: RestoreAccess, source: RepositorySource, on: string, points: readonly RestorePoint[], signal?: AbortSignal): Promise<ReadonlyMap<string, BackupManifest | null>> {
  if (points.length === 0) return new Map();
  const repository = await access.repository(source);
  return parseManifests(await asked(on, () => runScript(access.machine(on), manifestsScript(repository, points), { variables: access.sshVariables, signal })));
}

export function parseManifests(lines: readonly string[]): ReadonlyMap<string, BackupManifest | null> {
  const texts = new Map<string, string[] | null>();
  let current: string[] | undefined;
  for (const line of lines) {
    const [, kind, id] = /^(point|none) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (kind === undefined) current?.push(line);
    else if (kind === "none") texts.set(id, null);
    else texts.set(id, (current = []));
  }
  const readable = (text: string[] | null): BackupManifest | null => {
    try {
      return text && parseBackupManifest(text.join("\n"));
    } catch {
      return null;
    }
  };
  return new Map([...texts].map(([id, text]) => [id, readable(text)]));
}

/**
 * What Nomad says of the data plane's jobs, or why it says nothing. Right after the loss of a node its servers turn to a
 * leader that is gone, until they have elected another: so long they are asked again.
 * @param signal ends the asking, with an AbortError
 * @param every between two questions. @default 2 s
 */
export async function lookAtJobs(access: Pick<RestoreAccess, "jobs">, signal?: AbortSignal, every = ELECTION_LOOK): Promise<NonNullable<RestoreFacts["jobs"]>> {
  for (let tries = 1; ; tries++) {
    try {
      return await access.jobs().facts();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (tries >= ELECTION_TRIES || !LEADER_GONE.test(message)) return { unknown: `${DATA_JOBS.length} jobs could not be asked for: ${message}` };
    }
    await sleep(every.milliseconds, undefined, { signal });
  }
}

async function asked<T>(node: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SshFailure && error.reason === "other") throw new Error(`the backups cannot be read on ${node}: ${error.message}`);
    throw error;
  }
}
