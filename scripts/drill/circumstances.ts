/** Under what a drill ran: the code, the values that decide what is found, and the machine. */
import { cpus, release, totalmem } from "node:os";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { run } from "../lab/run";
import type { DrillMachine } from "./result";

/** The commit, with "+changes" when files differ from it; "unknown" where there is no repository. */
export async function commitOf(cwd?: string): Promise<string> {
  const git = async (...args: string[]): Promise<string> => (await run("git", args, { cwd })).output.trim();
  try {
    return `${await git("rev-parse", "--short", "HEAD")}${(await git("status", "--porcelain")) === "" ? "" : "+changes"}`;
  } catch {
    return "unknown";
  }
}

/** Every time of the lease and of Nomad, by its name in the environment: "lease.ttl": "10s". */
export function valuesOf({ lease, nomad }: Environment): Record<string, string> {
  const times = (section: string, values: object): [string, string][] => Object.entries(values).flatMap(([name, value]): [string, string][] => (value instanceof Duration ? [[`${section}.${name}`, `${value}`]] : []));
  return Object.fromEntries([...times("lease", lease), ...times("nomad", nomad)]);
}

export function drillMachine(engine: string): DrillMachine {
  return { cores: cpus().length, memoryBytes: totalmem(), kernel: release(), engine };
}
