import { request } from "node:http";
import { BackendDouble, WAYS_TO_BREAK, type WayToBreak } from "./backend-double";
import { DnsDouble } from "./dns-double";
import { describeWithHaproxy, LiveGateway, text, until } from "./live-gateway";

const CHANGING = ["POST", "PUT", "PATCH", "DELETE"] as const;
// The real ordinary timeout is 50 s, which no test waits for.
const SHORT_TIMEOUT = ["timeout server 50s", "timeout server 300ms"] as const;
const REPLAY_ALLOWED = ["  http-request disable-l7-retry unless safe_method\n", ""] as const;

function call(url: string, method: string, keep = false): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent: false, headers: { connection: keep ? "keep-alive" : "close" } }, (response) => {
      response.resume().on("close", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    // Small, as an order is: what does not fit into HAProxy's buffer (16 KiB) could not be repeated in any case.
    sent.end(method === "GET" ? undefined : "an order");
  });
}

describeWithHaproxy("the real HAProxy", () => {
  let dns: DnsDouble;
  let backends: BackendDouble[];
  let gateway: LiveGateway;
  let planted: LiveGateway;

  beforeAll(async () => {
    dns = await DnsDouble.start();
    backends = [await BackendDouble.start(), await BackendDouble.start(), await BackendDouble.start()];
    dns.services.set("_gvfx-api-alloc", backends.map(({ port }) => port));
    gateway = await LiveGateway.start({ dnsPort: dns.port, changes: [SHORT_TIMEOUT] });
    planted = await LiveGateway.start({ dnsPort: dns.port, changes: [SHORT_TIMEOUT, REPLAY_ALLOWED] });
    for (const g of [gateway, planted]) {
      const seen = new Set<string>();
      await until(async () => seen.add(await text(`${g.api}/answer`)).size >= 3 && backends.every(({ port }) => seen.has(`from ${port}`)), "all backends take part");
    }
  });
  afterAll(async () => {
    await Promise.all([gateway.stop(), planted.stop()]);
    await Promise.all(backends.map((b) => b.stop()));
    dns.stop();
  });
  beforeEach(() => backends.forEach((b) => b.received.splice(0)));

  const arrived = (method: string, way: WayToBreak) => backends.flatMap((b) => b.received).filter((line) => line === `${method} /${way}`).length;

  test.each(WAYS_TO_BREAK)("a backend that breaks (%s) gets what changes something exactly once", async (way) => {
    await Promise.all([...CHANGING, "GET"].map((method) => call(`${gateway.api}/${way}`, method).catch(() => 0)));
    expect(Object.fromEntries(CHANGING.map((method) => [method, arrived(method, way)]))).toEqual({ POST: 1, PUT: 1, PATCH: 1, DELETE: 1 });
    expect(arrived("GET", way)).toBeGreaterThanOrEqual(1);
  });

  test("reading is tried elsewhere when an answer does not come", async () => {
    await call(`${gateway.api}/close`, "GET").catch(() => 0);
    expect(arrived("GET", "close")).toBe(4);
  });

  test("the planted defect: without the rule, an order arrives several times", async () => {
    await call(`${planted.api}/close`, "POST").catch(() => 0);
    expect(arrived("POST", "close")).toBeGreaterThan(1);
  });

  test("a long call is waited for by its own timeout, an ordinary one is not", async () => {
    await expect(Promise.all([call(`${gateway.api}/ops/trading/reconcile`, "POST"), call(`${gateway.api}/wait/800`, "POST")])).resolves.toEqual([200, 504]);
  });

  test("a call in flight is a connection to the backend, and after its answer none is left, though the caller keeps its own", async () => {
    const open = () => backends.reduce((sum, b) => sum + b.connections.size, 0);
    await until(() => open() === 0, "no connection of an earlier call");
    const inFlight = call(`${gateway.api}/wait/200`, "POST", true);
    await until(() => open() === 1, "the call is a connection");
    await inFlight;
    expect(await until(() => open() === 0, "the connection is closed")).toBeLessThan(200);
  });

  test("a refused connection is tried elsewhere for any method, before health checks notice", async () => {
    const { port } = backends[0];
    await backends[0].stop();
    const statuses = await Promise.all(Array.from({ length: 10 }, () => [...CHANGING, "GET"]).flat().map((method) => call(`${gateway.api}/answer`, method)));
    expect(statuses).toEqual(statuses.map(() => 200));
    const received = backends.slice(1).flatMap((b) => b.received);
    expect(received).toHaveLength(statuses.length);
    // Proof that the refusing one was among those tried: HAProxy's log marks a call that was sent on with +.
    await until(() => /\/\+1 \d+\/\d+ /.test(gateway.log), "a retry in the log");
    backends[0] = await BackendDouble.start(port);
  });
});
