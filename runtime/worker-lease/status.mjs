/** /healthz, /state and /metrics. */
import { createServer } from "node:http";
import { remainingMs } from "./protocol.mjs";
import { metrics } from "./metrics.mjs";
import { VERSION } from "./version.mjs";

/** @typedef {import("./loop.mjs").Loop} Loop */
/** @typedef {import("./settings.mjs").LeaseSettings} LeaseSettings */

/** @param {LeaseSettings} settings @param {Loop} loop */
export function stateOf({ owner, node }, { settings, state, child, fence, now }) {
  const at = now();
  const remaining = remainingMs(settings, state, at);
  return {
    phase: state.phase,
    // Shown for people; nothing is decided by the wall clock.
    since: new Date(Date.now() - (at - state.since)).toISOString(),
    reason: state.reason,
    session: state.session,
    remainingMs: remaining === null ? null : Math.round(remaining),
    owner,
    node,
    childPid: child?.pid ?? null,
    fence: fence?.state ?? "none",
    version: VERSION,
  };
}

/** @param {LeaseSettings} settings @param {Loop} loop @returns {import("./metrics.mjs").Reading} */
export function readingOf({ owner, node }, { settings, state, counts, fence, now }) {
  const at = now();
  return { phase: state.phase, running: state.running, remainingMs: remainingMs(settings, state, at), sinceRenewalMs: state.session === null || state.renewedAt === -Infinity ? null : at - state.renewedAt, counts, fenced: fence?.state === "armed", owner, node, version: VERSION };
}

/**
 * @param {LeaseSettings} settings @param {Loop} loop @param {import("./trouble.mjs").Trouble} trouble
 * @returns {Promise<import("node:http").Server>} once it listens; rejects when it cannot
 */
export function serve(settings, loop, trouble) {
  const json = (/** @type {unknown} */ value) => ({ type: "application/json", text: `${JSON.stringify(value)}\n` });
  /** @type {Map<string, () => Promise<{ status: number, type: string, text: string }>>} */
  const pages = new Map(Object.entries({
    "/healthz": async () => {
      const { ok, detail } = loop.health();
      return { status: ok ? 200 : 503, ...json({ status: ok ? "ok" : "ill", detail }) };
    },
    "/state": async () => ({ status: 200, ...json(stateOf(settings, loop)) }),
    "/metrics": async () => ({ status: 200, type: "text/plain; version=0.0.4", text: await metrics(() => readingOf(settings, loop), { childUrl: settings.childMetricsUrl, trouble }) }),
  }));
  const missing = async () => ({ status: 404, type: "text/plain", text: `not found; there are ${[...pages.keys()].join(", ")}\n` });
  const server = createServer((req, res) => {
    const page = pages.get((req.url ?? "/").split("?")[0]) ?? missing;
    page().then(({ status, type, text }) => res.writeHead(status, { "content-type": type }).end(text), () => res.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.port, settings.address ?? "0.0.0.0", () => {
      // What goes wrong from here on is one connection's trouble.
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve(server);
    });
  });
}
