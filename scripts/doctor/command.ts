/** `gvfx doctor`: before foundation is ever deployed, does everything answer as the environment says? */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { Duration } from "../../contracts/units";
import { loadEnvironment } from "../../environments/load";
import type { Environment } from "../../environments/schema";
import { withLabHostKeys } from "../lab/access";
import { doctorLogin } from "../operator/access";
import type { Check } from "./check";
import { consulChecks } from "./checks/consul";
import { nodeChecks } from "./checks/nodes";
import { registryChecks } from "./checks/registry";
import { tailnetChecks } from "./checks/tailnet";
import { vaultChecks } from "./checks/vault";
import { vultrChecks } from "./checks/vultr";
import { API_ADDRESSES, createContext, type ApiAddresses } from "./context";
import { secretsOf, withoutCredentials, type Variables } from "./credentials";
import { notChecked } from "./not-checked";
import { NO_PROGRESS, terminalProgress } from "./progress";
import { EXIT_CODES, jsonReport, redacted, textReport } from "./report";
import { bounded, runChecks, worst } from "./runner";
import { INTERRUPTED, interruptible } from "../command-line";

/** Long enough for a node that is slow to log in to and slow to write; a person still waits for it. */
const RUN_LIMIT = Duration.seconds(60);

/** What the command takes from the world around it. */
export interface DoctorSurroundings {
  /** Environment variables. @default those of the process */
  readonly variables?: Variables;
  /** @default the environment that GVFX_ENV names */
  readonly environment?: () => Environment;
  readonly apis?: ApiAddresses;
  /** Takes the report. @default standard output */
  readonly write?: (text: string) => void;
  /** Show progress while checks run. @default whether standard output is a terminal */
  readonly terminal?: boolean;
  /** @default 60 s */
  readonly limit?: Duration;
}

/** Every check that the environment calls for. */
export function allChecks(env: Environment): Check[] {
  return [...nodeChecks(env), ...consulChecks(env), ...vaultChecks(env), ...registryChecks(env), ...tailnetChecks(env), ...vultrChecks(env)];
}

export function doctorCommand({ variables = process.env, environment = () => withLabHostKeys(loadEnvironment(variables.GVFX_ENV)), apis = API_ADDRESSES, write = (text) => void process.stdout.write(text), terminal = process.stdout.isTTY, limit = RUN_LIMIT }: DoctorSurroundings = {}): Command {
  return new Command("doctor")
    .description("check, before foundation is deployed, that nodes, Consul, Vault, registry and tailnet answer as the environment says")
    .option("--json", "print the results as JSON", false)
    .addHelpText("after", HELP)
    .action(async ({ json }: { json: boolean }) => {
      const env = environment();
      const { credentials, identityFile } = doctorLogin(env, variables, (path) => readFileSync(path, "utf8"));
      const checks = allChecks(env);
      const run = bounded(limit);
      const work = async (interrupted: AbortSignal): Promise<void> => {
        const progress = terminal && !json ? await terminalProgress(checks) : NO_PROGRESS;
        const seen = await runChecks(checks, createContext(env, credentials, { signal: run.signal, apis, sshVariables: withoutCredentials(variables), identityFile }), { signal: run.signal, onResult: progress.onResult });
        await progress.done();
        const results = seen.map((result) => redacted(result, secretsOf(credentials)));
        write((json ? jsonReport : textReport)(env.name, results, notChecked(env)));
        process.exitCode = interrupted.aborted ? INTERRUPTED : EXIT_CODES[worst(results)];
      };
      try {
        await interruptible(work, () => run.abort());
      } finally {
        run.release();
        // Whatever a check left behind ends with the run.
        run.abort();
      }
    });
}

const HELP = `
Reads these environment variables; each that is not set leaves checks inconclusive:
  CONSUL_HTTP_TOKEN, CONSUL_CACERT (PEM file)
  VAULT_TOKEN, VAULT_CACERT (PEM file)
  REGISTRY_USERNAME, REGISTRY_PASSWORD, REGISTRY_CACERT (PEM file)
  TAILSCALE_API_KEY, or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET
  VULTR_API_KEY
Nodes are reached by ssh with the keys and the agent of whoever runs this. On each, a
file of 400 KiB is written and removed to time the disk; nothing else is changed anywhere.

Exit status: 0 when all passed, 1 when any failed, 3 when none failed but some are inconclusive.`;
