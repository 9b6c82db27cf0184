/** What must hold for a schedule; each property runs the schedule and returns what it violated. */
import fc from "fast-check";
import type { Owner } from "./consul";
import { CALM, CALM_MS, type Weather } from "./network";
import { CALM_FROM_MS, contender, cut, deleteKey, election, ownerChange, childExit, schedules, stop, type Fault, type Schedule } from "./schedule";
import type { Overlap } from "./roll";
import { FEW_RENEWALS_MS, Simulation, type Defects } from "./simulation";
import { DRIFT, KILL_MS, RESUME_MS, TICK_MS, TIMING } from "./timing";

export interface Property {
  readonly schedules: fc.Arbitrary<Schedule>;
  violations(simulation: Simulation): readonly string[];
}

const told = ({ who, from, to }: Overlap, bound: string) => `${who.map(({ name }) => name).join(" and ")} ran at once from ${Math.round(from)} to ${Math.round(to)} ms: ${bound}`;
const judge = (simulation: Simulation) => simulation.run().violations;

const calm = (contenders: Schedule["contenders"], faults: readonly Fault[], seed: number, owner: Owner = "nomad", weather: Weather = CALM): Schedule => ({ seed, owner, weather, contenders, faults });
const nomad = contender(fc.constant("nomad")).map((traits) => ({ ...traits, arrivesAt: 0, cannotStart: false }));
const legacy = contender(fc.constant("legacy")).map((traits) => ({ ...traits, arrivesAt: 0, cannotStart: false }));
const seed = fc.integer({ min: 0, max: 2 ** 31 });
/** A moment at which the lease has long been held, so that no two faults of these schedules meet. */
const settled = fc.integer({ min: 15_000, max: 20_000 });

/** From the death of the one child to the start of the next: its end is verified, the lock released; the standby looks, makes a session, takes the lock. */
export const HAND_OVER_MS = KILL_MS + TIMING.renewEveryMs + TICK_MS + 10 * CALM_MS;
/** An interruption that no child notices: the last renewal before it may be one period old, the first after it comes one period later. */
export const UNNOTICED_MS = TIMING.terminateAfterMs - 2 * (TIMING.renewEveryMs + TICK_MS) - 8 * CALM_MS;
/** From Consul's return to a running child, if the contender that held the lock lives: its last request must time out first. */
export const RETURN_MS = TIMING.requestTimeoutMs + 2 * (TIMING.renewEveryMs + TICK_MS) + FEW_RENEWALS_MS;
/** Two run this long when the lease key is deleted and nothing else goes wrong: until the holder looks, and has killed. */
export const DELETED_MS = TIMING.renewEveryMs + TICK_MS + 4 * CALM_MS + KILL_MS;

