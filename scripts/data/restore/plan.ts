/**
 * The plan of a restore, from facts alone: what is done, in which order, or every
 * reason why not. Data is restored beside what is there and proven; in place it
 * then takes two renames, between the stop of the jobs and their start. So a
 * backup that cannot be restored costs nothing that runs.
 */
import { JOBS } from "../../../contracts/services";
import { ownerFolder, ownerProblem } from "./owner";
import { APP_JOBS, discardCommand, inPlaceCommand, isSilent, restoreFolder, type JobFacts, type NodeFacts, type RestoreFacts, type RestorePlan, type RestoreProblem, type RestoreRecord, type RestoreRequest, type RestoreStep } from "./types";

/** Those that write last are stopped first. */
const STOP_ORDER: readonly string[] = [JOBS.worker, JOBS.api, JOBS.convex, JOBS.objectstore, JOBS.postgres];
/** Room for WAL that the proof's recovery writes, and for what the file system itself takes. */
const ROOM_FACTOR = 1.1;

/** What no restore can see. */
export const ELSEWHERE = "a worker or an API that runs outside of Nomad (the legacy host's) and uses this Convex is not stopped by this: stop it there yourself, before and until the orders are reconciled";

export type Planned = { readonly plan: RestorePlan } | { readonly problems: readonly RestoreProblem[] };

/** The plan, or all that is in its way at once. */
export function planRestore(facts: RestoreFacts, request: RestoreRequest): Planned {
  const target = facts.nodes.find(({ name }) => name === request.target);
  if (!target || isSilent(target)) return { problems: [unreachable(facts, request, target?.silent)] };
  const folder = restoreFolder(target.volumesRoot, request.point);
  const proven = request.mode === "in-place" ? target.restored.find(({ path, state }) => path === folder && state === "proven") : undefined;
  const ready = proven !== undefined;
  const jobs = jobsToStop(facts, target.name);
  const problems = [
    ...programProblems(target),
    ...(target.owner && target.owner.run !== request.takeOver ? [ownerProblem(target.name, ownerFolder(target.volumesRoot), target.owner)] : []),
    ...containerProblems(target),
    ...(ready ? [] : [...sourceProblems(facts, request), ...roomProblems(facts, target)]),
    ...(request.mode === "in-place" ? inPlaceProblems(facts, request, target) : []),
    ...(request.mode === "in-place" ? [] : restoredProblems(facts, request, target, folder)),
  ];
  if (problems.length > 0) return { problems };
  return {
    plan: {
      request,
      environment: facts.environment,
      begun: proven?.begun ?? false,
      folder,
      steps: [...(ready ? [] : besideSteps(request, target)), ...(request.mode === "in-place" ? swapSteps(jobs) : []), ...(request.mode === "rehearse" ? [{ kind: "remove" } as const] : [])],
      notes: notes(facts, request, target, folder, ready, jobs),
    },
  };
}

function besideSteps({ from }: RestoreRequest, target: NodeFacts): RestoreStep[] {
  const way = from.kind === "s3" ? "s3" : from.node === target.name ? "same-node" : "stream";
  return [
    ...(target.missingImages.length > 0 ? [{ kind: "pull", node: target.name, images: target.missingImages } as const] : []),
    { kind: "fetch", from, node: target.name, way },
    { kind: "check-files" },
    { kind: "prove-database" },
    { kind: "load-objects" },
    { kind: "prove-references" },
    { kind: "mark-proven" },
  ];
}

/** What trades stays stopped: its kill switch is restored data, and may be one that was set since. */
function swapSteps(jobs: readonly string[]): RestoreStep[] {
  const started = jobs.filter((id) => !APP_JOBS.includes(id)).reverse();
  return [
    { kind: "stop-backups" },
    ...(jobs.length > 0 ? [{ kind: "stop-jobs", jobs } as const] : []),
    { kind: "prove-idle" },
    { kind: "swap" },
    ...(started.length > 0 ? [{ kind: "start-jobs", jobs: started } as const] : []),
  ];
}

/**
 * Jobs of the data plane that Nomad would run on the target (those of a data node that is gone are pinned to it, and are
 * moved by a deploy), and those of the app that run, wherever.
 */
