/** A made-up drill, as one could have gone: for the tests of its report. No lab has measured any of it. */
import { measuresOf } from "../../scripts/drill/analysis";
import type { CaseRun, Connection, DrillEvent, DrillReport, Expectation, LeasePhase, NotRun, Policy, Stretch } from "../../scripts/drill/result";

/** The machines' clock at the first fault. */
const ZERO = 4_211_300;
const REPETITIONS = [1, 2, 3] as const;

interface Made {
  readonly caseId: string;
  readonly title: string;
  readonly group: string;
  /** Milliseconds before and after the first fault. */
  readonly before?: number;
  readonly after: number;
  readonly events: readonly (readonly [number, DrillEvent["kind"], string])[];
  /** Policy, node, instance, from, to. */
  readonly ran: readonly (readonly [Policy, string, string, number, number])[];
  readonly phases?: readonly (readonly [number, string, string, string, string | null])[];
  readonly expectations: (run: Pick<CaseRun, "measures">) => readonly Expectation[];
  readonly recoveredMs?: number | null;
  readonly error?: string;
}

const noOverlap = ({ measures }: Pick<CaseRun, "measures">): Expectation => ({ what: "lease: no overlap", held: measures.lease.overlapMs === 0, found: `${measures.lease.overlapMs} ms` });
const gap = (id: "hand-over" | "node-lost", ofMs: number) => ({ measures }: Pick<CaseRun, "measures">): Expectation => {
  const measuredMs = measures.lease.longestGapMs;
  return { what: `lease: gap at most ${ofMs / 1_000} s`, held: measuredMs <= ofMs, found: `${(measuredMs / 1_000).toFixed(1)} s`, bound: { id, measuredMs, ofMs } };
};
const undisturbed = ({ measures }: Pick<CaseRun, "measures">): Expectation => ({ what: "lease: the worker is not disturbed", held: measures.lease.undisturbed, found: measures.lease.undisturbed ? "it ran on" : "it was started anew" });

