/** What a drill needs of a lab: the runner knows no more of it, and tests give it a double. */
import type { Duration } from "../../contracts/units";
import type { Given, Step } from "./case";
import type { Connection, Duplicates, EventKind, LeasePhase, Policy, Stretch } from "./result";

/** A worker that ticked within the last half second. */
export interface Running {
  readonly policy: Policy;
  readonly instance: string;
  readonly node: string;
}

/** Notes an event of the case at this moment. */
export type Mark = (kind: EventKind, what: string) => void;

/** What was written down while a case ran. */
export interface Evidence {
  readonly stretches: readonly Stretch[];
  readonly connections: readonly Connection[];
  readonly phases: readonly LeasePhase[];
  readonly duplicates: Duplicates;
  /** When orders of workers with a lease came to the exchange. */
  readonly workerOrders: readonly number[];
  /** Milliseconds at most for which two workers with a lease ran since the run before this one, or since the drill began. */
  readonly overlapBeforeMs: number;
}

export interface Observation {
  /** When it began. */
  readonly from: number;
  /** Ends it and gathers what there is until then. @throws Error when a source does not answer: then the case proves nothing */
  readonly end: (to: number) => Promise<Evidence>;
  /** Ends it when nothing of it is wanted. */
  readonly abandon: () => Promise<void>;
}

/** A fault that has begun, or an act that was done. */
export interface Performed {
  /** What Nomad said when it refused. */
  readonly refused?: string;
  /** To be asked just before it is undone. @throws Error when it did not take effect, so that the case proves nothing */
  readonly confirm?: () => Promise<void>;
  /** Undoes what lasts. */
  readonly heal?: () => Promise<void>;
}

export interface Scene {
  /** Milliseconds of the clock that the workers' stamps are of. */
  readonly now: () => number;
  /** @throws Interrupted when the drill is to end */
  readonly wait: (time: Duration) => Promise<void>;
  /** What is not well about the platform or its worker, and what is still under way; the plain policy's job is not looked at. */
  readonly problems: () => Promise<readonly string[]>;
  readonly running: (policy: Policy) => readonly Running[];
  /** Makes everything as a case wants it: all well, both workers on one node, the leader where it should be. @throws Error when it cannot in time */
  readonly arrange: (given: Given) => Promise<void>;
  /** Begins to write down: the order stream, and what the workers tick. */
  readonly observe: () => Promise<Observation>;
  /** Begins a fault or does an act. */
  readonly perform: (step: Exclude<Step, { readonly wait: Duration }>, mark: Mark) => Promise<Performed>;
  /** Undoes every fault that is left, whatever happened. */
  readonly healAll: () => Promise<void>;
  /** Undoes what `arrange` or an act of this case changed for good. */
  readonly restore: () => Promise<void>;
}

/** The drill was told to end. */
export class Interrupted extends Error {
  constructor() {
    super("interrupted");
    this.name = "Interrupted";
  }
}
