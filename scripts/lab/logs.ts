/** `gvfx lab logs`: what a machine, a unit on it, or a job's tasks wrote. */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Environment, Lab } from "../../environments/schema";
import { interruptible } from "../command-line";
import { labAccess } from "./access";
import { Engine } from "./engine";
import { labMachines, type Machine } from "./machines";
import { labClients } from "./status/clients";
import type { NomadAllocation, NomadClient } from "./status/nomad";
import { jobNamed, runningTasks } from "./status/tasks";

/** Units of a node that have a log of their own. */
export const LOG_UNITS = ["nomad", "consul", "docker", "ssh"] as const;
export type LogUnit = (typeof LOG_UNITS)[number];

export interface LogOptions {
  readonly follow: boolean;
  /** Lines from the end. */
  readonly tail: number;
  /** For nodes and the witness. @default everything that the machine wrote */
  readonly unit?: LogUnit;
  readonly signal?: AbortSignal;
}

export interface LogSurroundings {
  readonly environment: () => { readonly env: Environment; readonly lab: Lab };
  readonly write: (text: string) => void;
  /** @default the engine of this machine */
  readonly engine?: Engine;
  /** @default Nomad of the lab, by the credentials of its states */
  readonly nomad?: (env: Environment, lab: Lab) => NomadClient | undefined;
}

/** Bytes that a line of the app's logs has at most, by and large: the API of Nomad counts bytes. */
const BYTES_PER_LINE = 250;

/** @throws Error when nothing has that name, or it has written nothing that is still there */
export async function writeLogs(name: string, options: LogOptions, { environment, write, engine = new Engine(), nomad = nomadOf }: LogSurroundings): Promise<void> {
  const { env, lab } = environment();
  const machines = labMachines(env, lab);
  const machine = machines.find((candidate) => candidate.name === name);
  if (machine) return machineLogs(machine, options, engine, write);
  const job = jobNamed(name);
  if (!job) throw new Error(`nothing in the lab is named ${name}; machines: ${machines.map((it) => it.name).join(", ")}; jobs are named gvfx-..., see: npm run gvfx -- lab status`);
  if (options.unit) throw new Error(`${job} is a job and has no units; --unit is for server-1, server-2 and the witness`);
  const client = nomad(env, lab);
  if (!client) throw new Error(`Nomad is not deployed, so that ${job} has written nothing; bring the lab up with: npm run lab`);
  await jobLogs(job, await client.allocations(), machines, options, { engine, write, client });
}

async function machineLogs(machine: Machine, { follow, tail, unit, signal }: LogOptions, engine: Engine, write: (line: string) => void): Promise<void> {
  const { name, role, container } = machine;
  if (unit && role !== "node" && role !== "witness") throw new Error(`${name} runs one program and has no units; leave --unit out`);
  const args = unit ? ["exec", container, "journalctl", "-u", unit, "-n", `${tail}`, ...(follow ? ["-f"] : [])] : ["logs", "--tail", `${tail}`, ...(follow ? ["--follow"] : []), container];
  const status = await engine.follow(args, write, { signal });
  if (status !== 0 && !signal?.aborted) throw new Error(`the log of ${name}${unit ? `, unit ${unit},` : ""} could not be read (status ${status}); does it run? npm run gvfx -- lab status`);
}

interface JobLogSources {
  readonly engine: Engine;
  readonly write: (line: string) => void;
  readonly client: NomadClient;
}

async function jobLogs(job: string, allocations: readonly NomadAllocation[], machines: readonly Machine[], { follow, tail, signal }: LogOptions, { engine, write, client }: JobLogSources): Promise<void> {
  const tasks = runningTasks(allocations, machines, job);
  const running = new Set(tasks.map(({ allocation }) => allocation));
  // What failed last is what people look for, and it has no container any more.
  const ended = allocations.filter(({ jobId, id }) => jobId === job && !running.has(id)).sort((a, b) => b.createdAt - a.createdAt);
  const failed = ended.find(({ status }) => status === "failed" || status === "lost") ?? (tasks.length === 0 ? ended[0] : undefined);
  if (failed) {
    for (const { name, lastEvent } of failed.tasks) {
      const prefix = `${failed.node}/${name} (${failed.status} ${failed.id.slice(0, 8)})`;
      write(`${prefix} | ${lastEvent}`);
      for (const stream of ["stdout", "stderr"] as const) {
        const text = await client.taskLog(failed.id, name, stream, tail * BYTES_PER_LINE).catch(() => undefined);
        for (const line of text?.trimEnd().split("\n").slice(-tail).filter(Boolean) ?? []) write(`${prefix} | ${line}`);
      }
    }
  }
  if (tasks.length === 0 && !failed) throw new Error(`${job} has no allocation, so that it has written nothing; see why with: npm run gvfx -- lab status`);
  const sameNode = new Set(tasks.map(({ node, task }) => `${node.name}/${task}`)).size < tasks.length;
  await Promise.all(
    tasks.map(({ node, task, allocation, container }) => {
      const prefix = `${node.name}/${task}${sameNode ? ` ${allocation.slice(0, 8)}` : ""}`;
      return engine.inside(node.container).follow(["logs", "--tail", `${tail}`, ...(follow ? ["--follow"] : []), container], (line) => write(`${prefix} | ${line}`), { signal });
    }),
  );
}

function nomadOf(env: Environment, lab: Lab): NomadClient | undefined {
  return labClients(env, lab, labAccess(env)).nomad;
}

export function registerLogs(lab: Command, surroundings: LogSurroundings): void {
  lab
    .command("logs")
    .description("what a machine or a job wrote; of a job also its last failed allocation")
    .argument("<machine|job>", "for example server-1, consul-2, gvfx-api")
    .option("-f, --follow", "go on with what comes", false)
    .addOption(new Option("-n, --tail <lines>", "lines from the end").argParser(lineCount).default(100))
    .addOption(new Option("--unit <unit>", "of server-1, server-2 or the witness").choices(LOG_UNITS))
    .action(async (name: string, options: { readonly follow: boolean; readonly tail: number; readonly unit?: LogUnit }) => {
      await interruptible((signal) => writeLogs(name, { ...options, signal }, surroundings));
    });
}

function lineCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("must be a number of lines.");
  return Number(text);
}
