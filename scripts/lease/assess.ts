/** Who may run the worker, who runs it, and if nobody, why. Pure: what was seen comes in, words for people and one verdict go out. */
import { JOBS } from "../../contracts/services";
import type { LeaseSeen, WorkerSeen } from "./look";
import { SIDES, type Side } from "./sources";

/** The next commands, as they are typed in this environment. */
export interface Commands {
  readonly status: string;
  readonly why: string;
  readonly deploy: string;
  /** @param stated what the caller states by an option; only for nomad */
  give(side: Side, stated?: { readonly legacyWorkerStopped: true }): string;
  /** On the legacy host, which worker runs there: nothing is printed when none does. */
  readonly seeLegacy: string;
}

/**
 * held: one holder, of the side that the owner key names.
 * starting, ending: that holder's worker does not run yet, or not for long.
 * handing-over: somebody holds it who took it under an earlier owner.
 * unrenewed: held by a session that no worker says is its own.
 */
export type LeaseVerdict = "held" | "starting" | "ending" | "handing-over" | "unrenewed" | "nobody";

export interface LeaseHolder {
  readonly session: string;
  /** Undefined when nothing says it. */
  readonly side: Side | undefined;
  /** Nomad's allocation, when it says itself that the session is its own. */
  readonly worker: { readonly allocation: string; readonly node: string; readonly phase: string; readonly since: string; readonly remainingMs: number | null } | undefined;
}

export interface LeaseStatus {
  readonly owner: string | undefined;
  readonly holder: LeaseHolder | undefined;
  readonly verdict: LeaseVerdict;
  /** Exactly one holder, under the right owner. */
  readonly well: boolean;
  readonly mayRun: string;
  readonly runs: string;
  /** What helps; empty when all is well. */
  readonly next: readonly string[];
  readonly seen: LeaseSeen;
}

type Judged = Pick<LeaseStatus, "verdict" | "runs" | "next">;

export function assessLease(seen: LeaseSeen, commands: Commands): LeaseStatus {
  const holder = holderOf(seen);
  const judged = holder ? judgeHeld(seen, holder, commands) : judgeFree(seen, commands);
  return { owner: seen.owner?.value, holder, ...judged, well: judged.verdict === "held", mayRun: mayRun(seen), seen };
}

/** Whether whoever holds the lease took it under the owner of now: taking it is one transaction with a check of the owner key. */
export function takenUnderOwner({ owner, lease }: Pick<LeaseSeen, "owner" | "lease">): boolean {
  return owner !== undefined && lease.session !== undefined && lease.index > owner.index;
}

export function sideOf(value: string | undefined): Side | undefined {
  return SIDES.find((side) => side === value);
}

/** "Nomad's worker", in sentences. */
export function workerOf(side: Side): string {
  return side === "nomad" ? "Nomad's worker" : "the legacy worker";
}

function mayRun({ owner, names }: LeaseSeen): string {
  if (!owner) return `nobody: the key ${names.owner} does not exist yet`;
  const side = sideOf(owner.value);
  if (side) return `${workerOf(side)} (${names.owner} is ${owner.value})`;
  return owner.value === "nobody" ? `nobody (${names.owner} is nobody: the guardian's roll-back sets that, or an operator)` : `nobody: ${names.owner} is "${owner.value}", which neither side goes by`;
}

function holderOf(seen: LeaseSeen): LeaseHolder | undefined {
  const { session, who } = seen.lease;
  if (session === undefined) return undefined;
  const worker = answering(seen.workers).find(({ state }) => state.session === session);
  const side = worker ? "nomad" : takenUnderOwner(seen) ? sideOf(seen.owner?.value) : saidSide(who);
  return { session, side, worker: worker && { allocation: worker.allocation, node: worker.node, phase: worker.state.phase, since: worker.state.since, remainingMs: worker.state.remainingMs } };
}

/** The side that a holder wrote down beside its lock: "nomad on server-1 (allocation ...)". */
function saidSide(who: string | undefined): Side | undefined {
  return sideOf(/^(\w+) on /.exec(who ?? "")?.[1]);
}

function answering(workers: LeaseSeen["workers"]): Extract<WorkerSeen, { state: unknown }>[] {
  return "problem" in workers ? [] : workers.flatMap((worker) => ("state" in worker ? [worker] : []));
}

