/**
 * One run at a time changes what restores keep on a node, and removes nothing of another one. Whose turn it is says a
 * folder below the node's volumesRoot, with one file that has the run's id as its name.
 */
import { CONTAINER_LABEL, quoted, script, SECRETS_PREFIX } from "./shell";
import type { RestoreProblem, RunOwner } from "./types";

/** One run of a command that changes what restores keep on a node. */
export interface RestoreRun {
  /** Twelve hex digits; containers and folders of secrets carry it. */
  readonly id: string;
  /** Folder on the node that says whose turn it is. */
  readonly owner: string;
  /** The run that died, and whose work this one goes on with. */
  readonly takenOver: string | undefined;
}

/** Printed when the turn is the run's own. */
export const MINE = "mine";

export function ownerFolder(volumesRoot: string): string {
  return `${volumesRoot}/.gvfx-restore-owner`;
}

/** Shell that prints "owner RUN HOST SINCE" for the run whose turn it is; wants $owner. */
export const WHOSE = `for who in "$owner"/*; do [ ! -f "$who" ] || echo "owner \${who##*/} $(cat "$who" 2>/dev/null || true)"; done`;

/** Reads what WHOSE printed. @returns undefined when it is nobody's turn */
export function parseOwner(lines: readonly string[]): RunOwner | undefined {
  const [, run, host, since] = lines.find((line) => line.startsWith("owner "))?.split(" ") ?? [];
  return run === undefined ? undefined : { run, host: host || "an unknown machine", since: since || "an unknown moment" };
}

/** Why a run is refused, and how it goes on when the other one is dead. @param owner undefined while it is being made or removed */
export function ownerProblem(node: string, folder: string, owner: RunOwner | undefined): RestoreProblem {
  if (!owner) return { what: `another restore on ${node} begins or ends at this moment, or broke off as it began`, fix: `run this again; when it stays so, on ${node}: rmdir ${folder}` };
  const { run, host, since } = owner;
  return { what: `run ${run} of ${host} restores on ${node} since ${since}, and two at a time would remove each other's work`, fix: `wait for it; when it is dead (its command on ${host} is gone), take over what it left by the same command with --take-over ${run}` };
}

/** A script with a run's name on what it starts. */
export function ofRun({ id }: Pick<RestoreRun, "id">, text: string): string {
  return `gvfx_run=${quoted(id)}\n${text}`;
}

/** Likewise, on the node that the run owns: it does nothing once another run has taken over. */
export function ofOwner({ id, owner }: Pick<RestoreRun, "id" | "owner">, text: string): string {
  return ofRun({ id }, `gvfx_owner=${quoted(owner)}\n${text}`);
}

/**
 * Prints MINE when it is the run's turn from now on, otherwise whose it is. A dead run's things are removed before its
 * id goes. Of two that take it over one gets it: a rename of the same file succeeds once.
 * @param who host and moment
 */
export function ownScript({ id, owner, takenOver }: RestoreRun, who: string): string {
  const take = takenOver === undefined ? "" : `if [ -e "$owner/${takenOver}" ]; then
${removeWork(takenOver)}
fi
`;
  return script(`owner=${quoted(owner)}
${take}if ${takenOver === undefined ? "" : `mv "$owner/${takenOver}" "$owner/${id}" 2>/dev/null || `}problem=$(mkdir "$owner" 2>&1); then
  printf '%s\\n' ${quoted(who)} >"$owner/${id}"
  echo ${MINE}
else
  [ -d "$owner" ] || fail "a restore cannot say on this node that it works here: $problem"
  ${WHOSE}
fi`);
}

/** Ends the run's turn; one that was taken over has none to end. */
export function releaseScript({ id, owner }: RestoreRun): string {
  return script(`if rm ${quoted(`${owner}/${id}`)} 2>/dev/null; then rmdir ${quoted(owner)}; fi`);
}

function removeWork(run: string): string {
  return `docker ps --all --quiet --filter label=${CONTAINER_LABEL}=${run} | xargs -r docker rm --force >/dev/null
rm -rf ${SECRETS_PREFIX}${run}.*`;
}

/** Removes containers and secrets of these runs on a node, and of no other. */
export function cleanUpScript(runs: readonly string[]): string {
  return script(runs.map(removeWork).join("\n"));
}
