/** `gvfx lab exec`: a command in a machine, or in a job's container. */
import type { Command } from "commander";
import type { Environment, Lab } from "../../environments/schema";
import { labAccess } from "./access";
import { Engine } from "./engine";
import { labMachines, type Machine } from "./machines";
import { labClients } from "./status/clients";
import type { NomadAllocation } from "./status/nomad";
import { jobNamed, runningTasks } from "./status/tasks";

export interface ExecChoice {
  /** Of a job that runs on several. @default the first */
  readonly node?: string;
  /** Of a job with several. @default the first */
  readonly task?: string;
  /** Whether a person sits there. */
  readonly terminal: boolean;
}

export interface ExecSurroundings {
  readonly environment: () => { readonly env: Environment; readonly lab: Lab };
  /** @default the engine of this machine */
  readonly engine?: Engine;
  /** @default Nomad's of the lab */
  readonly allocations?: (env: Environment, lab: Lab) => Promise<readonly NomadAllocation[]>;
  /** @default whether standard input and output are a terminal */
  readonly terminal?: boolean;
}

/**
 * Arguments of the engine's program for a command in what has that name.
 * @throws Error when nothing has it, or it does not run
 */
export function execArguments(name: string, command: readonly string[], { node, task, terminal }: ExecChoice, machines: readonly Machine[], allocations: readonly NomadAllocation[]): string[] {
  const exec = ["exec", terminal ? "-it" : "-i"];
  const machine = machines.find((candidate) => candidate.name === name);
  if (machine) return [...exec, machine.container, ...command];
  const job = jobNamed(name);
  if (!job) throw new Error(`nothing in the lab is named ${name}; machines: ${machines.map((it) => it.name).join(", ")}; jobs are named gvfx-..., see: npm run gvfx -- lab status`);
  const tasks = runningTasks(allocations, machines, job);
  const chosen = tasks.find((it) => (node === undefined || it.node.name === node) && (task === undefined || it.task === task));
  if (!chosen) throw new Error(tasks.length === 0 ? `no task of ${job} runs, so that there is nothing to run a command in; see why with: npm run gvfx -- lab status` : `no such task of ${job} runs; there are: ${tasks.map((it) => `--node ${it.node.name} --task ${it.task}`).join(", ")}`);
  return [...exec, chosen.node.container, "docker", ...exec, chosen.container, ...command];
}

export function registerExec(lab: Command, { environment, engine = new Engine(), allocations = allocationsOf, terminal = process.stdin.isTTY && process.stdout.isTTY }: ExecSurroundings): void {
  lab
    .command("exec")
    .description("run a command in a machine or in a job's container; its exit status is this one's")
    .argument("<machine|job>", "for example device, server-1, gvfx-api")
    .argument("<command...>", "after --, for example: -- sh")
    .option("--node <name>", "which node, for a job that runs on several")
    .option("--task <name>", "which task, for a job with several")
    .addHelpText("after", "\nExample: gvfx lab exec device -- curl -s http://gvfx-api.service.consul:8787/health")
    .action(async (name: string, command: string[], options: { readonly node?: string; readonly task?: string }) => {
      const { env, lab: section } = environment();
      const machines = labMachines(env, section);
      const isMachine = machines.some((machine) => machine.name === name);
      const args = execArguments(name, command, { ...options, terminal: terminal ?? false }, machines, isMachine || !jobNamed(name) ? [] : await allocations(env, section));
      process.exitCode = await engine.attached(args);
    });
}

async function allocationsOf(env: Environment, lab: Lab): Promise<readonly NomadAllocation[]> {
  const { nomad } = labClients(env, lab, labAccess(env));
  if (!nomad) throw new Error("Nomad is not deployed, so that no job runs; bring the lab up with: npm run lab");
  return nomad.allocations();
}
