/** The lease's status and a hand-over's result, for people. */
import { workerOf, type Commands, type LeaseStatus } from "./assess";
import { seconds, type GiveResult } from "./give";
import { LEGACY_STOPPED, textUnproven } from "./legacy-proof";
import { SIDES, type Side } from "./sources";

export function textLease({ mayRun, runs, next, seen, well }: LeaseStatus): string {
  const rows: readonly (readonly [string, string])[] = [
    ["may run", mayRun],
    ["runs", runs],
    ["owner", seen.owner ? `${seen.owner.value} (${seen.names.owner}${seen.owner.untouched ? ", never changed since it was made" : ""})` : `no key ${seen.names.owner}`],
    ["lease", seen.lease.session === undefined ? `free (${seen.names.lease})` : `session ${seen.lease.session} (${seen.names.lease})`],
    ...sessionRow(seen),
    ...workerRows(seen),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), "", ...(well ? ["Exactly one holder, under the right owner."] : ["Not as it should be, or on its way:", ...next.map((line) => `  ${line}`)])].join("\n");
}

function sessionRow({ session, lease }: LeaseStatus["seen"]): [string, string][] {
  if (session === undefined) return [];
  if (session === "gone") return [["session", "Consul has it no more"]];
  if (session === "hidden") return [["session", "not to be seen: the token may not read sessions of the holder's node"]];
  if ("problem" in session) return [["session", `not seen: ${session.problem}`]];
  return [["session", `${session.name} on ${session.node}; TTL ${session.ttlSeconds} s, lock-delay ${session.lockDelaySeconds} s${lease.who ? `; its holder wrote: ${lease.who.slice(0, 200)}` : ""}`]];
}

function workerRows({ workers }: LeaseStatus["seen"]): [string, string][] {
  if ("problem" in workers) return [["workers", `not seen: ${workers.problem}`]];
  if (workers.length === 0) return [["workers", "none of Nomad's is registered"]];
  return workers.map((worker) => {
    const where = `${worker.node} (allocation ${worker.allocation.slice(0, 8)}, ${worker.passing ? "its check passes" : "its check fails"})`;
    if ("problem" in worker) return ["worker", `${where}: could not be asked: ${worker.problem}`];
    const { phase, since, reason, remainingMs, childPid } = worker.state;
    return ["worker", `${where}: ${phase} since ${since}${reason ? `, ${reason}` : ""}; ${childPid === null ? "no worker runs in it" : `its worker is PID ${childPid}`}${remainingMs === null ? "" : `; ${seconds(remainingMs)} left without a renewal`}`];
  });
}

/** @param to the side that it was to be given to */
export function textGiven(result: GiveResult, to: Side, commands: Commands): string {
  const other = SIDES.find((side) => side !== to)!;
  const back = `${commands.give(other)}${other === "nomad" ? ` (with ${LEGACY_STOPPED}, once no legacy worker runs)` : ""}`;
  switch (result.outcome) {
    case "already":
      return `${workerOf(to)} has the lease already, and the owner is ${to}; nothing was changed.`;
    case "given": {
      const released = result.releasedAfterMs === undefined ? "" : `; the old side had given it back after ${seconds(result.releasedAfterMs)}`;
      return result.changed ? `Given: ${result.status.runs}. The hand-over took ${seconds(result.tookMs)}${released}.` : `The owner was ${to} already; nothing was changed. ${result.status.runs}, after ${seconds(result.tookMs)} of waiting.`;
    }
    case "refused":
      if (result.why === "legacy-unproven") return textUnproven(result.status, commands);
      return result.why === "no-key" ? `Nothing was changed: the owner key does not exist yet, and it is made with its first value by the deploy: ${commands.deploy}` : `Nothing was changed: somebody else set the owner to ${result.found ?? "nothing"} at the same moment. Agree on who gives it, look (${commands.status}) and repeat: ${commands.give(to)}`;
    case "taken-back":
      return `While this waited, somebody set the owner from ${to} to ${result.found ?? "nothing"}. Agree on who gives it, and look: ${commands.status}`;
    case "interrupted":
      return result.changed ? `Interrupted. The owner is ${to}, and the hand-over goes on without this command; wait for it again: ${commands.give(to)}; or go back: ${back}` : "Interrupted; nothing was changed.";
    case "not-taken":
      return [
        `${workerOf(to)} has not taken the lease within ${seconds(result.waitedMs)}. The owner ${result.changed ? `was ${result.from} and is` : "is"} ${to}, and stays so.`,
        ...(result.status ? [`  may run  ${result.status.mayRun}`, `  runs     ${result.status.runs}`] : []),
        ...(result.lastError ? [`  at last Consul could not be asked: ${result.lastError.message}`] : []),
        ...(result.status?.next ?? []).map((line) => `  ${line}`),
        `  to wait on: ${commands.give(to)}`,
        `  to go back: ${back}`,
      ].join("\n");
  }
}
