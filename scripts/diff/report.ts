/** The diff of an environment as a text for the terminal, and as a comment of a pull request. Pure. */
import { counted, listed } from "../preview/words";
import type { DescribedChange, DescribedStack } from "./describe";
import type { PlannedAction } from "./plan";

/** What came of a stack: its plan, or why there is none. */
export type StackOutcome =
  | ({ readonly outcome: "planned" } & DescribedStack)
  | {
      readonly outcome: "failed";
      readonly stack: string;
      /** Terraform's own words. */
      readonly problem: string;
      /** Protected resources that the plan would have destroyed, and what would be lost. */
      readonly refused: readonly { readonly what: string; readonly loss: string }[];
    };

export interface Diff {
  readonly environment: string;
  /** In the order of their dependencies. */
  readonly stacks: readonly StackOutcome[];
  /** How many guardrails hold, 0 when nobody has counted; or what breaks one, and then nothing was planned. */
  readonly guardrails: { readonly held: number } | { readonly broken: string };
}

/** By this the comment of an earlier run is found, and written over. */
export function commentMarker(environment: string): string {
  return `<!-- gvfx diff ${environment} -->`;
}

/** GitHub refuses longer ones (65,536 characters); the rest is for what is said of the cut. */
const LONGEST_COMMENT = 65_000;

const VERBS: Readonly<Record<PlannedAction, string>> = { create: "created", update: "changed", replace: "replaced", destroy: "destroyed", forget: "let go of" };
const ORDER: readonly PlannedAction[] = ["destroy", "replace", "update", "create", "forget"];
const SIGNS: Readonly<Record<PlannedAction, string>> = { create: "+", update: "~", replace: "±", destroy: "-", forget: "x" };

/** 0: no change. 2: changes. 1: a guardrail is broken, or a stack could not be planned. As terraform plan -detailed-exitcode. */
export function exitCodeOf({ stacks, guardrails }: Diff): 0 | 1 | 2 {
  if ("broken" in guardrails || stacks.some(({ outcome }) => outcome === "failed")) return 1;
  return stacks.some((stack) => stack.outcome === "planned" && hasChanges(stack)) ? 2 : 0;
}

function hasChanges({ changes, outputs }: DescribedStack): boolean {
  return changes.length > 0 || outputs.length > 0;
}

/** Everything that is red, each as a sentence. */
export function dangersOf({ stacks }: Diff): string[] {
  return stacks.flatMap((stack) =>
    stack.outcome === "failed"
      ? stack.refused.map(({ what, loss }) => `${stack.stack}: ${what} would be destroyed, and Terraform refuses it: ${loss}`)
      : stack.changes.flatMap(({ what, action, danger }) => (danger === undefined ? [] : [`${stack.stack}: ${what} would be ${VERBS[action]}: ${danger}`])),
  );
}

/** "1 created, 2 changed", or "no change". */
function countsOf({ changes, outputs }: DescribedStack): string {
  const counts = ORDER.flatMap((action) => {
    const n = changes.filter((change) => change.action === action).length;
    return n === 0 ? [] : [`${n} ${VERBS[action]}`];
  });
  const ofOutputs = outputs.length > 0 ? [counted(outputs.length, "output")] : [];
  return [...counts, ...ofOutputs].join(", ") || "no change";
}

function sorted(changes: readonly DescribedChange[]): DescribedChange[] {
  return [...changes].sort((a, b) => Number(b.danger !== undefined) - Number(a.danger !== undefined) || ORDER.indexOf(a.action) - ORDER.indexOf(b.action));
}

/** For the terminal. */
export function diffText(diff: Diff): string {
  const { environment, stacks, guardrails } = diff;
  const dangers = dangersOf(diff);
  if ("broken" in guardrails) return `${environment}: a guardrail is broken, and nothing was planned\n${indented(guardrails.broken, "  ")}`;
  return [
    ...(dangers.length > 0 ? [`LOOK CLOSELY: ${counted(dangers.length, "change")} would destroy or lose something`, ...dangers.map((danger) => `  !! ${danger}`), ""] : []),
    ...stacks.flatMap((stack) =>
      stack.outcome === "failed"
        ? [`${stack.stack}: no plan`, indented(stack.problem, "    ")]
        : [`${stack.stack}: ${countsOf(stack)}`, ...sorted(stack.changes).flatMap((change) => [`  ${SIGNS[change.action]} ${change.what}${change.danger === undefined ? "" : "  !!"}`, ...linesOf(change).map((line) => `      ${line}`)]), ...(stack.outputs.length > 0 ? [`    outputs: ${listed(stack.outputs)}`] : [])],
    ),
    "",
    `${environment}: ${guardrails.held} guardrails hold`,
  ].join("\n");
}

