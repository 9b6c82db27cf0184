/** Diffs of several jobs as one: each planned the stacks that its credentials suffice for. Pure. */
import { z } from "zod";
import { STACK_IDS } from "../../contracts/stacks";
import type { Diff, StackOutcome } from "../diff/report";

const changeSchema = z.object({ address: z.string(), what: z.string(), action: z.enum(["create", "update", "replace", "destroy", "forget"]), danger: z.string().optional(), words: z.array(z.string()), effect: z.string().optional() });
const stackSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("planned"), stack: z.string(), changes: z.array(changeSchema), outputs: z.array(z.string()) }),
  z.object({ outcome: z.literal("failed"), stack: z.string(), problem: z.string(), refused: z.array(z.object({ what: z.string(), loss: z.string() })) }),
]);
const diffSchema = z.object({ environment: z.string(), stacks: z.array(stackSchema), guardrails: z.union([z.object({ held: z.number() }), z.object({ broken: z.string() })]) });

/** @throws Error when it is not what `gvfx diff --json` prints */
export function readDiff(text: string, from: string): Diff {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = diffSchema.safeParse(value);
  if (!parsed.success) throw new Error(`${from} is not what gvfx diff --json prints: ${z.prettifyError(parsed.error)}`);
  return parsed.data as Diff;
}

export interface MergeOptions {
  readonly environment: string;
  /** Stacks that the change touches: of one that no diff tells, it is said that it has no plan. */
  readonly expected: readonly string[];
  /** Why one may have none, and how it gets one. */
  readonly absent: string;
}

/** @throws Error when a diff is of another environment */
export function mergeDiffs(diffs: readonly Diff[], { environment, expected, absent }: MergeOptions): Diff {
  const other = diffs.find((diff) => diff.environment !== environment);
  if (other) throw new Error(`a diff is of ${other.environment}, and the comment of ${environment}: each environment has a comment of its own`);
  const broken = diffs.find(({ guardrails }) => "broken" in guardrails);
  const told = new Map(diffs.flatMap(({ stacks }) => stacks.map((stack) => [stack.stack, stack] as const)));
  const stacks = STACK_IDS.filter((stack) => told.has(stack) || expected.includes(stack)).map((stack): StackOutcome => told.get(stack) ?? { outcome: "failed", stack, problem: absent, refused: [] });
  const held = Math.min(...diffs.flatMap(({ guardrails }) => ("held" in guardrails ? [guardrails.held] : [])));
  return { environment, stacks, guardrails: broken?.guardrails ?? { held: Number.isFinite(held) ? held : 0 } };
}
