/** The double of the worker. As the app, it handles no SIGTERM: it ends at once, whatever it is doing. */
import { hostname } from "node:os";
import { gunzipSync } from "node:zlib";
import { Bingx } from "../bingx";
import { CRASH_AFTER_MS, FaultyAnswers } from "../faults";
import { backendSettings, instanceName } from "../settings";
import { ConvexStore } from "../store";
import { Ingestion } from "./ingestion";
import { metricsText } from "./metrics";
import { RestCycle } from "./rest-cycle";
import { dataTypes, StreamReader } from "./stream";

const log = (message: string): void => console.log(`${new Date().toISOString()} worker double: ${message}`);

const settings = (() => {
  try {
    return backendSettings("worker", process.env);
  } catch (error) {
    console.error(`worker double: ${error instanceof Error ? error.message : String(error)}`);
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
const store = new ConvexStore(settings.convexUrl);
const cycle = new RestCycle(new Bingx(settings.exchange), settings.pairs, settings.intervals, Date.now);
const ingestion = new Ingestion(store, instance, settings.pairs, (from) => cycle.prepare(from), Date.now, log);
const reader = new StreamReader(settings.pairs, (pair) => ingestion.indexPrices.get(pair));
const topics = dataTypes(settings.pairs, settings.intervals, settings.webSocket.depthLevel);
let reconnectMs = settings.webSocket.reconnectMinMs;

function textOf(data: unknown): string {
  return typeof data === "string" ? data : gunzipSync(new Uint8Array(data as ArrayBuffer)).toString("utf8");
}

function connect(): void {
  const socket = new WebSocket(settings.webSocket.url);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    reconnectMs = settings.webSocket.reconnectMinMs;
    log(`stream connected, ${topics.length} topics`);
    for (const dataType of topics) socket.send(JSON.stringify({ id: crypto.randomUUID(), reqType: "sub", dataType }));
  });
  socket.addEventListener("message", ({ data }) => {
    const text = textOf(data);
    if (text === "Ping") return socket.send("Pong");
    const arrived = reader.read(text);
    if (arrived) ingestion.arrive(arrived.feed, arrived.rows);
  });
  // An error is always followed by a close.
  socket.addEventListener("close", () => {
    log(`stream closed, again in ${reconnectMs} ms`);
    setTimeout(connect, reconnectMs);
    reconnectMs = Math.min(reconnectMs * 2, settings.webSocket.reconnectMaxMs);
  });
}

let stepping = false;
async function step(): Promise<void> {
  if (stepping) {
    ingestion.counts.lateSteps += 1;
    return;
  }
  stepping = true;
  try {
    const { feed, rows } = await cycle.step();
    ingestion.arrive(feed, rows);
  } catch (error) {
    if (ingestion.counts.restFailures++ % 100 === 0) log(`REST failed (${ingestion.counts.restFailures} times so far): ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    stepping = false;
  }
}

log(`version ${settings.version}, ${settings.pairs.length} pairs, a step every ${settings.ingestIntervalMs} ms, as ${instance}`);
if (settings.webSocket.enabled) connect();
setInterval(() => {
  void step();
  ingestion.tick();
}, settings.ingestIntervalMs);
setInterval(() => void ingestion.flush(), settings.webSocket.flushMs);

if (settings.metricsPort > 0) {
  const faults = new FaultyAnswers(settings.fault, "/metrics");
  Bun.serve({
    port: settings.metricsPort,
    hostname: "0.0.0.0",
    fetch(request) {
      const path = new URL(request.url).pathname.replace(/\/$/, "");
      const headers = { "x-gvfx-double": "worker", "x-gvfx-double-version": settings.version };
      const failed = faults.status(path, process.uptime() * 1_000);
      if (failed) return new Response(`the double of the worker fails on purpose (LAB_FAULT=${settings.fault})\n`, { status: failed, headers });
      if (path !== "/metrics") return new Response("Not Found", { status: 404, headers });
      return new Response(metricsText(settings.metricsPrefix, instance, ingestion), { headers: { ...headers, "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
    },
  });
}
