/** Which lane each worker is drawn in: one a node, and another beneath it for one that ran on the same node at the same time. */
import type { Interval } from "../analysis-intervals";
import { FROZEN_AFTER_MS, TICK_MS, type CaseRun, type LeasePhase, type Policy, type Stretch } from "../result";

export interface Lane {
  readonly node: string;
  readonly stretches: readonly (Stretch & { /** Of the policy's workers, counted from 1 in the order in which they began. */ readonly ordinal: number })[];
  readonly phases: readonly (Interval & Pick<LeasePhase, "phase" | "reason" | "allocation">)[];
}

/** @param nodes in this order, those without a worker too, so that the lanes of both policies are alike */
export function lanesOf(policy: Policy, run: CaseRun, nodes: readonly string[]): Lane[] {
  const own = run.stretches.filter((stretch) => stretch.policy === policy && stretch.to > run.from && stretch.from < run.to).sort((a, b) => a.from - b.from);
  const instances = [...new Set(own.map(({ instance }) => instance))];
  return nodes.flatMap((node) => {
    const rows: Lane["stretches"][number][][] = [[]];
    for (const instance of instances) {
      const times = own.filter((stretch) => stretch.node === node && stretch.instance === instance).map((stretch) => ({ ...stretch, ordinal: instances.indexOf(instance) + 1 }));
      if (times.length === 0) continue;
      const free = rows.find((row) => !row.some((other) => times.some((time) => time.from < other.to && other.from < time.to)));
      if (free) free.push(...times);
      else rows.push(times);
    }
    return rows.map((stretches, index) => ({ node, stretches, phases: policy === "lease" && index === 0 ? phasesOn(node, run) : [] }));
  });
}

/** Nodes on which a worker of either policy ran or stood by. */
export function nodesOf({ stretches, phases }: CaseRun): string[] {
  return [...new Set([...stretches, ...phases].map(({ node }) => node))].sort();
}

/**
 * A phase lasts until the next one of its allocation. An active one lasts no longer
 * than its worker ran: the log of one that was killed or frozen has no word about
 * that. Of the last word of a log only standing by is taken to go on.
 */
function phasesOn(node: string, { phases, stretches, from, to }: CaseRun): Lane["phases"] {
  const own = phases.filter((phase) => phase.node === node).sort((a, b) => a.at - b.at);
  // What a log said before the run is not in it; a worker that runs from the beginning holds the lease.
  const held = stretches.find((stretch) => stretch.policy === "lease" && stretch.node === node && stretch.from <= from + FROZEN_AFTER_MS && stretch.to > from);
  const known = own.some(({ phase, at }) => phase === "active" && at <= from + FROZEN_AFTER_MS);
  const first = own.find(({ phase }) => phase !== "standby")?.at ?? to;
  const before: Lane["phases"] = held && !known ? [{ from, to: Math.min(held.to, first, to), phase: "active", reason: null, allocation: "from before the run" }] : [];
  const within = own.flatMap((phase, index) => {
    const next = own.slice(index + 1).find(({ allocation }) => allocation === phase.allocation)?.at;
    const stopped = Math.min(...stretches.filter((stretch) => stretch.policy === "lease" && stretch.node === node && stretch.to >= phase.at).map((stretch) => stretch.to));
    const end = phase.phase === "active" ? Math.min(next ?? to, stopped) : (next ?? (phase.phase === "standby" ? to : phase.at + TICK_MS));
    const shown = { from: Math.max(from, phase.at), to: Math.min(to, end) };
    return shown.to > shown.from ? [{ ...shown, phase: phase.phase, reason: phase.reason, allocation: phase.allocation }] : [];
  });
  return [...before, ...within];
}
