/** Whether a deploy would change anything, stack by stack, as Terraform says it. */
import { join } from "node:path";
import { run, RunFailed, type RunOptions } from "../../lab/run";
import { CHANGES, INIT, initialized, OPERATOR_VARIABLES, PLAN } from "../../terraform/stack";
import type { CutoverWorld } from "../world";

type Plans = Awaited<ReturnType<CutoverWorld["plans"]>>;

export interface PlanOptions {
  /** In the order of their dependencies. */
  readonly stacks: readonly string[];
  /** Whether a deploy of a stack would change anything. @throws Error when there is no plan */
  readonly hasChanges: (stack: string) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Every stack is planned, also after one that cannot be: all that is pending is said at once. */
export async function seePlans({ stacks, hasChanges, signal }: PlanOptions): Promise<Plans> {
  const plans = new Map<string, "empty" | "changes" | { readonly problem: string }>();
  for (const stack of stacks) {
    signal.throwIfAborted();
    try {
      plans.set(stack, (await hasChanges(stack)) ? "changes" : "empty");
    } catch (error) {
      plans.set(stack, { problem: reason(error) });
    }
  }
  return plans;
}

/** Terraform's own word, which begins its last error. */
function reason(error: unknown): string {
  if (!(error instanceof RunFailed)) return error instanceof Error ? error.message : String(error);
  const said = error.said.split("\n").map((line) => line.replace(/^[╷│╵\s]+/, "").trim()).filter(Boolean);
  return said.find((line) => line.startsWith("Error: "))?.slice("Error: ".length) ?? said.at(-1) ?? `terraform ended with status ${error.status}`;
}

export interface OperatorTerraformOptions {
  readonly environment: string;
  /** Folder of the synthesized stacks. @default cdktf.out */
  readonly folder?: string;
  /** @default the programs themselves */
  readonly runProgram?: (program: string, args: readonly string[], options?: RunOptions) => Promise<{ readonly status: number }>;
}

/**
 * Terraform as an operator runs it: with the credentials of this process's environment. Synthesizes once, so that
 * what is planned is what the checkout says.
 */
export function operatorTerraform({ environment, folder = "cdktf.out", runProgram = run }: OperatorTerraformOptions): PlanOptions["hasChanges"] {
  let synthesized: Promise<unknown> | undefined;
  return async (stack) => {
    await (synthesized ??= runProgram(process.execPath, ["scripts/synth.cjs"], { env: { GVFX_ENV: environment, CDKTF_OUTDIR: folder } }));
    const cwd = join(folder, "stacks", stack);
    await initialized(cwd, () => runProgram("terraform", INIT, { cwd, env: OPERATOR_VARIABLES }));
    return (await runProgram("terraform", PLAN, { cwd, env: OPERATOR_VARIABLES, accept: [0, CHANGES] })).status === CHANGES;
  };
}
