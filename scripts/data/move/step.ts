/** What a step of a move is. Each may be begun again after it broke off anywhere, and so may its undo. */
import type { Environment } from "../../../environments/schema";
import type { Progress } from "../progress";
import type { Facts } from "./facts";
import type { MoveOptions } from "./journal";
import type { KillSwitch, World } from "./world";

/** What an environment says of a move. */
export interface MoveSettings extends Pick<Environment["dataMove"], "convexUrl" | "envFiles" | "room" | "ordersWithin" | "quietFor" | "writesWithin" | "criticalTables"> {
  /** Where legacy's Convex is, as the tailnet knows it. */
  readonly sourceUrl: string;
  /** The legacy host's address, which its processes may call localhost. */
  readonly hostAddress: string;
  /** Whether the API can be started without what else `legacy.commands.start` starts. */
  readonly apiStartsAlone: boolean;
  /** The next commands, as they are typed in this environment. */
  readonly commands: { readonly move: string; readonly resume: string; readonly undo: string; readonly giveBack: string; /** Shows a Convex admin key where a shell may take it: nothing but the key on standard output. */ readonly adminKey: string };
}

export interface StepContext {
  readonly world: World;
  readonly settings: MoveSettings;
  readonly environment: string;
  /** The move's id, also part of the names of what it leaves on the legacy host. */
  readonly move: string;
  readonly options: MoveOptions;
  /** Facts of the steps that are done. @throws Error when that one is not */
  fact<K extends keyof Facts>(step: K): Facts[K];
  /** The same, or undefined. */
  maybe<K extends keyof Facts>(step: K): Facts[K] | undefined;
  /** Whether an undo leaves what the platform's databases hold where it is. */
  left(): boolean;
  /** An emergency stop that somebody threw after the thaw, and that an undo has found. */
  stopSince(): KillSwitch | undefined;
  /** How often a step was begun, this time too. */
  attempts(step: keyof Facts): number;
  /** When each step of this move began and was done, for the record. */
  times(): readonly StepTime[];
  /** A path in the move's own folder. */
  file(name: string): string;
  readonly progress: Progress;
  /** One line for the operator. */
  say(line: string): void;
  readonly signal: AbortSignal;
}

export interface StepTime {
  readonly step: string;
  /** ISO time of its first attempt. */
  readonly began: string;
  /** ISO time; undefined while it is not done. */
  readonly done: string | undefined;
}

/** Part of a move. `thaw`: the legacy processes may write into the new Convex, so that going back loses what they wrote. */
export type Phase = "prepare" | "freeze" | "thaw";

export interface Step<K extends keyof Facts = keyof Facts> {
  readonly id: K;
  readonly title: string;
  readonly phase: Phase;
  run(context: StepContext): Promise<Facts[K]>;
  /**
   * Takes back what it did, whole or in part; left out where it changed nothing that counts.
   * @returns "left" when what the platform's databases hold stays there, since they do not answer
   */
  undo?(context: StepContext): Promise<void | "left">;
  /** Undone after the legacy processes run again: it takes long, and nobody waits for it. */
  readonly undoneLate?: boolean;
}

/** It cannot go on as things are. Each problem says what, why and how to mend it. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor(readonly problems: readonly string[]) {
    super(problems.length === 1 ? problems[0] : `${problems.length} things stand in the way:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}