function jobsToStop({ jobs }: RestoreFacts, target: string): readonly string[] {
  if (jobs === undefined || "unknown" in jobs) return [];
  const here = jobs.filter(({ id, state, node }) => (APP_JOBS.includes(id) ? state === "running" : state !== "absent" && node === target)).map(({ id }) => id);
  return STOP_ORDER.filter((id) => here.includes(id));
}

function unreachable({ gvfx, nodes }: RestoreFacts, { target, mode }: RestoreRequest, why: string | undefined): RestoreProblem {
  if (why === undefined) return { what: `"${target}" is no app node of the environment`, fix: `use one of ${nodes.map(({ name }) => name).join(", ")}` };
  const other = nodes.find((node) => !isSilent(node))?.name;
  return {
    what: `${target}, where the data is to be restored, does not answer: ${why}`,
    fix: other === undefined ? `no app node answers; see why: ${gvfx} doctor` : mode === "in-place" ? `when it is gone for good, move the data plane to ${other}: docs/restore.md, "The data node is gone"` : `bring it back, or restore to ${other}: --to ${other}`,
  };
}

function programProblems({ name, missingPrograms }: NodeFacts): RestoreProblem[] {
  return missingPrograms.length === 0 ? [] : [{ what: `${name} has no ${missingPrograms.join(", no ")}`, fix: missingPrograms.includes("docker") ? "start the container engine there: systemctl start docker; everything that restores runs in the platform's own images" : `install on ${name}: ${missingPrograms.join(" ")}` }];
}

function containerProblems({ name, restoreContainers }: NodeFacts): RestoreProblem[] {
  return restoreContainers.length === 0 ? [] : [{ what: `another restore works on ${name} (container ${restoreContainers.join(", ")})`, fix: `wait for it; when it was killed, remove what it left, on ${name}: docker rm --force ${restoreContainers.join(" ")}` }];
}

function sourceProblems({ nodes }: RestoreFacts, { from }: RestoreRequest): RestoreProblem[] {
  if (from.kind === "s3") return [];
  const source = nodes.find(({ name }) => name === from.node);
  if (source && isSilent(source)) return [{ what: `${from.node}, whose disk has the backups, does not answer: ${source.silent}`, fix: "bring it back, or restore from the second copy: --from s3" }];
  return source?.hasRepository ? [] : [{ what: `there is no repository of backups on ${from.node}`, fix: "name the node that has one, --from NODE, or restore from the second copy: --from s3" }];
}

function roomProblems({ bytes, objectBytes, gvfx, environment }: RestoreFacts, { name, volumesRoot, freeBytes }: NodeFacts): RestoreProblem[] {
  // The objects twice more: in the object store, and read back from it once.
  const needed = Math.ceil((bytes + 2 * objectBytes) * ROOM_FACTOR);
  return freeBytes >= needed ? [] : [{ what: `${name} has ${mebibytes(freeBytes)} free at ${volumesRoot}, and this restore needs ${mebibytes(needed)}: the data is kept beside what is there`, fix: `make room on ${name}; what earlier restores left there is removed by: ${discardCommand(gvfx, environment, name)}` }];
}