/** @param shift milliseconds by which this repetition went slower */
const CASES: readonly ((shift: number) => Made)[] = [
  (s) => ({
    caseId: "node-killed",
    title: "The worker's node is killed; it is not the leader",
    group: "Nodes",
    after: 62_000,
    events: [[0, "fault", "server-2 killed"], [12_100 + s, "seen", "Nomad starts a replacement"], [45_000, "heal", "server-2 started again"], [58_400, "seen", "all is well"]],
    ran: [["lease", "server-2", "a", -60_000, -40], ["lease", "server-1", "b", 31_200 + s, 90_000], ["plain", "server-2", "p", -60_000, -10], ["plain", "server-1", "q", 12_900 + s, 90_000]],
    phases: [[-59_000, "server-2", "aa11bb22", "active", null], [12_100 + s, "server-1", "cc33dd44", "standby", "starting"], [12_150 + s, "server-1", "cc33dd44", "standby", "the lease is held by session 71b4a0"], [31_050 + s, "server-1", "cc33dd44", "acquiring", null], [31_090 + s, "server-1", "cc33dd44", "active", null]],
    expectations: (run) => [noOverlap(run), gap("node-lost", 45_000)(run)],
  }),
  (s) => ({
    caseId: "node-killed-leader",
    title: "The worker's node is killed; it leads Nomad's servers",
    group: "Nodes",
    after: 75_000,
    events: [[0, "fault", "server-1 killed"], [2_100, "seen", "server-2 leads"], [36_400 + s, "seen", "Nomad starts a replacement"], [50_000, "heal", "server-1 started again"], [66_900, "seen", "all is well"]],
    ran: [["lease", "server-1", "a", -60_000, -70], ["lease", "server-2", "b", 37_800 + s, 90_000], ["plain", "server-1", "p", -60_000, -20], ["plain", "server-2", "q", 37_000 + s, 90_000]],
    phases: [[-59_000, "server-1", "aa11bb22", "active", null], [36_600 + s, "server-2", "cc33dd44", "standby", "starting"], [37_500 + s, "server-2", "cc33dd44", "acquiring", null], [37_700 + s, "server-2", "cc33dd44", "active", null]],
    expectations: (run) => [noOverlap(run), gap("node-lost", 45_000)(run)],
  }),
  (s) => ({
    caseId: "node-paused",
    title: "A whole node is paused for 60 s and resumed",
    group: "Nodes",
    after: 80_000,
    events: [[0, "fault", "server-2 paused"], [60_000, "heal", "server-2 resumed"], [60_060, "seen", "the old worker was killed"], [71_000, "seen", "all is well"]],
    ran: [["lease", "server-2", "a", -60_000, -30], ["lease", "server-2", "a", 60_010, 60_051 + Math.round(s / 10)], ["lease", "server-1", "b", 31_400 + s, 90_000], ["plain", "server-2", "p", -60_000, -30], ["plain", "server-2", "p", 60_020, 65_300], ["plain", "server-1", "q", 12_400 + s, 90_000]],
    phases: [[-59_000, "server-2", "aa11bb22", "active", null], [60_012, "server-2", "aa11bb22", "killing", "no renewal for 60012 ms"], [60_060, "server-2", "aa11bb22", "releasing", "no renewal for 60012 ms"], [60_070, "server-2", "aa11bb22", "destroying", "no renewal for 60012 ms"], [60_090, "server-2", "aa11bb22", "standby", "no renewal for 60012 ms"], [12_600 + s, "server-1", "cc33dd44", "standby", "starting"], [31_300 + s, "server-1", "cc33dd44", "active", null]],
    expectations: ({ measures }) => [{ what: "lease: overlap at most 250 ms", held: measures.lease.overlapAtMostMs <= 250, found: `${measures.lease.overlapMs} ms, at most ${measures.lease.overlapAtMostMs} ms`, bound: { id: "frozen", measuredMs: measures.lease.overlapAtMostMs, ofMs: 250 } }],
  }),
  (s) => ({
    caseId: "partition-30s",
    title: "The worker's client is cut off for 30 s",
    group: "Networks",
    after: 50_000,
    events: [[0, "fault", "server-2 cut off"], [30_000, "heal", "server-2 joined again"], [33_000 + s, "seen", "all is well"]],
    ran: [["lease", "server-2", "a", -60_000, 8_020 + s / 10], ["lease", "server-1", "b", 31_600 + s, 90_000], ["plain", "server-2", "p", -60_000, 38_800 + s], ["plain", "server-1", "q", 13_100 + s, 90_000]],
    phases: [[7_600, "server-2", "aa11bb22", "draining", "no renewal for 8004 ms"], [8_120 + s / 10, "server-2", "aa11bb22", "releasing", "no renewal for 8004 ms"], [10_400, "server-2", "aa11bb22", "destroying", "no renewal for 8004 ms"], [12_900, "server-2", "aa11bb22", "standby", "Consul does not answer"], [13_000 + s, "server-1", "cc33dd44", "standby", "starting"], [31_500 + s, "server-1", "cc33dd44", "active", null]],
    expectations: (run) => [noOverlap(run), gap("node-lost", 45_000)(run)],
  }),
  (s) => ({
    caseId: "partition-90s",
    title: "The worker's client is cut off for 90 s",
    group: "Networks",
    after: 112_000,
    events: [[0, "fault", "server-2 cut off"], [90_000, "heal", "server-2 joined again"], [97_000 + s, "seen", "all is well"]],
    ran: [["lease", "server-2", "a", -60_000, 8_020], ["lease", "server-1", "b", 31_700 + s, 190_000], ["plain", "server-2", "p", -60_000, 98_400 + s], ["plain", "server-1", "q", 12_800, 190_000]],
    phases: [[-59_000, "server-2", "aa11bb22", "active", null], [7_700, "server-2", "aa11bb22", "draining", "no renewal for 8011 ms"], [8_200, "server-2", "aa11bb22", "releasing", "no renewal for 8011 ms"], [13_000, "server-1", "cc33dd44", "standby", "starting"], [31_600 + s, "server-1", "cc33dd44", "active", null]],
    expectations: (run) => [noOverlap(run), gap("node-lost", 45_000)(run)],
  }),
  () => ({
    caseId: "consul-cut-short",
    title: "Only Consul is cut off, for 5 s",
    group: "Networks",
    after: 30_000,
    events: [[0, "fault", "server-1 cut off from Consul"], [5_000, "heal", "undone"], [9_000, "seen", "all is well"]],
    ran: [["lease", "server-1", "a", -60_000, 90_000], ["plain", "server-1", "p", -60_000, 90_000]],
    phases: [[-59_000, "server-1", "aa11bb22", "active", null]],
    expectations: (run) => [noOverlap(run), undisturbed(run)],
  }),
  (s) => ({
    caseId: "drain",
    title: "The worker's node is drained",
    group: "Operations",
    before: 6_000,
    after: 20_000,
    events: [[0, "action", "nomad node drain server-1"], [1_900 + s, "seen", "the drain is complete"], [2_000 + s, "seen", "the worker runs on server-2"], [2_050 + s, "seen", "the lease has another holder"], [9_000, "heal", "server-1 is eligible again"], [19_800, "seen", "all is well and stayed so for ten seconds"]],
    ran: [["lease", "server-1", "a", -60_000, 620], ["lease", "server-2", "b", 1_840 + s, 90_000], ["plain", "server-1", "p", -60_000, 580], ["plain", "server-2", "q", 1_310 + s, 90_000]],
    phases: [[-59_000, "server-1", "aa11bb22", "active", null], [410, "server-1", "aa11bb22", "draining", "stopped by SIGTERM"], [630, "server-1", "aa11bb22", "killing", "stopped by SIGTERM"], [650, "server-1", "aa11bb22", "releasing", "stopped by SIGTERM"], [670, "server-1", "aa11bb22", "destroying", "stopped by SIGTERM"], [690, "server-1", "aa11bb22", "done", "stopped by SIGTERM"], [1_500 + s, "server-2", "cc33dd44", "standby", "starting"], [1_600 + s, "server-2", "cc33dd44", "active", null]],
    expectations: (run) => [noOverlap(run), gap("hand-over", 5_000)(run)],
  }),
  (s) => ({
    caseId: "count-2",
    title: "Register with count 2",
    group: "Operations",
    after: 25_000,
    events: [[0, "action", "a job with count 2 is registered"], [300, "seen", "refused for the platform's worker"], [16_000, "heal", "registered with count 1"], [21_000, "seen", "all is well"]],
    ran: [["lease", "server-1", "a", -60_000, 90_000], ["plain", "server-1", "p", -60_000, 90_000], ["plain", "server-1", "q", 1_500 + s, 16_600]],
    phases: [[-59_000, "server-1", "aa11bb22", "active", null]],
    expectations: (run) => [noOverlap(run), undisturbed(run)],
  }),
  (s) => ({
    caseId: "engine-killed",
    title: "The Docker engine of the worker's node is killed",
    group: "Programs",
    after: 60_000,
    events: [[0, "fault", "dockerd killed with -9"], [20_000, "heal", "dockerd started"], [50_000, "seen", "all is well"]],
    ran: [["lease", "server-1", "a", -60_000, 400], ["lease", "server-1", "b", 21_800 + s, 90_000], ["plain", "server-1", "p", -60_000, 350], ["plain", "server-1", "q", 21_000 + s, 27_000 + s], ["plain", "server-2", "r", 26_000 + s, 90_000]],
    phases: [[-59_000, "server-1", "aa11bb22", "active", null], [21_600 + s, "server-1", "aa11bb22", "active", null]],
    expectations: (run) => [noOverlap(run)],
    error: s > 0 && s < 500 ? "server-1 did not come back within 60 s; see the engine's log" : undefined,
    recoveredMs: 30_000,
  }),
];

