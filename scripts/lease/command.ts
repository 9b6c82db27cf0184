/** `gvfx lease`: who may run the worker, who runs it, and the hand-over from one side to the other. */
import { readFileSync } from "node:fs";
import { Argument, Command, Option } from "commander";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import type { Variables } from "../doctor/credentials";
import { leaseAccess, leaseCommands, type LeaseAccess } from "./access";
import { assessLease } from "./assess";
import { unasked } from "./explain";
import { GIVE_TIMEOUT, giveWorker, type GiveResult } from "./give";
import { LEGACY_STOPPED } from "./legacy-proof";
import { lookAtLease } from "./look";
import { SIDES, type Side } from "./sources";
import { textGiven, textLease } from "./text";
import { durationOption, INTERRUPTED, interruptible } from "../command-line";

/** Nothing is known: neither well nor not. */
const NOT_ASKED = 2;

export interface LeaseSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** Where it says why it could not ask. @default standard error */
  readonly complain?: (text: string) => void;
  /** @default the lab's own, or the operator's by variables */
  readonly access?: (env: Environment) => LeaseAccess;
}

export function leaseCommand(environment: () => Environment, surroundings: LeaseSurroundings = {}): Command {
  const { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`) } = surroundings;
  const { access = (env) => leaseAccess(env, variables, (path) => readFileSync(path, "utf8")) } = surroundings;
  const command = new Command("lease").description("the worker's lease: who may run the worker, who runs it, and its hand-over").addHelpText("after", CREDENTIALS);

  /** What could not be asked ends with a status of its own. */
  const asked = async (work: (env: Environment, access: LeaseAccess) => Promise<number>): Promise<void> => {
    let opened: LeaseAccess | undefined;
    try {
      const env = environment();
      opened = access(env);
      process.exitCode = await work(env, opened);
    } catch (error) {
      complain(await unasked(error, opened));
      process.exitCode = NOT_ASKED;
    }
  };

  command
    .command("status")
    .description("who may run the worker, who runs it, and if nobody, why and what helps")
    .option("--json", "print it as JSON", false)
    .addHelpText("after", "\nExit status: 0 when there is exactly one holder under the right owner, 1 when not, 2 when it could not be asked.")
    .action(({ json }: { readonly json: boolean }) =>
      asked(async (env, { sources, address }) => {
        const status = assessLease(await lookAtLease(sources), leaseCommands(env));
        write(json ? JSON.stringify({ environment: env.name, ...status }, null, 2) : `The worker's lease in "${env.name}", by Consul at ${address}\n${textLease(status)}`);
        return status.well ? 0 : 1;
      }),
    );

  command
    .command("give")
    .description("give the worker to the other side: changes the owner by check-and-set, and waits until the new side has the lease")
    .addArgument(new Argument("<side>", "who is to run it").choices(SIDES))
    .addOption(new Option("--timeout <duration>", "how long to wait for the new side, for example 90s").argParser(durationOption).default(GIVE_TIMEOUT, GIVE_TIMEOUT.toString()))
    .option(LEGACY_STOPPED, "for nomad: you state that no legacy worker runs outside the lease; needed while legacy does not hold the lease, which then shows nothing of such a worker", false)
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", "\nNeither side is started or stopped: both stand by, or run, under the lease. Safe to interrupt and to repeat.\nA legacy worker that does not wait under the lease is stopped and started by hand: docs/legacy-lease.md.\nExit status: 0 when the new side has the lease, 1 when not or when it was refused, 2 when it could not be asked, 130 when interrupted.")
    .action((to: Side, { timeout, legacyWorkerStopped, json }: { readonly timeout: Duration; readonly legacyWorkerStopped: boolean; readonly json: boolean }) =>
      asked(async (env, { sources, address }) => {
        const commands = leaseCommands(env);
        const say = json ? () => undefined : write;
        return interruptible(async (signal) => {
          say(`The worker of "${env.name}" is to be given to ${to}, by Consul at ${address}`);
          const result = await giveWorker(sources, to, { commands, legacyWorkerStopped, timeout, signal, say });
          write(json ? JSON.stringify({ environment: env.name, to, ...result, ...(result.outcome === "not-taken" ? { lastError: result.lastError?.message } : {}) }, null, 2) : textGiven(result, to, commands));
          return exitCode(result);
        });
      }),
    );
  return command;
}

function exitCode({ outcome }: GiveResult): number {
  if (outcome === "interrupted") return INTERRUPTED;
  return outcome === "given" || outcome === "already" ? 0 : 1;
}

const CREDENTIALS = `
Reads CONSUL_HTTP_TOKEN (the cutover operator's), CONSUL_CACERT (PEM file), and CONSUL_HTTP_ADDR when Consul is not
to be reached at the environment's address. The lab (GVFX_ENV=lab) needs none: its credentials are in its states.`;
