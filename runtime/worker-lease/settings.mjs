/** The command line, settings.json and the environment, checked at the start: all errors at once. */
import { readFileSync } from "node:fs";
import { checked } from "./settings-checks.mjs";

/**
 * @typedef {object} LeaseSettings
 * @property {"nomad" | "legacy"} owner value of the owner key under which this side may run the worker
 * @property { { owner: string, lease: string }} keys Consul keys
 * @property {string} node Consul node that the session is made on
 * @property {string[]} agents URLs of local agents, asked first
 * @property {string[]} servers URLs of Consul's servers, asked when no agent answers
 * @property {string} [caFile] PEM of the authority of https endpoints; default: the system's
 * @property {string} tokenFile the Consul token; read anew for each request
 * @property {string} [address] that /healthz, /state and /metrics listen on; default 0.0.0.0
 * @property {number} port of /healthz, /state and /metrics; 0: any free one, which the log names
 * @property {string} [childMetricsUrl] the worker's own metrics, appended to ours
 * @property {"container" | "host"} containment how everything that the worker starts is found and killed
 * @property {"kernel-timer" | "none"} fence whether the kernel ends the worker at its deadline when this program does not, since it sleeps; the worker must run on Bun
 * @property {Timing} timing
 *
 * @typedef {import("./protocol.mjs").Timing & { ttlMs: number, lockDelayMs: number, requestTimeoutMs: number }} Timing
 *   `requestTimeoutMs`: for one request to Consul, over all endpoints; a renewal is two
 */

/** Exit code of a wrong command line or wrong settings, as sysexits.h has it. */
export const WRONG_USAGE = 64;

export class SettingsError extends Error {
  /** @param {string[]} errors each: what is wrong, why it matters, how to fix it */
  constructor(errors) {
    super(errors.join("\n"));
    this.errors = errors;
  }
}

const USAGE = "worker-lease.mjs <settings.json> -- <command> [argument ...]";

/**
 * @param {readonly string[]} argv without runtime and program
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns { { settings: LeaseSettings, command: string[] }}
 * @throws {SettingsError} with every error there is
 */
export function readSettings(argv, environment) {
  /** @type {string[]} */
  const errors = [];
  const split = argv.indexOf("--");
  const [file, ...more] = split < 0 ? argv : argv.slice(0, split);
  const command = split < 0 ? [] : argv.slice(split + 1);
  if (command.length === 0) errors.push(`the command line names no worker, so there is nothing to run: ${USAGE}`);
  if (more.length > 0) errors.push(`the command line has ${JSON.stringify(more[0])} before "--", which nothing reads: ${USAGE}`);
  if (file === undefined) throw new SettingsError([...errors, `the command line names no settings: ${USAGE}`]);
  /** @type {unknown} */
  let given;
  try {
    given = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new SettingsError([...errors, `${file} cannot be read as JSON (${/** @type {Error} */ (error).message}), and the lease has no settings of its own: write one JSON object there`]);
  }
  // Where one file serves every node, the node's name comes by environment.
  const node = environment.WORKER_LEASE_NODE;
  if (node && given !== null && typeof given === "object" && !("node" in given)) given = { ...given, node };
  errors.push(...checked(given).map((error) => `${file}: ${error}`));
  if (errors.length > 0) throw new SettingsError(errors);
  return { settings: /** @type {LeaseSettings} */ (given), command };
}

/**
 * The worker's environment: ours without what gives access to the lease.
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {Record<string, string>}
 */
export function childEnvironment(environment) {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined || /^(CONSUL_(HTTP_)?TOKEN|WORKER_LEASE_.*)$/.test(name) ? [] : [[name, value]])));
}
