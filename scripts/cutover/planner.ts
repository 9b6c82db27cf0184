/**
 * From the environment, the evidence and the ledger to a plan. Pure, and apart from
 * what performs it: a plan can be read, kept and compared before anything happens.
 */
import { headOf, sha256, type Direction, type Entry, type Plan } from "./entry";
import { situationOf, type Situation } from "./situation";
import type { StepKind } from "./step";

export interface PlannedStep {
  readonly id: string;
  readonly kind: StepKind;
}

/** The steps that there are, in order. */
export type StepOrder = Readonly<Record<Direction, readonly PlannedStep[]>>;

export interface Evidence {
  /** Verdict of the gate "data-move". "none": nobody recorded one. */
  readonly dataMove: string;
}

export interface PlanInputs {
  readonly environment: string;
  /** What the environment says of a cutover; another value makes another plan. */
  readonly settings: unknown;
  /** Legacy is gone for good (legacy.retired). */
  readonly retired: boolean;
  readonly evidence: Evidence;
  readonly entries: readonly Entry[];
  readonly direction: Direction;
  /** With a roll-back: also the data. */
  readonly data?: boolean;
  /** ISO time. */
  readonly now: string;
  readonly order: StepOrder;
  readonly commands: { readonly run: string; readonly rollBack: string; readonly status: string; readonly move: string };
}

/** Each says what, why and how to go on. */
export type Planned = { readonly plan: Plan; /** Steps that are not looked at again. */ readonly done: readonly string[] } | { readonly problems: readonly string[]; /** It is at its end already, and nothing else stands in the way: a run that was killed after its last step finds this. */ readonly atItsEnd: boolean };

/** A step of a roll-back that only a roll-back with its data has. */
export const DATA_BACK = "data-back";

export function planCutover(inputs: PlanInputs): Planned {
  const { environment, settings, entries, direction, data = false, now, order } = inputs;
  const situation = situationOf(entries);
  const problems = problemsOf(inputs, situation);
  if (problems.length > 0) return { problems, atItsEnd: problems.length === 1 && isAtItsEnd(direction, situation) };
  const all = order[direction].filter(({ id }) => id !== DATA_BACK || data);
  const open = situation.plan?.direction === direction && !situation.finished;
  const steps = open ? remaining(all, situation) : all;
  const plan = { parent: headOf(entries).hash, environment, direction, data, madeAt: now, settings: sha256(settings), steps: steps.map(({ id }) => id) };
  return { plan: { ...plan, hash: sha256(plan) }, done: all.filter((step) => !steps.includes(step)).map(({ id }) => id) };
}

function isAtItsEnd(direction: Direction, { plan, finished, begunForward }: Situation): boolean {
  return plan?.direction === direction && finished && (direction === "forward" || begunForward.size === 0);
}

function problemsOf({ environment, retired, evidence, direction, commands }: PlanInputs, situation: Situation): string[] {
  const { plan, finished } = situation;
  const problems: string[] = [];
  if (plan && plan.environment !== environment) problems.push(`this ledger is of the environment "${plan.environment}", and the plan would be of "${environment}": two environments share a namespace of Nomad; set nomad.namespace or GVFX_ENV right`);
  if (direction === "forward") {
    if (plan?.direction === "roll-back" && !finished) problems.push(`a roll-back was begun and is not done, and a cutover would go against it; end it: ${commands.rollBack}`);
    if (isAtItsEnd(direction, situation)) problems.push(`the cutover is done, since every step of it passed; to see it: ${commands.status}; to go back: ${commands.rollBack}`);
    if (evidence.dataMove !== "pass") problems.push(`the gate "data-move" says ${evidence.dataMove === "none" ? "nothing" : `"${evidence.dataMove}"`}, so that legacy and Nomad may have two Convex, and rows would be lost on the way; move the data first: ${commands.move}`);
  } else {
    if (!plan) problems.push(`nothing was cut over yet, so that there is nothing to go back from: ${commands.status}`);
    else if (isAtItsEnd(direction, situation)) problems.push(`the roll-back is done, and nothing was begun since; to see it: ${commands.status}; to cut over again: ${commands.run}`);
  }
  if (retired) problems.push(`legacy is retired (legacy.retired), so that there is nothing to move from or to go back to; if its host is still there, set legacy.retired = false and deploy cutover first`);
  return problems;
}

/**
 * What is after the last change that was made, the checks too: what was seen hours ago proves nothing now. And the first step, which
 * looks whether anything can be done at all. A change in the middle of which a run was killed is done again, and what was looked at
 * before it is not: with the legacy worker half stopped, nobody writes the rows that a check would wait for.
 */
function remaining(all: readonly PlannedStep[], { passed, midway }: Situation): readonly PlannedStep[] {
  const lastChange = all.findLastIndex(({ id, kind }) => kind === "change" && passed.has(id));
  const begunChange = all.findLastIndex(({ id, kind }) => kind === "change" && midway.has(id));
  const from = Math.max(lastChange + 1, begunChange);
  return all.filter((_, index) => index >= from || index === 0);
}
