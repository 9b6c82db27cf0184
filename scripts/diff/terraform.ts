/** Plans of an operator's stacks, and why there is none. */
import { join } from "node:path";
import { PROTECTED_RESOURCES, protectedResource } from "../../constructs/guardrails/protected";
import { run, RunFailed } from "../lab/run";
import { INIT, initialized, OPERATOR_VARIABLES, planVariables, savedPlan, type SavedPlanOptions } from "../terraform/stack";
import type { StackOutcome } from "./report";

/**
 * Terraform as an operator runs it in a synthesized stack: with the credentials of this process's environment.
 * @param folder of the synthesized stacks, "cdktf.out"
 */
export function operatorPlanner(folder: string): (stack: string, file: string, options?: SavedPlanOptions) => Promise<unknown> {
  return async (stack, file, options) => {
    const cwd = join(folder, "stacks", stack);
    await initialized(cwd, () => run("terraform", INIT, { cwd, env: OPERATOR_VARIABLES }));
    const env = { ...OPERATOR_VARIABLES, ...planVariables() };
    options?.ran?.({ folder: cwd, variables: env });
    return savedPlan((args, accept) => run("terraform", args, { cwd, env, accept }), file, options);
  };
}

/** Why there is no plan, and which protected resources it would have destroyed. @param paths construct path and Nomad job of each address */
export function failedPlan(stack: string, error: unknown, paths: ReadonlyMap<string, string>): StackOutcome {
  const said = error instanceof RunFailed ? plain(error.said) : error instanceof Error ? error.message : String(error);
  const refused = [...said.replace(/\s+/g, " ").matchAll(/Resource (\S+) has lifecycle\.prevent_destroy set/g)].map(([, address]) => {
    const [type, name] = address.split(".");
    const loss = protectedResource(type, paths.get(address) ?? address, name)?.loss ?? PROTECTED_RESOURCES.find((row) => row.type === type)?.loss ?? "it is protected";
    return { what: type === "nomad_job" ? `job ${name}` : address, loss };
  });
  return { outcome: "failed", stack, problem: errorsOf(said), refused };
}

/** Without the frames that Terraform draws around its errors. */
function plain(said: string): string {
  return said.split("\n").map((line) => line.replace(/^[╷│╵]\s?/, "")).join("\n");
}

/** From the first error on: what was refreshed before it is of no interest. */
function errorsOf(said: string): string {
  const at = said.search(/^Error: /m);
  return (at < 0 ? said : said.slice(at)).trim();
}