export const EXAMPLE_NOT_RUN: readonly NotRun[] = [{ caseId: "clock", title: "The system clock is moved by an hour", why: "containers share the kernel's clock, so that moving it would move the operator's too; the lease does not read it, which its tests show" }];

/** @param more changes the report, for one with a failure in it */
export function exampleReport(more: Partial<DrillReport> = {}): DrillReport {
  return {
    createdAt: "2026-11-26T01:02:03.000Z",
    commit: "0123456789abcdef0123456789abcdef01234567",
    settings: {
      environment: "lab",
      cases: CASES.map((made) => made(0).caseId),
      repetitions: 3,
      values: { "lease.ttl": "10s", "lease.lockDelay": "12s", "lease.renewEvery": "1s", "lease.terminateAfter": "8s", "lease.killAfter": "9s", "lease.deadAfter": "10s", "lease.stopGrace": "20s", "nomad.minHeartbeatTtl": "5s", "nomad.heartbeatGrace": "5s", "nomad.failoverHeartbeatTtl": "33s" },
    },
    machine: { cores: 2, memoryBytes: 24 * 2 ** 30, kernel: "6.1.0", engine: "28.5.1" },
    runs: CASES.flatMap((made) => REPETITIONS.map((repetition) => runOf(made((repetition - 1) * 430), repetition))),
    notRun: EXAMPLE_NOT_RUN,
    ...more,
  };
}

function runOf({ caseId, title, group, before = 8_000, after, events, ran, phases = [], expectations, recoveredMs = 4_200, error }: Made, repetition: number): CaseRun {
  const stretches = ran.map(([policy, node, name, from, to]): Stretch => ({ policy, node, instance: `${node}-${name}-${repetition}`, from: ZERO + from, to: ZERO + to, ticks: Math.floor((to - from) / 100) + 1 }));
  const connections = stretches.map(({ policy, instance, from, to }): Connection => ({ policy, instance, from: from + 150, heardAt: Math.max(from + 150, to - 20), closedAt: to }));
  const seen = {
    from: ZERO - before,
    to: ZERO + after,
    stretches,
    connections,
    events: events.map(([at, kind, what]): DrillEvent => ({ at: ZERO + at, kind, what })),
  };
  const measures = { lease: measuresOf("lease", seen), plain: measuresOf("plain", seen) };
  return {
    caseId,
    title,
    group,
    repetition,
    startedAt: `2026-11-26T01:1${repetition}:00.000Z`,
    ...seen,
    phases: phases.map(([at, node, allocation, phase, reason]): LeasePhase => ({ at: ZERO + at, node, allocation, phase, reason })),
    measures,
    duplicates: { orders: 0, ordersSent: Math.round((before + after) / 1_000), ordersInOverlap: 0, plainOrders: Math.round(measures.plain.overlapMs / 1_000), runs: 0, rows: 0 },
    expectations: expectations({ measures }),
    recoveredMs,
    error: error ?? null,
  };
}
