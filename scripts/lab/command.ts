/** `gvfx lab`: the whole platform in containers on this machine. */
import { Command, Option } from "commander";
import { loadEnvironment } from "../../environments/load";
import { entrances, labOf, labUp, partsTable } from "./up";
import { appSourceOf } from "./app-source";
import { registerBreak, registerHeal } from "./break/command";
import { labDown } from "./down";
import { registerExec } from "./exec";
import { registerLoad } from "./load/command";
import { registerLogs } from "./logs";
import { registerOpen } from "./open";
import { registerOutages } from "./outages/command";
import { registerStatus } from "./status/command";
import type { Timed } from "./steps";
import { SIDES, type Side } from "../lease/sources";

export interface LabSurroundings {
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly write?: (text: string) => void;
  /** Show a live list. @default whether standard output is a terminal */
  readonly terminal?: boolean;
}

export function labCommand({ variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), terminal = process.stdout.isTTY && !variables.CI }: LabSurroundings = {}): Command {
  const environment = () => loadEnvironment(variables.GVFX_ENV ?? "lab");
  const command = new Command("lab").description("the whole platform in containers on this machine: the four stacks for real, with doubles for the app, Convex and the exchange");

  command
    .command("up")
    .description("build, deploy and wait until all is healthy; goes on where an earlier run stopped")
    .option("--timings", "print how long each step took", false)
    .addOption(new Option("--owner <side>", "who runs the worker: nomad gives it to Nomad whatever was before, legacy leaves the owner as it is (default: to Nomad, once in a lab's life)").choices(SIDES))
    .addHelpText("after", "\nGVFX_APP_SOURCE=<checkout of the app> builds and runs the real app in place of its doubles;\nGVFX_APP_IMAGES=backend,frontend limits it to some of its images (the RL service downloads 4 GB).")
    .action(async ({ timings, owner }: { timings: boolean; owner?: Side }) => {
      const env = environment();
      const lab = labOf(env);
      const appSource = appSourceOf(variables);
      write(`The lab "${env.name}" on this machine. What is real, and what is a double:\n${partsTable(lab, appSource)}\n`);
      const began = Date.now();
      const timed = await labUp(env, lab, { appSource, owner, terminal: terminal ?? false, write });
      write(`\nThe lab is up, after ${((Date.now() - began) / 1000).toFixed(0)} s:\n${entrances(env, lab)}`);
      if (timings) write(`\n${timingsTable(timed)}`);
    });

  command
    .command("down")
    .description("remove every container, volume, network and state of the lab")
    .option("--stacks", "destroy the stacks one after the other in the reverse order first, as on machines that stay", false)
    .action(async ({ stacks }: { stacks: boolean }) => {
      const env = environment();
      await labDown(env, labOf(env), { stacks, terminal: terminal ?? false, write });
    });

  const surroundings = {
    write,
    environment: () => {
      const env = environment();
      return { env, lab: labOf(env) };
    },
  };
  registerStatus(command, surroundings);
  registerOpen(command, surroundings);
  registerLogs(command, surroundings);
  registerExec(command, surroundings);
  registerBreak(command, surroundings);
  registerHeal(command, surroundings);
  registerOutages(command, surroundings);
  registerLoad(command, surroundings);
  return command;
}

/** Steps and seconds as a Markdown table, for docs/lab.md. */
export function timingsTable(timed: readonly Timed[]): string {
  return ["| step | seconds |", "|---|---|", ...timed.map(({ title, seconds }) => `| ${title} | ${seconds.toFixed(1)} |`)].join("\n");
}
