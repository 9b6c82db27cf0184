/** The double of the RL service, on RL_SERVICE_HOST and RL_SERVICE_PORT. */
import { answer, type RlService } from "./app";
import { rlServiceSettings } from "./settings";

const settings = (() => {
  try {
    return rlServiceSettings(process.env);
  } catch (error) {
    console.error(`rl-service double: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
})();

const service: RlService = { settings, uptimeMs: () => process.uptime() * 1000, sleep: (ms) => new Promise((done) => setTimeout(done, ms)), answered: new Map() };
const server = Bun.serve({
  port: settings.port,
  hostname: settings.host,
  // A training call is silent for up to 20 minutes; Bun would end it after 10 s.
  idleTimeout: 0,
  // The features of a long training: uvicorn has no limit, Bun's own is 128 MiB.
  maxRequestBodySize: 1024 * 1024 * 1024,
  fetch: (request) => answer(request, service),
});
console.log(`rl-service double: listening on ${server.hostname}:${server.port}, healthy ${settings.loadMs} ms after its start`);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    // uvicorn lets calls in flight finish too.
    console.log(`rl-service double: ${signal}, finishing the calls in flight`);
    void server.stop().then(() => process.exit(0));
  });
}
