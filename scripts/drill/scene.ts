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
}

export interface Observation {
  /** Ends it and gathers what there is between two stamps. @throws Error when a source does not answer: then the case proves nothing */
  readonly end: (from: number, to: number) => Promise<Evidence>;
  /** Ends it when nothing of it is wanted. */
  readonly abandon: () => Promise<void>;
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
  /** Begins a fault or does an act. @returns what Nomad said when it refused; what undoes a lasting fault */
  readonly perform: (step: Exclude<Step, { readonly wait: Duration }>, mark: Mark) => Promise<{ readonly refused?: string; readonly heal?: () => Promise<void> }>;
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
