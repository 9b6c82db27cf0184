/** Terraform over the stacks that cdktf synthesized for the lab, in a folder of their own beside those of other environments. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Environment } from "../../environments/schema";
import { STACK_IDS } from "../../contracts/stacks";
import { APPLY, CHANGES, chosen, INIT, initialized, PLAN, planVariables, savedPlan, type ApplyOptions, type SavedPlanOptions } from "../terraform/stack";
import { labAccess, stackOutputs } from "./access";
import { explanation, failedDeployment, jobsThatFailed } from "../deployment/explain";
import { run, RunFailed, type Finished, type RunOptions } from "./run";

/** Beside cdktf.out, at the same depth: the states' paths are relative to a stack's folder. */
export const OUTPUT_FOLDER = "cdktf.out.lab";
/** In the order of their dependencies. */
export const LAB_STACKS = ["lab", ...STACK_IDS] as const;
export type LabStackId = (typeof LAB_STACKS)[number];

const LOGS = ".gvfx/lab/logs";
/** A run that was interrupted still ends what it had begun, and holds the state meanwhile: as long as one resource may take. */
const LOCK_WAIT = "-lock-timeout=3m";
/** One copy of each provider for all five stacks, where no mirror is configured. */
const PLUGIN_CACHE = ".gvfx/terraform-plugins";

/** Writes the five stacks; the digests are those that the lock file has now. @param environment of the lab, or of one that lost a node */
export async function synthesizeLab(environment = "lab"): Promise<void> {
  await run(process.execPath, ["scripts/synth.cjs"], { env: { GVFX_ENV: environment, CDKTF_OUTDIR: OUTPUT_FOLDER }, log: join(LOGS, "synth.log") });
}

export class Terraform {
  constructor(private readonly env: Environment) {}

  /** Downloads or links providers; nothing to do while the stack asks for the same ones. */
  async init(stack: LabStackId): Promise<void> {
    await initialized(this.folder(stack), () => {
      mkdirSync(PLUGIN_CACHE, { recursive: true });
      return this.terraform(stack, [...INIT, "-upgrade"], "init");
    });
  }

  async apply(stack: LabStackId, onLine?: (line: string) => void, options: ApplyOptions = {}): Promise<void> {
    await this.init(stack);
    const began = Date.now();
    try {
      await this.terraform(stack, [...APPLY, LOCK_WAIT, ...chosen(options)], "apply", {
        onLine,
        // Interrupted between the two, the resource would be gone.
        ownGroup: chosen(options).length > 0,
      });
    } catch (error) {
      throw await this.explained(error, began);
    }
  }

  /** The provider says that a deployment failed; Nomad knows of what. */
  private async explained(error: unknown, began: number): Promise<unknown> {
    if (!(error instanceof RunFailed)) return error;
    const { nomad } = labAccess(this.env);
    const jobs = jobsThatFailed(error.said);
    if (!nomad || jobs.length === 0) return error;
    const access = { address: nomad.address, token: nomad.token, ca: nomad.caPem, namespace: this.env.nomad.namespace };
    const failures = await Promise.all(jobs.map((job) => failedDeployment(access, job, began).catch(() => undefined)));
    const reasons = failures.flatMap((failure) => (failure ? explanation(failure, (job) => `npm run gvfx -- lab logs ${job}`) : []));
    return reasons.length > 0 ? new Error(`${reasons.join("\n")}\n${error.message}`, { cause: error }) : error;
  }

  /** Whether a deploy would change anything. */
  async hasChanges(stack: LabStackId): Promise<boolean> {
    await this.init(stack);
    return (await this.terraform(stack, PLAN, "plan", { accept: [0, CHANGES] })).status === CHANGES;
  }

  /** Asks Terraform something that changes nothing: of the state, or of what a deploy would do. The answer is in no log: it may be an output that is secret. */
  async ask(stack: LabStackId, args: readonly string[], accept: readonly number[]): Promise<Finished> {
    await this.init(stack);
    return run("terraform", args, { cwd: this.folder(stack), env: { ...terraformVariables(), ...credentials(this.env, stack) }, accept });
  }

  /** Keeps what a deploy would do in a file, which `terraform apply` takes. @returns as `terraform show -json` has it; undefined when it would do nothing */
  async plan(stack: LabStackId, file: string, options?: SavedPlanOptions): Promise<unknown> {
    await this.init(stack);
    options?.ran?.({ folder: this.folder(stack), variables: { ...this.variables(stack), ...planVariables() } });
    return savedPlan((args, accept) => this.terraform(stack, args, "plan", { accept, env: planVariables() }), file, options);
  }

  async destroy(stack: LabStackId, onLine?: (line: string) => void): Promise<void> {
    await this.init(stack);
    await this.terraform(stack, ["destroy", "-auto-approve", "-input=false", "-no-color", LOCK_WAIT], "destroy", { onLine });
  }

  private variables(stack: LabStackId): Record<string, string | undefined> {
    return { ...terraformVariables(), ...credentials(this.env, stack) };
  }

  private folder(stack: LabStackId): string {
    return join(OUTPUT_FOLDER, "stacks", stack);
  }

  private terraform(stack: LabStackId, args: readonly string[], what: string, options: Pick<RunOptions, "onLine" | "accept" | "ownGroup" | "env"> = {}): Promise<Finished> {
    return run("terraform", args, { cwd: this.folder(stack), log: resolve(LOGS, `${stack}-${what}.log`), ...options, env: { ...this.variables(stack), ...options.env } });
  }
}

function terraformVariables(): Record<string, string | undefined> {
  return {
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    ...(process.env.TF_CLI_CONFIG_FILE || process.env.TF_PLUGIN_CACHE_DIR ? {} : { TF_PLUGIN_CACHE_DIR: resolve(PLUGIN_CACHE) }),
    // The engine's and the lab's own addresses only; whatever else the shell has set is for another cluster.
    ...Object.fromEntries(["NOMAD_ADDR", "NOMAD_TOKEN", "NOMAD_CACERT", "NOMAD_NAMESPACE", "CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE"].map((name) => [name, undefined])),
  };
}

/** What the providers of a stack log in with: the same variables that an operator sets. */
export function credentials(env: Environment, stack: LabStackId): Record<string, string> {
  if (stack === "lab") return {};
  const { consul, vault, nomad } = labAccess(env);
  const caFile = writeCa("lab", consul.caPem);
  const existing = { CONSUL_HTTP_TOKEN: consul.token, CONSUL_CACERT: caFile, VAULT_TOKEN: vault.token, VAULT_CACERT: caFile };
  if (stack === "foundation" || !nomad) return existing;
  // As in production: cutover writes ACL objects, the two before it do with the deployer's rights.
  const deployer = stackOutputs(env, "foundation")?.["deployer-token"]?.value;
  return { ...existing, NOMAD_TOKEN: stack === "cutover" ? nomad.token : String(deployer) };
}

/** A PEM file for programs that take no text; its path. */
export function writeCa(name: string, pem: string): string {
  const file = resolve(".gvfx/lab/ca", `${name}.pem`);
  mkdirSync(resolve(".gvfx/lab/ca"), { recursive: true });
  writeFileSync(file, pem);
  return file;
}
