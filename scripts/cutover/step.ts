/** What a step of the cutover is. Each may be performed again after it broke off anywhere: it looks first, and changes what is not so yet. */
import type { Outcome } from "../doctor/check";
import type { Facts } from "./entry";

/** check: looks alone, and is looked at again whenever a step after it is still to be done. change: makes something so, and proves it. */
export type StepKind = "check" | "change";

export type StepOutcome = Outcome & { readonly facts?: Facts };

/** The operator's words for a step: error messages, `gvfx cutover status` and the runbooks all take them from here. */
export interface StepText {
  readonly title: string;
  /** What is true once it passed. */
  readonly proves: string;
  /** What an operator sees when all is well. */
  readonly normal: string;
  /** Commands with which to look oneself. */
  readonly look: readonly string[];
  /** What to do when it does not pass, in order. */
  readonly otherwise: readonly string[];
}

export interface Step<World, Id extends string = string> extends StepText {
  readonly id: Id;
  readonly kind: StepKind;
  /** Whether an operator may go on after "inconclusive". @default false: what it proves is what the steps after it rely on */
  readonly acceptable?: boolean;
  perform(context: StepContext<World>): Promise<StepOutcome>;
}

export interface StepContext<World> {
  readonly world: World;
  /** The newest facts of another step; undefined when it never ended. */
  fact(step: string): Facts | undefined;
  /** One line for the operator. */
  say(line: string): void;
  readonly signal: AbortSignal;
}
