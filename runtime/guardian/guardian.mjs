/**
 * The cutover's guardian: keeps judging the roll-back triggers while a cutover is
 * watched. Runs on Bun and on Node 20 and later, and depends on nothing else.
 *
 *   bun guardian.mjs SETTINGS.json
 *
 * Secrets come by environment: API_TOKEN, ALERT_TOKEN, and the tokens of its
 * workload identity, NOMAD_TOKEN and CONSUL_HTTP_TOKEN.
 */
import { readFileSync } from "node:fs";
import { describe } from "./http.mjs";
import { serve } from "./metrics.mjs";
import { Watch } from "./watch.mjs";

/** What is not delivered by then is lost: Nomad kills ten seconds after the signal. */
const LAST_DELIVERY_MS = 5_000;

/** @param {string} name @returns {string} */
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the guardian could not do its work without it; the job gvfx-guardian sets it`);
  return value;
}

const secrets = ["API_TOKEN", "ALERT_TOKEN", "NOMAD_TOKEN", "CONSUL_HTTP_TOKEN"].map((name) => process.env[name] ?? "").filter((secret) => secret.length > 0);

/** One JSON object a line; whatever a message quotes, it quotes no token. @param {string} level @param {string} message */
function log(level, message) {
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, "[token]"), message);
  console.log(JSON.stringify({ at: new Date().toISOString(), level, message: clean }));
}

async function main() {
  /** @type {import("./watch.mjs").Settings} */
  const settings = JSON.parse(readFileSync(process.argv[2] ?? "/local/settings.json", "utf8"));
  const socketPath = process.env.NOMAD_UNIX_ADDR?.replace(/^unix:\/\//, "");
  const watch = new Watch(
    settings,
    {
      apiToken: required("API_TOKEN"),
      alertToken: required("ALERT_TOKEN"),
      writer: (process.env.NOMAD_ALLOC_ID ?? String(process.pid)).slice(0, 8),
      nomad: { socketPath, address: socketPath ? undefined : required("NOMAD_ADDR"), token: required("NOMAD_TOKEN") },
      consul: { address: required("CONSUL_HTTP_ADDR"), token: required("CONSUL_HTTP_TOKEN") },
    },
    { now: Date.now, log },
  );
  const server = await serve(settings.port, { healthy: () => watch.healthy(), reading: () => watch.reading() });
  log("info", `guardian of ${settings.environment} in mode ${settings.mode}, metrics on port ${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`);

  let stopping = false;
  /** @type {() => void} */
  let wake = () => undefined;
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT"])) {
    process.on(signal, () => {
      log("info", `${signal}: stopping`);
      stopping = true;
      wake();
    });
  }

  while (!stopping) {
    const due = Date.now() + settings.probeIntervalMs;
    try {
      await watch.round();
    } catch (error) {
      log("error", `a round failed: ${describe(error)}`);
    }
    if (!stopping) {
      await new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
        const timer = setTimeout(resolve, Math.max(0, due - Date.now()));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  watch.ledger.append("stop", { verdict: watch.verdict(), mode: settings.mode });
  await Promise.race([watch.deliver(), new Promise((resolve) => setTimeout(resolve, LAST_DELIVERY_MS))]);
  server.close();
  process.exit(0);
}

main().catch((error) => {
  log("error", describe(error));
  process.exit(1);
});