export const PROPERTIES = {
  /** Never two, only under its owner, one again soon after the last fault, exit codes: whatever goes wrong but that somebody deletes the lease key. */
  always: { schedules: schedules(), violations: judge },

  /** Without any lock-delay, but with sessions that end by their TTL alone: each of the two guards is enough. */
  expiryAlone: {
    schedules: schedules(cut.map((fault) => ({ ...fault, endsSession: false })), election, ownerChange, stop),
    violations: judge,
  },

  /** The lease key deleted at any time: two run no longer than until the deadline of the one that held it. */
  deletions: {
    schedules: schedules(deleteKey, deleteKey, cut, election, stop),
    violations: (simulation) => {
      simulation.run();
      const beyond = simulation.roll.overlaps.filter(({ from, to, excused }) => !excused && !simulation.deletedAt.some((at) => from >= at && to <= at + TIMING.deadAfterMs * (1 + 2 * DRIFT)));
      return [...simulation.violations.filter((violation) => !violation.includes("ran at once")), ...beyond.map((overlap) => told(overlap, `the key was deleted at ${simulation.deletedAt.join(", ")}`))];
    },
  },

  deletionAlone: {
    schedules: fc.tuple(fc.tuple(nomad, nomad), settled, seed).map(([contenders, at, luck]) => calm(contenders, [{ at, type: "delete-key" }], luck)),
    violations: (simulation) => {
      simulation.run();
      return simulation.roll.overlaps.filter(({ from, to }) => to - from > DELETED_MS).map((overlap) => told(overlap, `more than ${DELETED_MS} ms`));
    },
  },

  /** A machine stopped by its host for so long that another runs, and whose clocks say nothing of it: the first answer does, and without one the deadline. */
  unseenPause: {
    schedules: fc.tuple(fc.tuple(nomad, nomad), settled, fc.integer({ min: 33_000, max: 38_000 }), fc.constantFrom(0, TIMING.deadAfterMs), seed).map(([contenders, at, forMs, deafMs, luck]) => calm(contenders, [{ at, type: "pause", who: 0, forMs, deafMs, endsSession: false, unseen: true }], luck)),
    violations: (simulation) => {
      simulation.run();
      const [fault] = simulation.schedule.faults;
      const most = "deafMs" in fault && fault.deafMs > 0 ? TIMING.deadAfterMs * (1 + 2 * DRIFT) : RESUME_MS + DELETED_MS;
      return simulation.roll.overlaps.filter(({ from, to }) => to - from > most).map((overlap) => told(overlap, `more than ${most} ms`));
    },
  },

  /** One is stopped, or the owner changes, while another stands by: no lock-delay is waited for. */
  handOver: {
    schedules: fc.tuple(nomad, nomad, legacy, settled, fc.boolean(), seed).map(([first, second, other, at, stops, luck]) => calm(stops ? [first, second] : [first, other], [stops ? { at, type: "stop", who: 0 } : { at, type: "owner", to: "legacy" }], luck)),
    violations: (simulation) => {
      const { violations, roll: { runs } } = simulation.run();
      const [left, took] = [runs[0], runs[1]];
      return took.from - left.to <= HAND_OVER_MS ? violations : [...violations, `the hand-over took ${Math.round(took.from - left.to)} ms from the end of the child, more than ${HAND_OVER_MS}`];
    },
  },

  /** A short interruption, of whatever kind, is not noticed by the child. */
  unnoticed: {
    schedules: fc.tuple(fc.tuple(nomad, nomad), settled, fc.integer({ min: 0, max: UNNOTICED_MS }), fc.constantFrom("both" as const, "there" as const, "back" as const, "away" as const, "election" as const), seed).map(([contenders, at, forMs, kind, luck]) => {
      if (kind === "away") return calm(contenders, [{ at, type: "servers-away", forMs }], luck);
      if (kind === "election") return calm(contenders, [{ at, type: "election", forMs, staleMs: Math.min(forMs, 2_500), contenders: 3 }], luck);
      return calm(contenders, [{ at, type: "cut", who: 0, forMs, direction: kind, endsSession: false }], luck);
    }),
    violations: (simulation) => {
      const { violations, roll: { runs } } = simulation.run();
      return runs.length === 1 ? violations : [...violations, `the child ended at ${Math.round(runs[0].to)}`];
    },
  },

  /** Consul gone for longer than the deadline and back: whoever held the lock gives it back at once, and nobody waits for its session to end. */
  returns: {
    schedules: fc.tuple(fc.tuple(nomad, nomad), settled, fc.integer({ min: TIMING.deadAfterMs + TIMING.renewEveryMs, max: 38_000 }), fc.boolean(), seed).map(([contenders, at, forMs, silent, luck]) => calm(contenders, [silent ? { at, type: "servers-away", forMs } : { at, type: "election", forMs, staleMs: 0, contenders: 0 }], luck)),
    violations: (simulation) => {
      const { violations, roll: { runs } } = simulation.run();
      const back = simulation.returnedAt[0];
      const again = runs.find(({ from }) => from > back)?.from ?? Infinity;
      return again - back <= RETURN_MS ? violations : [...violations, `a child runs again ${Math.round(again - back)} ms after Consul's return, more than ${RETURN_MS}`];
    },
  },

  /** A kill that takes far longer than is allowed for, as of a process that waits for a disk: while Consul answers, the lock is kept for as long. */
  slowKills: {
    schedules: fc.tuple(fc.array(fc.tuple(nomad, fc.integer({ min: 0, max: 90_000 })).map(([traits, killMs]) => ({ ...traits, child: { ...traits.child, killMs } })), { minLength: 2, maxLength: 3 }), fc.array(fc.oneof(ownerChange, stop, childExit), { minLength: 1, maxLength: 6 }), seed, fc.constantFrom(0, 0.02)).map(([contenders, faults, luck, loss]) => calm(contenders, faults, luck, "nomad", { ...CALM, loss })),
    violations: (simulation) => {
      simulation.timeline.run(CALM_FROM_MS + 100_000);
      return simulation.roll.overlaps.map((overlap) => told(overlap, "while it was being killed"));
    },
  },
} satisfies Record<string, Property>;

export type PropertyName = keyof typeof PROPERTIES;

/** Throws what the schedule violated, of the given kind. */
export function hold(name: PropertyName, schedule: Schedule, defects: Defects, kind = /./): void {
  const violations = PROPERTIES[name].violations(new Simulation(schedule, defects)).filter((violation) => kind.test(violation));
  if (violations.length > 0) throw new Error(violations.join("\n"));
}
