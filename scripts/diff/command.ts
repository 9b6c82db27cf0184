/** `gvfx diff`: what a deploy would do, in words; on a terminal, and as a comment of a pull request. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import type { Environment } from "../../environments/schema";
import { STACK_IDS } from "../../contracts/stacks";
import { Terraform, type LabStackId } from "../lab/terraform";
import type { SynthesizedStack } from "../preview/synthesized";
import { describePlan } from "./describe";
import { readPlan } from "./plan";
import { diffComment, diffText, exitCodeOf, type Diff, type StackOutcome } from "./report";
import { synthesizerOf, type Synthesized, type Synthesizer } from "./synthesizer";
import type { PlanPlace, SavedPlanOptions } from "../terraform/stack";
import { failedPlan, operatorPlanner } from "./terraform";
import { unchangedStacks, type UnchangedStacks } from "./unchanged";

/** @returns a plan as `terraform show -json` has it; undefined when it would do nothing */
export type Planner = (stack: string, file: string, options?: SavedPlanOptions) => Promise<unknown>;

export interface DiffSurroundings {
  /** Hash of the sources that run, by which stacks of an earlier time are known to be those of now. @default unknown */
  readonly sources?: string;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** @default cdktf's, in the folder where a deploy looks for them */
  readonly synthesizer?: (env: Environment, sources?: string) => Synthesizer;
  /** @default Terraform's */
  readonly planner?: (env: Environment, folder: string) => Planner;
  /** @default below .gvfx */
  readonly unchanged?: (env: Environment) => UnchangedStacks;
}

interface Flags {
  readonly comment?: string;
  readonly revision?: string;
  readonly save?: string;
  readonly from?: string;
  readonly json: boolean;
}

export function diffCommand(environment: () => Environment, { write = (text) => void process.stdout.write(`${text}\n`), synthesizer = synthesizerOf, planner = plannerOf, unchanged = unchangedStacks, sources }: DiffSurroundings = {}): Command {
  return new Command("diff")
    .description("what a deploy would do, in words: counts, memory, images, secrets, pairs; what would lose something is on top")
    .argument("[stack...]", `of ${STACK_IDS.join(", ")}; all of them when none is named`)
    .option("--comment <file>", "also write it as a comment of a pull request, in markdown")
    .option("--revision <text>", "what was planned, for the comment: a commit")
    .option("--save <folder>", "keep the plans there, as <stack>.tfplan: what `terraform apply` then does is what was looked at. A plan can hold secrets: keep it where nobody else reads it")
    .option("--from <folder>", "plan nothing: read <stack>.json there, as `terraform show -json` prints it; a stack without a file has no change")
    .option("--json", "print it as JSON", false)
    .addHelpText("after", "\nChanges nothing. Needs what a plan needs: Terraform, and Nomad's reader token (NOMAD_TOKEN) for data-plane and app;\nfoundation and cutover write ACL objects, and their plans need the rights of a deploy.\nExit status: 0 no change, 2 changes, 1 when a guardrail is broken or a stack could not be planned.")
    .action(async (stacks: readonly string[], { comment, revision, save, from, json }: Flags) => {
      const unknown = stacks.filter((stack) => !(STACK_IDS as readonly string[]).includes(stack));
      if (unknown.length > 0) throw new Error(`${unknown.join(", ")} ${unknown.length === 1 ? "is no stack" : "are no stacks"}; there are ${STACK_IDS.join(", ")}`);
      const env = environment();
      const diff = await diffOf(env, STACK_IDS.filter((stack) => stacks.length === 0 || stacks.includes(stack)), {
        synthesizer: synthesizer(env, sources),
        planner: from === undefined ? planner : () => plansOf(from),
        // Plans that are to be kept need their files at once, and those of somebody else say nothing of the next.
        unchanged: save === undefined && from === undefined ? unchanged(env) : undefined,
        save,
      });
      if (comment !== undefined) writeFileSync(comment, diffComment(diff, { revision }));
      write(json ? JSON.stringify(diff, null, 2) : diffText(diff));
      process.exitCode = exitCodeOf(diff);
    });
}

