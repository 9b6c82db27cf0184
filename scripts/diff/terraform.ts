/** Plans of stacks by Terraform: kept in a file, and read from it. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { PROTECTED_RESOURCES, protectedResource } from "../../constructs/guardrails/protected";
import { run, RunFailed, type Finished } from "../lab/run";
import type { StackOutcome } from "./report";

/** Runs Terraform in a stack's folder. @throws RunFailed when its status is not accepted */
export type RunTerraform = (args: readonly string[], accept: readonly number[]) => Promise<Finished>;

/** "-lock=false": it changes nothing, and must not stand in the way of who does. */
const PLAN = ["plan", "-detailed-exitcode", "-input=false", "-no-color", "-lock=false"] as const;
const CHANGES = 2;

/**
 * Keeps a stack's plan in a file that its user alone may read: it can hold secrets.
 * @returns as `terraform show -json` has it; undefined when an apply would do nothing
 * @throws RunFailed when there is no plan
 */
export async function savedPlan(terraform: RunTerraform, file: string): Promise<unknown> {
  const path = resolve(file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  // Made before Terraform writes into it: at no moment may somebody else read it.
  writeFileSync(path, "", { mode: 0o600 });
  const { status } = await terraform([...PLAN, `-out=${path}`], [0, CHANGES]);
  chmodSync(path, 0o600);
  if (status !== CHANGES) return undefined;
  return JSON.parse((await terraform(["show", "-json", path], [0])).output) as unknown;
}

/**
 * A stack says where its cluster is. The same by a variable, which gvfx's other commands are given, would be taken
 * instead, and NOMAD_CACERT is refused beside the stack's own authority ("ca_pem conflicts with ca_file").
 */
export const OF_THE_STACK: Readonly<Record<string, undefined>> = { NOMAD_ADDR: undefined, NOMAD_CACERT: undefined, NOMAD_NAMESPACE: undefined };

/**
 * Terraform as an operator runs it in a synthesized stack: with the credentials of this process's environment.
 * @param folder of the synthesized stacks, "cdktf.out"
 */
export function operatorPlanner(folder: string, runProgram: typeof run = run): (stack: string, file: string) => Promise<unknown> {
  return async (stack, file) => {
    const cwd = join(folder, "stacks", stack);
    const env = { CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", ...OF_THE_STACK };
    // Environments share the folder, and each has a state of its own: another backend is no move of the state.
    await initialized(cwd, () => runProgram("terraform", ["init", "-input=false", "-no-color", "-reconfigure"], { cwd, env }));
    return savedPlan((args, accept) => runProgram("terraform", args, { cwd, env, accept }), file);
  };
}

/** Providers are looked for where the stack asks for other ones than before. */
async function initialized(folder: string, init: () => Promise<unknown>): Promise<void> {
  const { terraform } = JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as { terraform: unknown };
  const wanted = createHash("sha256").update(JSON.stringify(terraform)).digest("hex");
  const marker = join(folder, ".terraform", "initialized");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  await init();
  writeFileSync(marker, wanted);
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
