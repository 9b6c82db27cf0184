/** `gvfx lab break` and `gvfx lab heal`. */
import { setTimeout as pause } from "node:timers/promises";
import { Argument, Option, type Command } from "commander";
import { Duration } from "../../../contracts/units";
import type { Environment, Lab } from "../../../environments/schema";
import { labAccess } from "../access";
import { Engine } from "../engine";
import { labMachines } from "../machines";
import { labClients } from "../status/clients";
import { ACTIONS, Breaker, DEFAULT_DELAY, type Action, type JobControl } from "./breaker";
import { describeBroken } from "./ledger";
import { CONSUL, NOMAD_SERVERS } from "./targets";
import { durationOption, INTERRUPTED, interruptible } from "../../command-line";

export interface BreakSurroundings {
  readonly environment: () => { readonly env: Environment; readonly lab: Lab };
  readonly write: (text: string) => void;
  /** @default the engine of this machine */
  readonly breaker?: (env: Environment, lab: Lab) => Breaker;
}

/** A breaker for the lab of this machine. */
export function labBreaker(env: Environment, lab: Lab, engine = new Engine()): Breaker {
  return new Breaker({ engine, machines: labMachines(env, lab), network: lab.network.name, toolImage: lab.images.node, jobs: jobControl(env, lab) });
}

/** Finds Nomad only when a job is named: machines can be broken without it. */
function jobControl(env: Environment, lab: Lab): JobControl {
  const nomad = () => {
    const client = labClients(env, lab, labAccess(env)).nomad;
    if (!client) throw new Error("Nomad is not deployed, so that no job can be found; bring the lab up with: npm run lab");
    return client;
  };
  return { allocations: async () => nomad().allocations(), restartAllocation: async (id) => nomad().restartAllocation(id) };
}

export function registerBreak(lab: Command, { environment, write, breaker = labBreaker }: BreakSurroundings): void {
  lab
    .command("break")
    .description("stop, kill, pause, cut off, slow down or restart machines or jobs of the lab")
    .addArgument(new Argument("<action>", "what to do").choices(ACTIONS))
    .argument("<name...>", `machines, ${CONSUL} (all three servers), ${NOMAD_SERVERS} (partition only), or jobs (kill, pause, restart)`)
    .addOption(new Option("--for <time>", "heal by itself after that time, for example 30s; also on Ctrl-C").argParser(durationOption))
    .addOption(new Option("--delay <time>", "for slow: how long each packet waits").argParser(durationOption).default(DEFAULT_DELAY, `${DEFAULT_DELAY}`))
    .addHelpText("after", EXAMPLES)
    .action(async (action: Action, names: string[], options: { readonly for?: Duration; readonly delay: Duration }) => {
      const { env, lab: section } = environment();
      const faults = breaker(env, section);
      const until = options.for && new Date(Date.now() + options.for.milliseconds);
      if (!options.for || !until) {
        const broken = await faults.break(action, names, { delay: options.delay }, write);
        if (broken.length > 0) write("recorded; undo with: npm run gvfx -- lab heal");
        return;
      }
      const { for: time } = options;
      if (action === "restart") throw new Error("a restart is over at once, so that there is nothing to heal after a time; leave --for out");
      await interruptible(async (signal) => {
        const broken = await faults.break(action, names, { delay: options.delay, until }, write);
        write(`heals by itself in ${time}; Ctrl-C heals at once`);
        await pause(time.milliseconds, undefined, { signal }).catch(() => undefined);
        await faults.heal({ entries: broken }, write);
        if (signal.aborted) process.exitCode = INTERRUPTED;
      });
    });
}

export function registerHeal(lab: Command, { environment, write, breaker = labBreaker }: BreakSurroundings): void {
  lab
    .command("heal")
    .description("undo what break did: all of it, or what has one of the names")
    .argument("[name...]", "names as given to break")
    .action(async (names: string[]) => {
      const { env, lab: section } = environment();
      const faults = breaker(env, section);
      const healed = await faults.heal(names.length > 0 ? { names } : {}, write);
      const left = faults.ledger.read();
      if (healed.length === 0) write(`nothing ${names.length > 0 ? `of ${names.join(", ")} ` : ""}is recorded as broken`);
      for (const entry of left) write(`still broken: ${describeBroken(entry)}`);
      if (healed.length > 0) write("whether all is well again: npm run gvfx -- lab status");
    });
}


const EXAMPLES = `
Examples:
  gvfx lab break pause server-1 --for 30s        a machine that hangs
  gvfx lab break partition server-2              cut off; published ports still answer
  gvfx lab break stop consul --for 10m           no Consul
  gvfx lab break partition nomad-servers         no quorum, while clients and tasks run on
  gvfx lab break slow openbao --delay 500ms
  gvfx lab break kill gvfx-api                   its processes, as if they had crashed`;
