/** The double of the frontend, on PORT (3000), as `next start` has it. */
import { answer } from "./app";
import { frontendSettings } from "./environment";

const settings = (() => {
  try {
    return frontendSettings(process.env);
  } catch (error) {
    console.error(`frontend double: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
})();

const server = Bun.serve({
  port: Number(process.env.PORT ?? "3000"),
  hostname: "0.0.0.0",
  // The proxy ends a silent call itself, after 45 s; Bun would after 10 s.
  idleTimeout: 0,
  fetch: (request) => answer(request, settings),
});
console.log(`frontend double: listening on ${server.port}, /api/backend goes to ${settings.apiBaseUrl ?? "port 8787 of the host that is asked"}`);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    console.log(`frontend double: ${signal}, finishing the calls in flight`);
    void server.stop().then(() => process.exit(0));
  });
}
