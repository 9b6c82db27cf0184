/** The double of the api, on PORT (8787). As the app, it handles no SIGTERM: it ends at once. */
import { hostname } from "node:os";
import { Bingx } from "../bingx";
import { CRASH_AFTER_MS } from "../faults";
import { backendSettings, instanceName } from "../settings";
import { ConvexStore } from "../store";
import { ApiDouble } from "./app";
import { Received } from "./received";

const log = (message: string): void => console.log(`${new Date().toISOString()} api double: ${message}`);

const settings = (() => {
  try {
    return backendSettings("api", process.env);
  } catch (error) {
    console.error(`api double: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
})();

if (settings.fault === "crash") {
  setTimeout(() => {
    log("ends on purpose (LAB_FAULT=crash)");
    process.exit(1);
  }, CRASH_AFTER_MS);
}

const instance = instanceName(hostname(), process.pid);
const double = new ApiDouble({
  settings,
  instance,
  store: new ConvexStore(settings.convexUrl),
  bingx: new Bingx(settings.exchange),
  received: new Received(settings.exchange.baseUrl, instance, fetch),
  now: Date.now,
  uptimeMs: () => process.uptime() * 1_000,
  fetcher: fetch,
  log,
});
const server = Bun.serve({
  port: settings.port,
  hostname: "0.0.0.0",
  // A training call is silent for up to 20 minutes; Bun would end it after 10 s.
  idleTimeout: 0,
  fetch: (request) => double.answer(request),
});
log(`version ${settings.version}, listening on ${server.port} as ${instance}${settings.fault === "none" ? "" : `, LAB_FAULT=${settings.fault}`}`);
