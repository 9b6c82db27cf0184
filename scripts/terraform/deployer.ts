/** Terraform over an environment's stacks, for a command that deploys some of them itself: a lab's own, or an operator's. */
import { join } from "node:path";
import { z } from "zod";
import type { Environment } from "../../environments/schema";
import { STACK_IDS } from "../../contracts/stacks";
import { run, type Finished } from "../lab/run";
import { OUTPUT_FOLDER, synthesizeLab, Terraform } from "../lab/terraform";
import { readSynthesized } from "../preview/synthesized";
import { APPLY, CHANGES, chosen, INIT, initialized, OPERATOR_VARIABLES, PLAN, type ApplyOptions } from "./stack";

export type StackId = (typeof STACK_IDS)[number];

export interface Deployer {
  /** Writes the stacks as the environment and its files say now. */
  synthesize(): Promise<void>;
  /** Whether a deploy would change anything. */
  hasChanges(stack: StackId): Promise<boolean>;
  /** @throws RunFailed when Terraform could not do all of it */
  apply(stack: StackId, options?: ApplyOptions): Promise<void>;
  /** Addresses of the synthesized resources whose construct path matches. */
  addresses(stack: StackId, path: RegExp): readonly string[];
  /** Addresses of what is deployed. */
  deployed(stack: StackId): Promise<readonly string[]>;
  /** Texts among the outputs of a deployed stack, sensitive ones too. */
  outputs(stack: StackId): Promise<Readonly<Record<string, string>>>;
  /** Where a person finds the stack, for sentences: "terraform -chdir=…". */
  commandIn(stack: StackId): string;
}

const outputsSchema = z.record(z.string(), z.object({ value: z.unknown() }));

/** @param onLine gets what an apply says */
export function deployerOf(env: Environment, onLine?: (line: string) => void): Deployer {
  const folder = env.lab ? OUTPUT_FOLDER : "cdktf.out";
  const terraform = env.lab ? labRunner(env, onLine) : operatorRunner(folder, onLine);
  return {
    synthesize: () => (env.lab ? synthesizeLab(env.name) : run(process.execPath, ["scripts/synth.cjs"], { env: { GVFX_ENV: env.name } }).then(() => undefined)),
    hasChanges: async (stack) => (await terraform.ask(stack, PLAN, [0, CHANGES])).status === CHANGES,
    apply: (stack, options = {}) => terraform.apply(stack, options),
    addresses: (stack, path) => Object.entries(readSynthesized(folder)[stack].terraform.resource ?? {}).flatMap(([type, blocks]) => Object.entries(blocks).flatMap(([name, block]) => (path.test(block["//"]?.metadata?.path ?? "") ? [`${type}.${name}`] : []))).sort(),
    deployed: async (stack) => (await terraform.ask(stack, ["state", "list"], [0])).output.split("\n").filter((line) => line !== ""),
    async outputs(stack) {
      const outputs = outputsSchema.parse(JSON.parse((await terraform.ask(stack, ["output", "-json"], [0])).output));
      return Object.fromEntries(Object.entries(outputs).flatMap(([name, { value }]) => (typeof value === "string" ? [[name, value]] : [])));
    },
    commandIn: (stack) => `terraform -chdir=${join(folder, "stacks", stack)}`,
  };
}

interface Runner {
  ask(stack: StackId, args: readonly string[], accept: readonly number[]): Promise<Finished>;
  apply(stack: StackId, options: ApplyOptions): Promise<void>;
}

function labRunner(env: Environment, onLine?: (line: string) => void): Runner {
  const terraform = new Terraform(env);
  return { ask: (stack, args, accept) => terraform.ask(stack, args, accept), apply: (stack, options) => terraform.apply(stack, onLine, options) };
}

/** With the credentials of this process's environment, as `cdktf deploy` has them. */
function operatorRunner(folder: string, onLine?: (line: string) => void): Runner {
  const cwd = (stack: StackId): string => join(folder, "stacks", stack);
  const init = (stack: StackId): Promise<void> => initialized(cwd(stack), () => run("terraform", INIT, { cwd: cwd(stack), env: OPERATOR_VARIABLES }));
  return {
    async ask(stack, args, accept) {
      await init(stack);
      return run("terraform", args, { cwd: cwd(stack), env: OPERATOR_VARIABLES, accept });
    },
    async apply(stack, options) {
      await init(stack);
      // An interrupt waits until what was begun is done: a resource that is replaced is gone in between.
      await run("terraform", [...APPLY, ...chosen(options)], { cwd: cwd(stack), env: OPERATOR_VARIABLES, onLine, ownGroup: true });
    },
  };
}
