/** Node: space, inodes, how fast writes reach the disk, and the folder of the volumes. */
import { Size } from "../../../contracts/units";
import type { Environment } from "../../../environments/schema";
import { fail, inconclusive, pass, type Outcome } from "../check";
import type { DiskFacts, NodeFacts } from "../probe/facts";
import { volumesRoot, type ProbedNode } from "../probe/plan";
import { BACKUP_DISK, CONSUL_DISK, FREE_INODES, IMAGE_DISK, MIN_SYNC_SAMPLES, NOMAD_DISK, SYNC_P99, VOLUME_DISK } from "../thresholds";

/** What must be free below each path. */
export function neededSpace(env: Environment, node: ProbedNode, dockerRoot: string | undefined): ReadonlyMap<string, Size> {
  const reserved = env.nodes.find(({ name }) => name === node.name)?.reserved.disk ?? Size.gibibytes(0);
  const volumes = volumesRoot(env, node);
  return new Map([
    [env.nomad.dataDir, NOMAD_DISK.plus(reserved)],
    [env.consul.dataDir, CONSUL_DISK],
    ...(dockerRoot ? ([[dockerRoot, IMAGE_DISK]] as const) : []),
    ...(volumes ? ([[volumes, node.holdsData ? VOLUME_DISK : BACKUP_DISK]] as const) : []),
  ]);
}

/** Paths on one filesystem share what is free on it. */
export function spaceOutcome(env: Environment, node: ProbedNode, facts: NodeFacts): Outcome {
  const needed = neededSpace(env, node, facts.dockerRoot);
  const filesystems = new Map<string, { readonly disk: DiskFacts; readonly paths: string[]; needed: Size }>();
  for (const disk of facts.disks) {
    const size = needed.get(disk.path);
    if (!size) continue;
    const entry = filesystems.get(disk.filesystem) ?? { disk, paths: [], needed: Size.gibibytes(0) };
    filesystems.set(disk.filesystem, { ...entry, paths: [...entry.paths, disk.path], needed: entry.needed.plus(size) });
  }
  const measured = [...filesystems.values()];
  const unseen = [...needed.keys()].filter((path) => !facts.disks.some((disk) => disk.path === path));
  const short = measured.filter(({ disk, needed }) => disk.freeBytes < needed.bytes);
  const fewInodes = measured.filter(({ disk }) => disk.freeInodes !== undefined && disk.freeInodes < FREE_INODES);
  if (short.length > 0) {
    return fail(short.map(({ disk, paths, needed }) => `${gibibytes(disk.freeBytes)} free for ${paths.join(", ")}, which need ${gibibytes(needed.bytes)} (${disk.filesystem})`).join("; "), `On ${node.name}: df -h; docker system df; free space, or mount a disk of its own at the path`);
  }
  if (fewInodes.length > 0) return fail(fewInodes.map(({ disk, paths }) => `only ${Math.floor((disk.freeInodes ?? 0) * 100)} % of the inodes for ${paths.join(", ")} are free`).join("; "), `On ${node.name}: df -i; remove what has many small files`);
  if (unseen.length > 0) return inconclusive(`the disk of ${unseen.join(", ")} could not be measured`, `On ${node.name}: df -h ${unseen.join(" ")}`);
  return pass(measured.map(({ disk, paths }) => `${gibibytes(disk.freeBytes)} free for ${paths.join(", ")}`).join("; "));
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/** The value that 99 in 100 do not exceed, by nearest rank. */
export function percentile99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1];
}

export function syncOutcome(node: ProbedNode, { syncs }: NodeFacts): Outcome {
  if (syncs.size === 0) return inconclusive("no disk was timed", "Run gvfx doctor again");
  const timed = [...syncs].map(([path, { folder, seconds }]) => ({ path, folder, samples: seconds.length, p99: seconds.length > 0 ? percentile99(seconds) * 1_000 : undefined }));
  const unmeasured = timed.filter(({ samples }) => samples === 0).map(({ folder }) => folder);
  if (unmeasured.length > 0) return inconclusive(`no write could be made in ${unmeasured.join(", ")}`, "Give the login sudo without a password (see the check login)");
  const words = timed.map(({ path, p99, samples }) => `${path} ${p99?.toFixed(1)} ms (99 % of ${samples})`).join(", ");
  const slow = timed.filter(({ p99, samples }) => samples < MIN_SYNC_SAMPLES || (p99 ?? Infinity) > SYNC_P99.milliseconds);
  if (slow.length === 0) return pass(words);
  return fail(`${words}: more than ${SYNC_P99}, so that Nomad's servers would lose their leader under load`, `On ${node.name}: put ${slow.map(({ path }) => path).join(" and ")} on an SSD or NVMe disk of its own; iostat -x 1 shows what else writes`);
}

export function volumesOutcome(node: ProbedNode, root: string, { files }: NodeFacts): Outcome {
  const facts = files.get(root);
  if (!facts || facts.state === "hidden") return inconclusive(`${root} could not be looked at`, "Give the login sudo without a password (see the check login)");
  if (facts.state === "absent") return fail(`${root} is not there: ${node.holdsData ? "Postgres and MinIO keep everything" : "backups are kept"} below it`, `On ${node.name}: mount the disk there (/etc/fstab), or: sudo install -d -m 0755 ${root}`);
  return facts.isFolder ? pass(root) : fail(`${root} is no folder`, `On ${node.name}: ls -ld ${root}; correct nodes[].volumesRoot in the environment file`);
}