function judgeHeld(seen: LeaseSeen, { session, side, worker }: LeaseHolder, commands: Commands): Judged {
  const owner = sideOf(seen.owner?.value);
  const name = side ? workerOf(side) : "somebody";
  const on = worker ? ` on ${worker.node} (allocation ${worker.allocation.slice(0, 8)})` : "";
  const since = worker ? `, ${worker.phase} since ${worker.since}` : "";
  const again = [`look again: ${commands.status}`];
  if (side !== owner || owner === undefined) {
    const soon = "It looks at the owner every second and ends its worker; one that is cut off ends itself before its session does";
    return { verdict: "handing-over", runs: `${name}${on} still holds the lease (session ${session}${since}), taken under an earlier owner. ${soon}; ${ends(seen)}`, next: again };
  }
  if (worker) {
    if (worker.phase === "active") return { verdict: "held", runs: `${name}${on}${since}: it holds the lease (session ${session})`, next: [] };
    const reason = answering(seen.workers).find(({ state }) => state.session === session)?.state.reason;
    return worker.phase === "acquiring" ? { verdict: "starting", runs: `${name}${on} has the lease and is about to start`, next: again } : { verdict: "ending", runs: `${name}${on} holds the lease and is ending (${worker.phase}${reason ? `: ${reason}` : ""})`, next: again };
  }
  if (side === "nomad" && !("problem" in seen.workers) && seen.workers.every((it) => "state" in it)) {
    return { verdict: "unrenewed", runs: `nobody that is registered: session ${session} holds the lease, and no registered worker has it. Either its allocation is just being stopped, and gives it back, or nobody renews it: ${ends(seen)}`, next: [...again, `if no worker takes it by then: ${commands.why}`] };
  }
  return { verdict: "held", runs: `${name} holds the lease (session ${session}); its own word could not be had: ${unasked(seen, side)}. If it is gone, ${ends(seen)}`, next: [] };
}

/** What Consul does with a session that nobody renews. */
function ends({ session }: LeaseSeen): string {
  if (session === undefined || typeof session === "string" || "problem" in session) return "a session that nobody renews ends at twice its TTL, and its lock-delay later the lease is free";
  return `a session that nobody renews ends at the latest ${session.ttlSeconds * 2} s after its last renewal, and the lease is free ${session.lockDelaySeconds} s later`;
}

function unasked({ workers }: LeaseSeen, side: Side | undefined): string {
  if (side !== "nomad") return "the legacy host is not asked from here";
  if ("problem" in workers) return workers.problem;
  return workers.flatMap((worker) => ("problem" in worker ? [`${worker.node}: ${worker.problem}`] : [])).join("; ");
}

function judgeFree(seen: LeaseSeen, commands: Commands): Judged {
  const nobody = (why: string, ...next: string[]): Judged => ({ verdict: "nobody", runs: `nobody: ${why}`, next });
  const { owner, workers, names } = seen;
  // With the lease free nothing shows that no legacy worker runs beside it.
  const give = (side: Side): string => (side === "nomad" ? `give it to ${workerOf(side)}, once no legacy worker runs (${commands.seeLegacy}): ${commands.give(side, { legacyWorkerStopped: true })}` : `give it to ${workerOf(side)}: ${commands.give(side)}`);
  if (!owner) return nobody(`the lease ${names.lease} is free, and without an owner nobody takes it`, `make the key: ${commands.deploy}`);
  switch (sideOf(owner.value)) {
    case undefined:
      return nobody("the lease is free, and nobody may take it", ...SIDES.map(give));
    case "legacy":
      // The wrapper is what makes it exclusive; a worker that was started by hand has never heard of the lease.
      return nobody(`the lease is free. ${standby(workers)} A legacy worker that was started without the lease is not seen here`, "start the legacy worker under the lease, on its host", `or ${give("nomad")}`);
    case "nomad": {
      if ("problem" in workers) return nobody(`the lease is free, and Consul did not say which workers there are (${workers.problem})`, `look again: ${commands.status}`, commands.why);
      if (workers.length === 0) return nobody(`the lease is free, and no allocation of ${JOBS.worker} is registered`, `what Nomad says: ${commands.why}`);
      return nobody(`the lease is free. ${standby(workers)} The lease of a session that ended without releasing it is free when its lock-delay is over`, `look again: ${commands.status}`, `what Nomad says: ${commands.why}`);
    }
  }
}

/** What Nomad's allocations do while nobody holds the lease. */
function standby(workers: LeaseSeen["workers"]): string {
  if ("problem" in workers || workers.length === 0) return "No worker of Nomad's is registered.";
  return workers.map((worker) => ("state" in worker ? `Nomad's worker on ${worker.node} is in ${worker.state.phase}${worker.state.reason ? `: ${worker.state.reason}` : ""}.` : `Nomad's worker on ${worker.node} could not be asked (${worker.problem}).`)).join(" ");
}