function inPlaceProblems(facts: RestoreFacts, { target: name, point }: RestoreRequest, target: NodeFacts): RestoreProblem[] {
  const { jobs, dataNode, gvfx } = facts;
  const problems: RestoreProblem[] = [];
  const folder = restoreFolder(target.volumesRoot, point);
  const back = `${gvfx} data restore --undo --confirm ${facts.environment}`;
  for (const { path, begun } of target.restored) if (begun && path !== folder) problems.push({ what: `${path} on ${name} is half in place: its swap broke off, and a second one would mix three states`, fix: `go back to the data before it first: ${back}` });
  if (target.undoing) problems.push({ what: `an undo on ${name} broke off: its volumes are of two states`, fix: `end it first: ${back}` });
  if (name !== dataNode) problems.push({ what: `the data plane's jobs run on ${dataNode}: data put in place on ${name} would be used by nobody`, fix: `restore to ${dataNode}, or, when that is gone for good, set dataPlane.node = "${name}" first: docs/restore.md, "The data node is gone"` });
  for (const { path, mountPoint } of target.volumes) if (mountPoint) problems.push({ what: `${path} is a file system of its own, which cannot be renamed, so that nothing would be kept of what is in it`, fix: `restore beside (--beside), stop the jobs, and move the data by hand: docs/restore.md, "A volume is a mount point"` });
  if (jobs === undefined || "unknown" in jobs) problems.push({ what: `Nomad was not asked about the data plane's jobs, so that nobody knows who uses the data: ${jobs?.unknown ?? "no answer"}`, fix: `make it answer (${gvfx} doctor), or restore beside, which needs no Nomad: --beside` });
  for (const other of facts.nodes) {
    if (other.name === name || isSilent(other)) continue;
    const used = other.volumes.filter(({ usedBy }) => usedBy.length > 0);
    if (used.length > 0) problems.push({ what: `${other.name} still runs the data plane on its own volumes (${used.map(({ name: volume }) => volume).join(", ")}): two would take the same writers`, fix: `stop it there first (deploy data-plane with dataPlane.node = "${name}", or power ${other.name} off)` });
  }
  return problems;
}

function restoredProblems({ gvfx, environment }: RestoreFacts, request: RestoreRequest, target: NodeFacts, folder: string): RestoreProblem[] {
  const kept = target.restored.find(({ path, state }) => path === folder && state === "proven");
  return kept ? [{ what: `${folder} on ${target.name} holds this restore point already, restored and proven`, fix: `put it in place (${inPlaceCommand(gvfx, environment, request)}), or remove it with all else that was restored beside (${discardCommand(gvfx, environment, target.name, "beside")}) and run this again` }] : [];
}

function notes({ jobs, gvfx, dataNode, nodes, environment }: RestoreFacts, request: RestoreRequest, target: NodeFacts, folder: string, ready: boolean, stopped: readonly string[]): string[] {
  const filled = target.volumes.filter(({ state }) => state === "filled").map(({ name }) => name);
  const silent = nodes.filter(isSilent);
  const { mode } = request;
  const list: string[] = [];
  if (ready) list.push(`${folder} holds this restore point, proven before: it is put in place as it is${contents(target.restored.find(({ path }) => path === folder)?.record)}`);
  if (mode === "beside") list.push(`it stays in ${folder} on ${target.name}; to put it in place: ${inPlaceCommand(gvfx, environment, request)}${target.name === dataNode ? "" : `, once dataPlane.node is "${target.name}"`}`);
  if (mode !== "in-place") return list;
  if (filled.length > 0) list.push(`what is in ${filled.join(" and ")} on ${target.name} now is kept aside, until: ${discardCommand(gvfx, environment, target.name)}; to go back to it: ${gvfx} data restore --undo --confirm ${environment}`);
  list.push(`${JOBS.worker} and ${JOBS.api} are stopped first and stay stopped, since kill switches are restored data: one that was set after the restore point is off again; they start with: ${gvfx} data restore --start`);
  list.push("what was written after the restore point is not in it: orders since then are known to the exchange alone; reconcile them before trading goes on (docs/restore.md)");
  list.push(ELSEWHERE);
  if (!stopped.some((id) => !APP_JOBS.includes(id)) && Array.isArray(jobs)) list.push(`no job of the data plane is pinned to ${target.name} yet (${jobs.filter(({ id }) => !APP_JOBS.includes(id)).map(pinned).join(", ")}); deploy it next: npx cdktf deploy data-plane`);
  if (silent.length > 0) list.push(`${silent.map(({ name }) => name).join(" and ")} could not be asked; when it comes back with its old data it must not start the data plane: power it off, or deploy data-plane before it returns`);
  return list;
}

function contents(record: RestoreRecord | undefined): string {
  if (!record) return "";
  const { postgres, objects } = record.manifest;
  return `, Postgres ${postgres.version} of ${postgres.startedAt} with ${postgres.files} files, and ${Object.values(objects).reduce((sum, bucket) => sum + bucket.objects, 0)} objects; no repository is read`;
}

function pinned({ id, node, state }: JobFacts): string {
  return `${id}: ${state === "absent" ? "not there" : node === undefined ? "pinned nowhere" : `pinned to ${node}`}`;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
