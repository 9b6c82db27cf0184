/** The double of the worker. As the app, it handles no SIGTERM: it ends at once, whatever it is doing. */
import { hostname } from "node:os";
import { gunzipSync } from "node:zlib";
import { monotonicClock } from "../../clock";
import { Bingx } from "../bingx";
import { CRASH_AFTER_MS, FaultyAnswers } from "../faults";
import { backendSettings, instanceName } from "../settings";
import { ConvexStore } from "../store";
import { Ingestion } from "./ingestion";
import { metricsText } from "./metrics";
import { RestCycle } from "./rest-cycle";
import { SecondOrders } from "./second-orders";
import { dataTypes, StreamReader, type Arrived } from "./stream";
import { TICK_MS, TickLog, tickFolder } from "./tick-log";

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
const job = process.env.NOMAD_JOB_ID ?? "";
const monotonic = await monotonicClock();
let socket: WebSocket | undefined;

// First of all: what counts as running is that the process does.
const folder = tickFolder(process.env);
if (folder) {
  try {
    const ticks = new TickLog(folder, job, instance, monotonic, Date.now);
    const tick = (): void => {
      ticks.tick();
      tellExchange();
    };
    tick();
    setInterval(tick, TICK_MS);
  } catch (error) {
    log(`writes no ticks, so that a drill cannot see it: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** That it runs and who it is, with its own stamp: what waits in a buffer until it has died proves nothing. */
function tellExchange(): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ reqType: "tick", instance, job, at: monotonic() }));
}

const store = new ConvexStore(settings.convexUrl);
const cycle = new RestCycle(new Bingx(settings.exchange), settings.pairs, settings.intervals, Date.now);
const ingestion = new Ingestion(store, instance, settings.pairs, (from) => cycle.prepare(from), Date.now, log);
const reader = new StreamReader(settings.pairs, (pair) => ingestion.indexPrices.get(pair));
const topics = dataTypes(settings.pairs, settings.intervals, settings.webSocket.depthLevel);
let reconnectMs = settings.webSocket.reconnectMinMs;

/** What came, on its way to the database; without one, nothing waits for it either. */
function arrive({ feed, rows }: Arrived): void {
  if (settings.sink === "convex") ingestion.arrive(feed, rows);
}

function textOf(data: unknown): string {
  return typeof data === "string" ? data : gunzipSync(new Uint8Array(data as ArrayBuffer)).toString("utf8");
}

function connect(): void {
  const opened = new WebSocket(settings.webSocket.url);
  socket = opened;
  opened.binaryType = "arraybuffer";
  opened.addEventListener("open", () => {
    reconnectMs = settings.webSocket.reconnectMinMs;
    log(`stream connected, ${topics.length} topics`);
    tellExchange();
    for (const dataType of topics) opened.send(JSON.stringify({ id: crypto.randomUUID(), reqType: "sub", dataType }));
  });
  opened.addEventListener("message", ({ data }) => {
    const text = textOf(data);
    if (text === "Ping") return opened.send("Pong");
    const arrived = reader.read(text);
    if (arrived) arrive(arrived);
  });
  // An error is always followed by a close.
  opened.addEventListener("close", () => {
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
    arrive(await cycle.step());
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
if (settings.sink === "convex") setInterval(() => void ingestion.flush(), settings.webSocket.flushMs);
if (job) {
  const named = ((url: string, init: RequestInit = {}) => fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), "user-agent": instance } })) as typeof fetch;
  const orders = new SecondOrders(new Bingx(settings.exchange, named), job, monotonic);
  setInterval(() => void orders.step(), TICK_MS);
}

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
