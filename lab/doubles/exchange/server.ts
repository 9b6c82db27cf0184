/** The double of the exchange on 8080 (REST, WebSocket on any path with an upgrade) and of the alert destination on 8081. */
import { monotonicClock } from "../clock";
import { AlertSink } from "./alerts";
import { Exchange, type Connection } from "./app";
import { BEAT_MS, dueTimes, parseRequest, PING_MS, topicOf, type Topic } from "./stream";

interface Client {
  readonly id: number;
  readonly address: string;
  readonly since: string;
  readonly topics: Set<string>;
  pongAt: number;
}

/** The exchange hangs up on a client that answers no ping. */
const PONG_PATIENCE_MS = 6 * PING_MS;
/** One address cannot take all memory. */
const MOST_TOPICS = 1_000;

const monotonic = await monotonicClock();
let connected = 0;
const sockets = new Set<Bun.ServerWebSocket<Client>>();
/** Topics that somebody listens to, with the time of the last message. */
const live = new Map<string, { readonly topic: Topic; sentMs: number; listeners: number }>();
const zipped = (text: string) => Bun.gzipSync(new TextEncoder().encode(text), { level: 1 });
const PING = zipped("Ping");

const exchange = new Exchange(() => [...sockets].map(({ data }): Connection => ({ address: data.address, since: data.since, topics: data.topics.size })), monotonic);
const sink = new AlertSink();

function leave(socket: Bun.ServerWebSocket<Client>, dataType: string): void {
  if (!socket.data.topics.delete(dataType)) return;
  socket.unsubscribe(dataType);
  const entry = live.get(dataType);
  if (entry && --entry.listeners === 0) live.delete(dataType);
}

function receive(socket: Bun.ServerWebSocket<Client>, text: string): void {
  const asked = parseRequest(text);
  if (asked === "pong") {
    socket.data.pongAt = Date.now();
    return;
  }
  if (asked?.kind === "tick") return exchange.record.heard(socket.data.id, asked);
  const topic = asked && topicOf(asked.dataType);
  if (!asked || !topic) {
    socket.send(zipped(JSON.stringify({ id: asked?.id ?? "", code: 80015, msg: `the double of the exchange has no data type "${asked?.dataType ?? ""}"` })));
    return;
  }
  const { topics } = socket.data;
  if (asked.kind === "unsub") leave(socket, topic.dataType);
  else if (!topics.has(topic.dataType) && topics.size < MOST_TOPICS) {
    topics.add(topic.dataType);
    socket.subscribe(topic.dataType);
    const entry = live.get(topic.dataType) ?? { topic, sentMs: Date.now(), listeners: 0 };
    entry.listeners += 1;
    live.set(topic.dataType, entry);
  }
  socket.send(zipped(JSON.stringify({ id: asked.id, code: 0, msg: "", dataType: "", data: null })));
}

const server = Bun.serve<Client, never>({
  port: 8080,
  hostname: "0.0.0.0",
  idleTimeout: 60,
  fetch(request, self) {
    const address = self.requestIP(request)?.address ?? "unknown";
    if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
      const data: Client = { id: (connected += 1), address, since: new Date().toISOString(), topics: new Set(), pongAt: Date.now() };
      return self.upgrade(request, { data }) ? undefined : new Response("expected a WebSocket\n", { status: 400 });
    }
    return exchange.answer(request, address, Date.now());
  },
  websocket: {
    idleTimeout: 120,
    open(socket) {
      sockets.add(socket);
      exchange.record.opened(socket.data.id, monotonic());
    },
    message: (socket, message) => receive(socket, typeof message === "string" ? message : new TextDecoder().decode(message)),
    close(socket) {
      sockets.delete(socket);
      exchange.record.closed(socket.data.id, monotonic());
      for (const dataType of [...socket.data.topics]) leave(socket, dataType);
    },
  },
});
const alerts = Bun.serve({ port: 8081, hostname: "0.0.0.0", fetch: (request, self) => sink.answer(request, self.requestIP(request)?.address ?? "unknown", Date.now()) });

setInterval(() => {
  const now = Date.now();
  for (const entry of live.values()) {
    // Compressed once, whoever listens.
    for (const at of dueTimes(entry.topic, entry.sentMs, now)) {
      server.publish(entry.topic.dataType, zipped(JSON.stringify(entry.topic.message(at))));
      entry.sentMs = at;
    }
  }
}, BEAT_MS);

setInterval(() => {
  for (const socket of sockets) {
    if (Date.now() - socket.data.pongAt > PONG_PATIENCE_MS) socket.close(1001, "no answer to pings");
    else socket.send(PING);
  }
}, PING_MS);

console.log(`exchange double: listening on ${server.port}, alert destination double on ${alerts.port}`);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    console.log(`exchange double: ${signal}, ending`);
    process.exit(0);
  });
}
