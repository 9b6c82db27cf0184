/** How near the measured times come to the bounds that the timing of the lease and of Nomad promises. */
import { HEARTBEAT_TTL_SPREAD, NOMAD_ELECTION, SESSION_TTL_MULTIPLE } from "../../contracts/singleton";
import { Duration } from "../../contracts/units";
import { BOUNDS, FROZEN_AFTER_MS, TICK_MS, type BoundId, type CaseRun, type DrillReport, type LeasePhase, type Stretch } from "./result";

/** `dead-after`: from the last renewal until all was dead. `take-over`: from the last renewal until another held the lease. `detection`: from the loss of a node until its replacement stood by. */
export type MarginId = BoundId | "dead-after" | "take-over" | "detection" | "detection-leader";

export interface Margin {
  /** The longest of the samples. */
  readonly measuredMs: number;
  /** What it must not exceed. */
  readonly of: number;
  readonly samples: number;
}

/** The margins that the report has samples of, by the name of what they are of. */
export function marginsOf(report: DrillReport): Partial<Record<MarginId, Margin>> {
  const runs = report.runs.filter(({ error }) => error === null);
  const value = (name: string): number => durationOf(report.settings.values[name]);
  const expiryMs = SESSION_TTL_MULTIPLE * value("lease.ttl");
  const lost = runs.filter(({ expectations }) => expectations.some(({ bound }) => bound?.id === "node-lost"));
  const ofLeader = (run: CaseRun): boolean => run.caseId.includes("leader");
  const all: [MarginId, number, readonly number[]][] = [
    ...BOUNDS.map((id): [MarginId, number, readonly number[]] => {
      const found = runs.flatMap(({ expectations }) => expectations.flatMap(({ bound }) => (bound?.id === id ? [bound] : [])));
      return [id, Math.min(...found.map(({ ofMs }) => ofMs)), found.map(({ measuredMs }) => measuredMs)];
    }),
    ["dead-after", value("lease.deadAfter"), runs.flatMap(deathsOf)],
    // A standby looks once in `renewEvery`, and a look that comes just before the lock-delay ends costs another.
    ["take-over", expiryMs + value("lease.lockDelay") + 2 * value("lease.renewEvery"), lost.flatMap((run) => takeOversOf(run, expiryMs))],
    ["detection", HEARTBEAT_TTL_SPREAD * value("nomad.minHeartbeatTtl") + value("nomad.heartbeatGrace"), lost.filter((run) => !ofLeader(run)).flatMap(replacementsOf)],
    ["detection-leader", NOMAD_ELECTION.milliseconds + value("nomad.failoverHeartbeatTtl"), lost.filter(ofLeader).flatMap(replacementsOf)],
  ];
  return Object.fromEntries(all.filter(([, of, samples]) => samples.length > 0 && Number.isFinite(of)).map(([id, of, samples]) => [id, { measuredMs: Math.round(Math.max(...samples)), of, samples: samples.length }]));
}

function durationOf(text: string | undefined): number {
  return text === undefined ? Number.NaN : Duration.parse(text).milliseconds;
}

/** What the lease wrapper says when it ends its worker because no renewal came through (runtime/worker-lease/protocol.mjs). */
const NO_RENEWAL = /^no renewal for (\d+) ms/;

/** A lease is given back as soon as its worker is seen dead; a standby's own refused attempt comes later than that. */
const GIVEN_BACK_WITHIN_MS = 2_000;

/** When the last renewal that succeeded was sent, as the phase's reason tells. */
function renewedAt({ at, reason }: LeasePhase): number | undefined {
  const silent = NO_RENEWAL.exec(reason ?? "")?.[1];
  return silent === undefined ? undefined : at - Number(silent);
}

/** From the last renewal until everything was dead, each time that a wrapper gave up. Not while it was frozen itself: then its worker did not run either. */
export function deathsOf({ phases, stretches }: CaseRun): number[] {
  return allocations(phases).flatMap((own) =>
    own.flatMap((phase, index) => {
      const renewed = renewedAt(phase);
      if (renewed === undefined || (index > 0 && renewedAt(own[index - 1]) !== undefined)) return [];
      const ran = stretchAt(stretches, phase.node, renewed);
      if (!ran || ran.to < phase.at - FROZEN_AFTER_MS) return [];
      const dead = own.slice(index).find((later) => later.phase === "releasing");
      return [Math.max(dead?.at ?? 0, ran.to + (dead ? 0 : TICK_MS)) - renewed];
    }),
  );
}

/**
 * From the last renewal of a lease that was not given back until another one held
 * it, where that one stood by in time. Of a wrapper that could not tell, its
 * worker's last tick stands for the renewal, which was up to a second before.
 *
 * @param expiryMs in which Consul ends a session: whoever stands by later waits for less
 */
export function takeOversOf({ phases, stretches }: CaseRun, expiryMs: number): number[] {
  const inOrder = phases.toSorted((a, b) => a.at - b.at);
  return inOrder.flatMap((taken) => {
    // Who held it before is known by its ticks: the log of a node that was killed is gone.
    const earlier = stretches.filter(({ policy, from, to }) => policy === "lease" && from < taken.at && to <= taken.at).sort((a, b) => b.to - a.to)[0];
    if (taken.phase !== "active" || !earlier) return [];
    const until = inOrder.filter(({ node, at }) => node === earlier.node && at > earlier.from && at < taken.at);
    const silent = until.map(renewedAt).find((at) => at !== undefined);
    if (silent === undefined && until.some(({ phase, at }) => phase === "releasing" && Math.abs(at - earlier.to) < GIVEN_BACK_WITHIN_MS)) return [];
    const from = silent ?? earlier.to;
    const stoodBy = inOrder.find(({ allocation, at }) => allocation === taken.allocation && at > from)?.at ?? taken.at;
    return stoodBy - from < expiryMs ? [taken.at - from] : [];
  });
}

/** From the first fault until a lease wrapper that was not there before stood by. */
export function replacementsOf({ phases, events }: CaseRun): number[] {
  const fault = Math.min(...events.filter(({ kind }) => kind === "fault").map(({ at }) => at));
  const first = phases.filter(({ at, reason }) => at > fault && reason === "starting").map(({ at }) => at);
  return first.length > 0 ? [Math.min(...first) - fault] : [];
}

/** Phases by allocation, each in order. */
function allocations(phases: readonly LeasePhase[]): LeasePhase[][] {
  const names = [...new Set(phases.map(({ allocation }) => allocation))];
  return names.map((name) => phases.filter(({ allocation }) => allocation === name).sort((a, b) => a.at - b.at));
}

/** The stretch of a worker with a lease on that node at that time. */
function stretchAt(stretches: readonly Stretch[], node: string, at: number): Stretch | undefined {
  return stretches.find((stretch) => stretch.policy === "lease" && stretch.node === node && stretch.from <= at && stretch.to >= at);
}