interface DiffOptions {
  readonly synthesizer: Synthesizer;
  readonly planner: (env: Environment, folder: string) => Planner;
  readonly unchanged: UnchangedStacks | undefined;
  readonly save: string | undefined;
}

/**
 * Terraform begins with the stacks that lie there from before, while they are synthesized anew beside them: where the
 * text is the same, as it mostly is, the plan is theirs already. What differs is put in place, and planned again.
 */
async function diffOf(env: Environment, ids: readonly string[], { synthesizer, planner, unchanged, save }: DiffOptions): Promise<Diff> {
  const plan = planner(env, synthesizer.folder);
  const fileOf = (stack: string): string => join(save ?? join(".gvfx", "plans", env.name), `${stack}.tfplan`);
  const planned = async (stack: string, text: string): Promise<Planned> => {
    try {
      let place: PlanPlace | undefined;
      const json = await plan(stack, fileOf(stack), { likelyUnchanged: unchanged?.likely(stack, text), ran: (where) => void (place = where) });
      unchanged?.note(stack, json === undefined ? { text, place } : undefined);
      return { json };
    } catch (error) {
      return { error };
    }
  };
  const begun = new Map(ids.flatMap((stack) => {
    const text = synthesizer.before(stack);
    return text === undefined ? [] : [[stack, { text, planned: planned(stack, text) }] as const];
  }));
  try {
    const known = synthesizer.known();
    let made: Synthesized;
    try {
      // The plans have begun when this keeps the process busy.
      await new Promise((done) => setImmediate(done));
      made = known ?? (await synthesizer.synthesize(env));
    } catch (error) {
      await Promise.all([...begun.values()].map(({ planned: one }) => one));
      return { environment: env.name, stacks: [], guardrails: { broken: error instanceof Error ? error.message : String(error) } };
    }
    const stale = ids.filter((stack) => !begun.has(stack) || (!known && begun.get(stack)!.text !== synthesizer.text(stack)));
    if (!known) {
      // Terraform may read what lies there until it has ended. The others' text is the same.
      await Promise.all(stale.map((stack) => begun.get(stack)?.planned));
      synthesizer.putInPlace();
    }
    const outcomes = await Promise.all(
      ids.map(async (stack): Promise<StackOutcome> => {
        const paths = pathsOf(made.stacks[stack]);
        const outcome = await (stale.includes(stack) ? planned(stack, synthesizer.text(stack)) : begun.get(stack)!.planned);
        try {
          if ("error" in outcome) return failedPlan(stack, outcome.error, paths);
          return { outcome: "planned", ...(outcome.json === undefined ? { stack, changes: [], outputs: [] } : describePlan(readPlan(stack, outcome.json), paths)) };
        } catch (error) {
          return failedPlan(stack, error, paths);
        }
      }),
    );
    return { environment: env.name, stacks: outcomes, guardrails: { held: made.held } };
  } finally {
    synthesizer.close();
    if (save === undefined) for (const stack of ids) rmSync(fileOf(stack), { force: true });
  }
}

type Planned = { readonly json: unknown } | { readonly error: unknown };

/** Construct path of each resource's address. */
function pathsOf({ terraform }: SynthesizedStack): Map<string, string> {
  return new Map(Object.entries(terraform.resource ?? {}).flatMap(([type, blocks]) => Object.entries(blocks).map(([name, block]) => [`${type}.${name}`, block["//"]?.metadata?.path ?? `${type}.${name}`] as const)));
}

function plannerOf(env: Environment, folder: string): Planner {
  if (!env.lab) return operatorPlanner(folder);
  const terraform = new Terraform(env);
  return (stack, file, options) => terraform.plan(stack as LabStackId, file, options);
}

function plansOf(folder: string): Planner {
  return async (stack) => {
    const file = join(folder, `${stack}.json`);
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new Error(`${file} is no JSON (${(error as Error).message}); write it by: terraform show -json <plan> > ${file}`, { cause: error });
    }
  };
}
