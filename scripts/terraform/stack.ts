/** Terraform in a synthesized stack's folder, whoever runs it: initialized once for what the stack asks for, and planned without a lock. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Finished } from "../lab/run";

/** Runs Terraform in a stack's folder. @throws RunFailed when its status is not accepted */
export type RunTerraform = (args: readonly string[], accept: readonly number[]) => Promise<Finished>;

/** "-reconfigure": environments share the folder, and each has a state of its own; another backend is no move of the state. */
export const INIT = ["init", "-input=false", "-no-color", "-reconfigure"] as const;
/** "-lock=false": it changes nothing, and must not stand in the way of who does. */
export const PLAN = ["plan", "-detailed-exitcode", "-input=false", "-no-color", "-lock=false"] as const;
/**
 * Of a plan and its showing. Both are programs of half a second that mostly read providers' schemas, and Go's garbage collector, at its
 * default of 100, runs for a good part of it; at 400 it takes more memory instead (https://go.dev/doc/gc-guide#GOGC). A value that is set stays.
 */
export const planVariables = (): Readonly<Record<string, string>> => ({ GOGC: process.env.GOGC ?? "400" });
export const APPLY = ["apply", "-auto-approve", "-input=false", "-no-color"] as const;

export interface ApplyOptions {
  /** Addresses of resources that are destroyed and made anew, as if they were tainted. @default none */
  readonly replace?: readonly string[];
  /** Addresses of the only resources to deploy, with what they need. @default all */
  readonly targets?: readonly string[];
}

/** Arguments of an apply for what was chosen. */
export function chosen({ replace = [], targets = [] }: ApplyOptions): string[] {
  return [...replace.map((address) => `-replace=${address}`), ...targets.map((address) => `-target=${address}`)];
}

/** Status of a plan that would change something. */
export const CHANGES = 2;

/**
 * A stack says where its cluster is. The same by a variable, which gvfx's other commands are given, would be taken
 * instead, and NOMAD_CACERT is refused beside the stack's own authority ("ca_pem conflicts with ca_file").
 */
export const OPERATOR_VARIABLES: Readonly<Record<string, string | undefined>> = { CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", NOMAD_ADDR: undefined, NOMAD_CACERT: undefined, NOMAD_NAMESPACE: undefined };

/** Initializes where the stack asks for other providers or another state than before. @param folder of the stack */
export async function initialized(folder: string, init: () => Promise<unknown>): Promise<void> {
  const { terraform } = JSON.parse(readFileSync(join(folder, "cdk.tf.json"), "utf8")) as { terraform: unknown };
  const wanted = createHash("sha256").update(JSON.stringify(terraform)).digest("hex");
  const marker = markerIn(folder);
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  await init();
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, wanted);
}

/** Whether it was initialized for what it asked for at some time. */
export function wasInitialized(folder: string): boolean {
  return existsSync(markerIn(folder));
}

function markerIn(folder: string): string {
  return join(folder, ".terraform", "initialized");
}

export interface SavedPlanOptions {
  /** Nothing has been changed since a plan without a change: it is planned without a file first, which is less work, and with one when there is a change after all. @default false */
  readonly likelyUnchanged?: boolean;
  /** Is told where Terraform is run, and with which variables beyond those of this process; undefined removes one. */
  readonly ran?: (where: PlanPlace) => void;
}

export interface PlanPlace {
  readonly folder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/**
 * Keeps a stack's plan in a file that its user alone may read: it can hold secrets. Without a change there may be none.
 * @returns as `terraform show -json` has it; undefined when an apply would do nothing
 * @throws RunFailed when there is no plan
 */
export async function savedPlan(terraform: RunTerraform, file: string, { likelyUnchanged = false }: Pick<SavedPlanOptions, "likelyUnchanged"> = {}): Promise<unknown> {
  if (likelyUnchanged && (await terraform(PLAN, [0, CHANGES])).status !== CHANGES) return undefined;
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
