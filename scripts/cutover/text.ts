/** What a cutover says to people: plans, ends of runs, and how it stands. Pure. */
import type { Direction, Entry, Plan } from "./entry";
import type { Execution } from "./executor";
import type { Planned } from "./planner";
import { situationOf } from "./situation";
import type { CutoverSettings } from "./settings";
import type { Step } from "./step";
import type { CutoverSteps } from "./steps/all";
import type { CutoverWorld } from "./world";

type PlanOf = Extract<Planned, { plan: Plan }>;
type CutoverStep = Step<CutoverWorld>;

/** As much of a hash as names it. */
const short = (hash: string): string => hash.slice(0, 12);
const wayOf = (direction: Direction): string => (direction === "forward" ? "to Nomad" : "back to legacy");

export function textPlan({ plan, done }: PlanOf, steps: readonly CutoverStep[]): string {
  const of = (id: string): CutoverStep | undefined => steps.find((step) => step.id === id);
  const line = (id: string, mark: string): string => `  ${mark} ${id.padEnd(20)}${of(id)?.title ?? id}${of(id)?.kind === "change" ? "" : " (looks only)"}`;
  return [
    `The way ${wayOf(plan.direction)} in "${plan.environment}"${plan.data ? ", with the data" : ""}: plan ${short(plan.hash)}, made after ${plan.parent === "none" ? "nothing" : `entry ${short(plan.parent)}`} of the ledger`,
    ...done.map((id) => line(id, "✓")),
    ...plan.steps.map((id) => line(id, " ")),
  ].join("\n");
}

export function textExecution(execution: Execution, direction: Direction, { commands, environment }: CutoverSettings): string {
  const again = direction === "forward" ? commands.run : commands.rollBack;
  switch (execution.outcome) {
    case "finished":
      return direction === "forward" ? `The cutover of "${environment}" is done.` : `"${environment}" is back at legacy, with exactly one worker.`;
    case "stopped":
      return [
        `Stopped at ${execution.step}: ${execution.verdict}: ${execution.detail}`,
        ...(execution.mend === undefined ? [] : [`  mend: ${execution.mend}`]),
        `  then: ${again}`,
        ...(execution.acceptable ? [`  or, when you know better: ${again} --accept ${execution.step}="why"`] : []),
        ...(direction === "forward" ? [`  or go back: ${commands.rollBack}`] : []),
      ].join("\n");
    case "triggered":
      return [`A roll-back is due, and ${execution.step} was not begun: ${execution.detail}`, `  go back: ${commands.rollBack}`, `  or, when that is over and you know why: ${again}`].join("\n");
    case "interrupted":
      return `Interrupted at ${execution.step}. Go on: ${again}${direction === "forward" ? `; or go back: ${commands.rollBack}` : ""}`;
    case "refused":
      if (execution.why === "locked") return `Refused, and nothing was done: ${execution.holder.who} is at it since ${execution.holder.since}. See how far: ${commands.status}`;
      return [`Refused, and nothing was done: the plan is stale, since the ledger has moved on:`, ...execution.since.map((entry) => `  ${entryText(entry)}`), `  make a new one: gvfx cutover plan; or without one: ${again}`].join("\n");
  }
}

/** "none": never begun. "open": begun, and nothing stops it. "stopped": a gate or a trigger did. "done": forward to its end. "back": rolled back. */
export type CutoverState = "none" | "open" | "stopped" | "done" | "back";

export interface CutoverStatus {
  readonly state: CutoverState;
  readonly direction: Direction | undefined;
  readonly plan: string | undefined;
  /** Of the newest plan's way, in order. */
  readonly steps: readonly { readonly step: string; readonly title: string; readonly state: "passed" | "broken" | "stopped" | "open" }[];
  readonly stop: { readonly step: string; readonly why: string; readonly detail: string; readonly mend: string | undefined; readonly at: string } | undefined;
  readonly entries: readonly Entry[];
  readonly next: readonly string[];
}

export function cutoverStatus(entries: readonly Entry[], { order, all }: CutoverSteps, { commands }: CutoverSettings): CutoverStatus {
  const situation = situationOf(entries);
  const { plan, finished, passed, broken, stop } = situation;
  if (!plan) return { state: "none", direction: undefined, plan: undefined, steps: [], stop: undefined, entries, next: [commands.run] };
  const again = plan.direction === "forward" ? commands.run : commands.rollBack;
  const ids = order[plan.direction].map(({ id }) => id).filter((id) => passed.has(id) || plan.steps.includes(id));
  const steps = ids.map((step) => ({ step, title: all.find(({ id }) => id === step)?.title ?? step, state: stop?.step === step ? ("stopped" as const) : passed.has(step) ? ("passed" as const) : broken.has(step) ? ("broken" as const) : ("open" as const) }));
  const state = finished ? (plan.direction === "forward" ? "done" : "back") : stop ? "stopped" : "open";
  const next = state === "done" ? [`to go back: ${commands.rollBack}`] : state === "back" ? [`to cut over again: ${commands.run}`] : [...(stop?.mend ? [`mend: ${stop.mend}`] : []), `go on: ${again}`, ...(plan.direction === "forward" ? [`or go back: ${commands.rollBack}`] : [])];
  return { state, direction: plan.direction, plan: plan.hash, steps, stop, entries, next };
}

const MARKS = { passed: "✓", broken: "~", stopped: "✗", open: " " } as const;
const STATES: Readonly<Record<CutoverState, string>> = { none: "never begun", open: "under way", stopped: "stopped", done: "done", back: "rolled back" };

export function textStatus(environment: string, { state, direction, steps, stop, entries, next }: CutoverStatus): string {
  const newest = entries.at(-1);
  return [
    `The cutover of "${environment}": ${STATES[state]}${direction && state !== "none" ? ` (the way ${wayOf(direction)})` : ""}`,
    ...steps.map(({ step, title, state: of }) => `  ${MARKS[of]} ${step.padEnd(20)}${title}${of === "broken" ? " (begun, and broke off)" : ""}`),
    ...(stop ? [`Stopped at ${stop.step} by ${stop.why === "triggered" ? "a roll-back trigger" : `its gate (${stop.why})`}, ${stop.at}: ${stop.detail}`] : []),
    ...(newest ? [`Newest of ${entries.length} entries: ${entryText(newest)}`] : []),
    ...next.map((line) => `  ${line}`),
  ].join("\n");
}

export function entryText({ number, at, by, body }: Entry): string {
  const what = (): string => {
    switch (body.kind) {
      case "plan":
        return `plan ${short(body.plan.hash)}, the way ${wayOf(body.plan.direction)}`;
      case "began":
        return `${body.step} began`;
      case "ended":
        return `${body.step}: ${body.verdict}: ${body.detail}`;
      case "triggered":
        return `a roll-back was due before ${body.step}: ${body.detail}`;
      case "accepted":
        return `${body.step} accepted: ${body.reason}`;
      case "finished":
        return "finished";
    }
  };
  return `${number} ${at} ${by}: ${what()}`;
}