function linesOf({ words, effect }: DescribedChange): string[] {
  return [...words, ...(effect === undefined ? [] : [`→ ${effect}`])];
}

function indented(text: string, by: string): string {
  return text.trimEnd().split("\n").map((line) => by + line).join("\n");
}

export interface CommentOptions {
  /** Of what was planned: a commit. */
  readonly revision?: string;
}

/** In GitHub's markdown; what comes from a plan can neither mention people nor end a list. */
export function diffComment(diff: Diff, { revision }: CommentOptions = {}): string {
  const { environment, stacks, guardrails } = diff;
  const dangers = dangersOf(diff);
  const broken = "broken" in guardrails;
  const head = [
    commentMarker(environment),
    `## Plan of ${escaped(environment)}`,
    ...(broken ? ["", "> [!CAUTION]", "> A guardrail is broken, and nothing was planned:", ...guardrails.broken.trimEnd().split("\n").map((line) => `> ${escaped(line)}`)] : []),
    ...(dangers.length > 0 ? ["", "> [!CAUTION]", ...dangers.flatMap((danger) => [`> 🔴 ${escaped(danger)}`, ">"]).slice(0, -1)] : []),
    ...(broken ? [] : ["", "| stack | what an apply would do |", "|---|---|", ...stacks.map((stack) => `| ${stack.stack} | ${stack.outcome === "failed" ? "**no plan**" : countsOf(stack)} |`)]),
  ];
  const body = stacks.flatMap((stack) => (stack.outcome === "failed" ? ["", `### ${stack.stack}: no plan`, "", "```text", fenced(stack.problem), "```"] : hasChanges(stack) ? ["", `### ${stack.stack}`, "", ...stackLines(stack)] : []));
  const foot = ["", `${broken || guardrails.held === 0 ? "" : `${guardrails.held} guardrails hold. `}${revision === undefined ? "" : `Planned from ${escaped(revision)}. `}The same in a terminal: \`${diffCommandLine(environment, stacks)}\``, ""];
  return cut(head, body, foot);
}

/** As an operator types it. */
export function diffCommandLine(environment: string, stacks: readonly Pick<StackOutcome, "stack">[]): string {
  return `${environment === "production" ? "" : `GVFX_ENV=${environment} `}npm run gvfx -- diff ${stacks.map(({ stack }) => stack).join(" ")}`.trimEnd();
}

function stackLines({ changes, outputs }: DescribedStack): string[] {
  return [
    ...sorted(changes).flatMap((change) => [`- ${change.danger === undefined ? "" : "🔴 "}**${escaped(change.what)}** ${VERBS[change.action]}`, ...linesOf(change).map((line) => `  - ${escaped(line)}`)]),
    ...(outputs.length > 0 ? [`- outputs: ${escaped(listed(outputs))}`] : []),
  ];
}

/** What is red stays, whatever must go. */
function cut(head: readonly string[], body: readonly string[], foot: readonly string[]): string {
  const whole = [...head, ...body, ...foot].join("\n");
  if (whole.length <= LONGEST_COMMENT) return whole;
  const kept = [...body];
  let length = whole.length;
  let left = 0;
  while (kept.length > 0 && length > LONGEST_COMMENT - 200) {
    length -= kept.pop()!.length + 1;
    left += 1;
  }
  const text = [...head, ...kept, "", `… and ${counted(left, "more line")}, too long for a comment`, ...foot].join("\n");
  return text.length <= LONGEST_COMMENT ? text : `${text.slice(0, LONGEST_COMMENT)}…`;
}

function escaped(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]<>|#~]/g, (character) => `\\${character}`).replace(/@(?=\w)/g, "&#64;");
}

/** Inside a fence nothing is markdown but its end. */
function fenced(text: string): string {
  return text.trimEnd().replace(/```/g, "'''");
}
