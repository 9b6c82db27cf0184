/**
 * The worker's first process: runs the worker only while it holds the lease, and is
 * sure that it is dead before anybody else can. On Bun and on Node 20 and later.
 *
 *   bun worker-lease.mjs SETTINGS.json -- COMMAND [ARGUMENT ...]
 *
 * Exit codes: the worker's own when it ended by itself or was asked to (128 + n for
 * signal n), 0 stopped before it ran, 64 wrong settings or command line, 69 it cannot
 * work here (the log says why), 70 an error of its own, 126 the worker cannot be started.
 */
import { hostname } from "node:os";
import { suspendAwareClock } from "./clock.mjs";
import { Consul } from "./consul.mjs";
import { Endpoints } from "./consul-endpoints.mjs";
import { containment } from "./containment.mjs";
import { Fence } from "./fence.mjs";
import { describe, jsonLog } from "./log.mjs";
import { INTERNAL_ERROR, Loop } from "./loop.mjs";
import { Output } from "./output.mjs";
import { childEnvironment, readSettings, SettingsError, WRONG_USAGE } from "./settings.mjs";
import { serve } from "./status.mjs";
import { TokenFile } from "./token.mjs";
import { Trouble } from "./trouble.mjs";
import { VERSION } from "./version.mjs";

/** As sysexits.h has it. */
const UNAVAILABLE = 69;
/** The last lines have so long when the log's reader is slow. */
const LAST_LINES_MS = 500;

/** @type {Set<string>} */
const secrets = new Set();
const output = new Output(1);
const log = jsonLog((line) => output.line(line), { secrets });

/** @param {number} code */
function exit(code) {
  const endsAt = performance.now() + LAST_LINES_MS;
  const end = () => {
    if (output.waiting.length > 0 && performance.now() < endsAt) return setTimeout(end, 10);
    if (output.stuck) process.kill(process.pid, "SIGKILL");
    process.exit(code);
  };
  end();
}

/** @param {string} program path of this one file */
async function main(program) {
  const { settings, command } = readSettings(process.argv.slice(2), process.env);
  const now = suspendAwareClock();
  const contained = containment(settings.containment, { log });
  const problem = contained.problem();
  if (problem !== undefined) {
    log("error", "cannot-contain", problem);
    return exit(UNAVAILABLE);
  }
  const fence = settings.fence === "kernel-timer" ? new Fence({ program, now, log }) : undefined;
  const unfenced = fence?.problem();
  if (unfenced !== undefined) {
    log("error", "cannot-fence", unfenced);
    return exit(UNAVAILABLE);
  }
  const trouble = new Trouble(log, now);
  const allocation = process.env.NOMAD_ALLOC_ID;
  const consul = new Consul(settings, {
    endpoints: new Endpoints([...settings.agents, ...settings.servers], { caFile: settings.caFile, now, log }),
    token: new TokenFile(settings.tokenFile, secrets),
    trouble,
    now,
    holder: `${settings.owner} on ${settings.node} (${allocation ? `allocation ${allocation}` : `PID ${process.pid} of ${hostname()}`})`,
  });
  const loop = new Loop({ settings, command, environment: childEnvironment(process.env), consul, containment: contained, fence, now, log, exit });

  // The runtime's own words would wait for a reader of standard error.
  process.removeAllListeners("warning").on("warning", (warning) => log("warning", "runtime", describe(warning)));
  for (const error of ["uncaughtException", "unhandledRejection"]) process.on(error, (reason) => void loop.fail(reason));
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT"])) {
    process.on(signal, () => {
      log("info", "signal", `${signal}: stopping`);
      loop.dispatch({ type: "stop", signal });
    });
  }
  for (const signal of /** @type {const} */ (["SIGHUP", "SIGUSR1", "SIGUSR2"])) process.on(signal, () => loop.forward(signal));

  let port;
  try {
    const server = await serve(settings, loop, trouble);
    port = /** @type {import("node:net").AddressInfo} */ (server.address()).port;
  } catch (error) {
    log("error", "cannot-listen", `/healthz, /state and /metrics cannot be served on port ${settings.port}: ${describe(error)}. Choose another port, or end what uses it`);
    return exit(UNAVAILABLE);
  }
  log("info", "started", `worker lease ${VERSION} for owner ${settings.owner} on node ${settings.node}; /healthz, /state and /metrics on port ${port}`, { port, pid: process.pid, runtime: process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`, timing: settings.timing });
  loop.run();
}

/** @param {string} program path of this one file */
export async function run(program) {
  try {
    await main(program);
  } catch (error) {
    if (error instanceof SettingsError) for (const message of error.errors) log("error", "settings", message);
    else log("error", "internal-error", `it could not start: ${describe(error)}`, { stack: error instanceof Error ? error.stack : undefined });
    exit(error instanceof SettingsError ? WRONG_USAGE : INTERNAL_ERROR);
  }
}
