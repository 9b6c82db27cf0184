/** Schedules: who contends, in which weather, and what goes wrong when. */
import fc from "fast-check";
import type { Owner } from "./consul";
import type { ContenderSettings } from "./contender";
import { CALM_MS, type Direction, type Weather } from "./network";
import type { Effect } from "./protocol-source";
import { DRIFT, KILL_MS } from "./timing";

/** Faults happen before, and are over by then; what follows is calm. */
export const CALM_FROM_MS = 60_000;

/**
 * `who`: a contender's number; the runner, where there is one, for 0.
 * `endsSession`: what befalls the contender ends the session that holds the lock as well, as when its node's agent leaves or an operator cleans up.
 */
export type Fault = { readonly at: number } & (
  | ({ readonly type: "pause"; readonly who: number } & Pause)
  /** `afterMs` after the protocol next says `effect`; 0: before it is done. */
  | ({ readonly type: "pause-on"; readonly who: number; readonly effect: Effect["type"]; readonly afterMs: number } & Pause)
  | { readonly type: "cut"; readonly who: number; readonly forMs: number; readonly direction: Direction; readonly endsSession: boolean }
  | { readonly type: "end-session" | "delete-key" }
  | { readonly type: "election"; readonly forMs: number; readonly staleMs: number; readonly contenders: number }
  | { readonly type: "servers-away"; readonly forMs: number }
  | { readonly type: "owner"; readonly to: Owner }
  | { readonly type: "owner-on"; readonly who: number; readonly effect: Effect["type"]; readonly afterMs: number; readonly to: Owner }
  | { readonly type: "stop" | "crash"; readonly who: number }
  | { readonly type: "child-exit"; readonly who: number; readonly code: number }
);

/** A machine that stands still, and whose network is back `deafMs` after it. */
export interface Pause {
  readonly forMs: number;
  readonly deafMs: number;
  readonly endsSession: boolean;
  /** No clock of the machine counts the time, as in a virtual machine that its host stopped. */
  readonly unseen?: boolean;
}

export interface Schedule {
  readonly seed: number;
  readonly owner: Owner;
  readonly weather: Weather;
  readonly contenders: readonly (ContenderSettings & { readonly arrivesAt: number })[];
  readonly faults: readonly Fault[];
}

const at = fc.integer({ min: 0, max: CALM_FROM_MS - 1_000 });
const who = fc.integer({ min: 0, max: 3 });
const long = fc.integer({ min: 100, max: 40_000 });
const owner = fc.constantFrom<Owner>("nomad", "legacy");

const child = fc.record({
  endsAfterMs: fc.oneof({ arbitrary: fc.integer({ min: 10, max: 15_000 }), weight: 3 }, { arbitrary: fc.constant(null), weight: 1 }),
  killMs: fc.integer({ min: 5, max: KILL_MS }),
  detaches: fc.boolean(),
  code: fc.constantFrom(0, 143),
});

export const contender = (owners: fc.Arbitrary<Owner>) => fc.record({
  owner: owners,
  rate: fc.double({ min: 1 - DRIFT, max: 1 + DRIFT, noNaN: true }),
  child,
  cannotStart: fc.oneof({ arbitrary: fc.constant(false), weight: 19 }, { arbitrary: fc.constant(true), weight: 1 }),
  arrivesAt: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
});

const weather: fc.Arbitrary<Weather> = fc.record({
  loss: fc.constantFrom(0, 0, 0.02, 0.2),
  slow: fc.constantFrom(0, 0.02, 0.2),
  errors: fc.constantFrom(0, 0, 0.02, 0.2),
  twice: fc.constantFrom(0, 0.05),
});

const is = <T extends Fault["type"]>(type: T) => fc.constant(type);

const frozen = { forMs: long, deafMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10_000 })), endsSession: fc.boolean() };
const pause = fc.record({ at, type: is("pause"), who, ...frozen });
const effect = fc.oneof({ arbitrary: fc.constant<Effect["type"]>("renew"), weight: 2 }, { arbitrary: fc.constantFrom<Effect["type"]>("start", "acquire", "kill", "release", "create-session", "destroy"), weight: 1 });
/** Four ways of a message are what a renewal takes. */
const afterMs = fc.oneof({ arbitrary: fc.constant(0), weight: 1 }, { arbitrary: fc.integer({ min: 1, max: 3 * CALM_MS }), weight: 2 });
const pauseOn = fc.record({ at, type: is("pause-on"), who, effect, afterMs, ...frozen });
export const cut = fc.record({ at, type: is("cut"), who, forMs: long, direction: fc.constantFrom<Direction>("both", "there", "back"), endsSession: fc.boolean() });
const endSession = fc.record({ at, type: is("end-session") });
export const deleteKey = fc.record({ at, type: is("delete-key") });
/** Up to 12 s without a leader; the deposed one answers for its raft leader lease, 0.5 s times a multiplier of 5. */
export const election = fc.record({ at, type: is("election"), forMs: fc.integer({ min: 0, max: 12_000 }), staleMs: fc.integer({ min: 0, max: 2_500 }), contenders: fc.integer({ min: 0, max: 15 }) });
const serversAway = fc.record({ at, type: is("servers-away"), forMs: long });
export const ownerChange = fc.record({ at, type: is("owner"), to: owner });
/** While somebody asks for the lease, or has just got it. */
const ownerChangeOn = fc.record({ at, type: is("owner-on"), who, effect: fc.constantFrom<Effect["type"]>("create-session", "acquire", "start"), afterMs, to: owner });
export const stop = fc.record({ at, type: is("stop"), who });
const crash = fc.record({ at, type: is("crash"), who });
export const childExit = fc.record({ at, type: is("child-exit"), who, code: fc.constantFrom(0, 1, 137) });

const list = (...of: fc.Arbitrary<Fault>[]) => fc.array(fc.oneof(...of), { maxLength: 8 });
/** Of every kind but the deletion of the key; in every other schedule it is above all the machines that stand still. */
const everything = fc.oneof({ arbitrary: list(pause, pauseOn, cut, endSession, election, serversAway, ownerChange, ownerChangeOn, stop, crash, childExit), weight: 1 }, { arbitrary: list(pause, pauseOn, pauseOn, pauseOn, endSession), weight: 1 });

/** Two to four contenders, of which the first is Nomad's; up to eight faults of those given. */
export const schedules = (...of: fc.Arbitrary<Fault>[]): fc.Arbitrary<Schedule> => fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  owner: fc.oneof({ arbitrary: fc.constant<Owner>("nomad"), weight: 3 }, { arbitrary: fc.constant<Owner>("legacy"), weight: 1 }),
  weather,
  contenders: fc.tuple(contender(fc.constant("nomad")), contender(fc.constant("nomad")), fc.array(contender(owner), { maxLength: 2 })).map(([a, b, rest]) => [{ ...a, arrivesAt: 0 }, b, ...rest]),
  faults: of.length > 0 ? list(...of) : everything,
});
