import http from "node:http";
import type { AddressInfo } from "node:net";
import fc from "../../properties";
import { Duration } from "../../../contracts/units";
import { share } from "../../../scripts/lab/load/command";
import { isDue, startLoad } from "../../../scripts/lab/load/generator";
import { LATE_MS, percentile, Tally, textResult, type Outcome } from "../../../scripts/lab/load/tally";

const outcome = (n: number, more: Partial<Outcome> = {}): Outcome => ({ id: `r-${n}`, method: "GET", dueMs: n * 5, sentMs: n * 5, endMs: n * 5 + 10, ...more });

describe("counting", () => {
  test("every request is either good or failed, by method and by kind", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ method: fc.constantFrom("GET" as const, "POST" as const), kind: fc.constantFrom(undefined, "connection" as const, "timeout" as const, "status" as const) })), (made) => {
        const tally = new Tally("r", 200);
        made.forEach(({ method, kind }, n) => tally.add(outcome(n, { method, ...(kind ? { failure: { kind, detail: "x" } } : {}) })));
        const { sent, ok, failed, byMethod, byKind } = tally.result(1);
        expect(sent).toBe(made.length);
        expect(ok + failed).toBe(sent);
        expect(byMethod.GET.sent + byMethod.POST.sent).toBe(sent);
        expect(byMethod.GET.failed + byMethod.POST.failed).toBe(failed);
        expect(byKind.connection + byKind.timeout + byKind.status).toBe(failed);
      }),
    );
  });

  test("latency is counted from when a request was due, so that a late sender hides nothing", () => {
    const tally = new Tally("r", 200);
    tally.add(outcome(0, { sentMs: 500, endMs: 510 }));
    expect(tally.result(1)).toMatchObject({ late: 1, latency: { p50: 510, max: 510 } });
  });

  test("late is later than the limit", () => {
    const tally = new Tally("r", 200);
    tally.add(outcome(0, { dueMs: 0, sentMs: LATE_MS }));
    tally.add(outcome(1, { dueMs: 0, sentMs: LATE_MS + 1 }));
    expect(tally.result(1).late).toBe(1);
  });

  test("failures are listed by when they were due, the first ones only", () => {
    const tally = new Tally("r", 200);
    for (let n = 29; n >= 0; n--) tally.add(outcome(n, { failure: { kind: "status", detail: "503 none" } }));
    const result = tally.result(1);
    expect(result.firstFailures).toHaveLength(20);
    expect(result.firstFailures[0]).toEqual({ id: "r-0", method: "GET", atSeconds: 0, kind: "status", detail: "503 none" });
    expect(textResult(result)).toContain("and 10 more");
  });

  test("percentiles are measured values", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([50, 95, 99, 100].map((p) => percentile(hundred, p))).toEqual([50, 95, 99, 100]);
    expect(percentile([7], 50)).toBe(7);
  });

  test("without a good answer there is no latency", () => {
    const tally = new Tally("r", 200);
    tally.add(outcome(0, { failure: { kind: "timeout", detail: "x" } }));
    expect(tally.result(1).latency).toBeUndefined();
    expect(textResult(tally.result(1))).toContain("no good answer");
  });

  test("a share is spread evenly", () => {
    const writes = Array.from({ length: 1_000 }, (_, n) => isDue(n, 0.3));
    expect(writes.filter(Boolean)).toHaveLength(300);
    for (let n = 0; n + 10 <= 1_000; n += 10) expect(writes.slice(n, n + 10).filter(Boolean)).toHaveLength(3);
    expect([share("30%"), share("0.3"), share("0")]).toEqual([0.3, 0.3, 0]);
    for (const wrong of ["", "-1", "130%", "much"]) expect(() => share(wrong)).toThrow("share");
  });
});

describe("against a server", () => {
  let server: http.Server;
  let url: string;
  let answer: http.RequestListener;
  const seen: { method: string; id: string; authorization?: string; body: string }[] = [];

  beforeAll(async () => {
    server = http.createServer((request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.once("end", () => {
        seen.push({ method: request.method!, id: String(request.headers["x-request-id"]), authorization: request.headers.authorization, body });
        answer(request, response);
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => void (seen.length = 0));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("sends as many as the rate says, each once with an id of its own, over few connections", async () => {
    let connections = 0;
    server.on("connection", () => connections++);
    answer = (_request, response) => response.end("{}");
    const { done, run } = startLoad({ url, rate: 200, duration: Duration.seconds(1), token: "secret", write: { path: "/orders", body: (id) => ({ id }), share: 0.3 } });
    const result = await done;
    expect(result).toMatchObject({ run, sent: 200, ok: 200, failed: 0, byMethod: { GET: { sent: 140 }, POST: { sent: 60 } } });
    expect(result.seconds).toBeGreaterThan(0.9);
    expect(seen).toHaveLength(200);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(200);
    expect(seen.every(({ authorization }) => authorization === "Bearer secret")).toBe(true);
    expect(seen.filter(({ method }) => method === "POST").every(({ id, body }) => (JSON.parse(body) as { id: string }).id === id)).toBe(true);
    expect(connections).toBeLessThan(50);
  });

  test("goes on sending while nothing is answered", async () => {
    answer = () => undefined;
    const result = await startLoad({ url, rate: 100, duration: Duration.ms(500), timeout: Duration.ms(300) }).done;
    expect(result).toMatchObject({ sent: 50, ok: 0, byKind: { timeout: 50 } });
    expect(result.seconds).toBeLessThan(1);
  });

  test("tells statuses and broken connections apart, and repeats neither", async () => {
    let n = 0;
    answer = (request, response) => (n++ % 2 === 0 ? response.writeHead(503).end("no server") : request.socket.destroy());
    const result = await startLoad({ url, rate: 100, duration: Duration.ms(200), write: { path: "/", body: () => ({}), share: 1 } }).done;
    expect(result.byKind).toEqual({ connection: 10, timeout: 0, status: 10 });
    expect(result.firstFailures.find(({ kind }) => kind === "status")?.detail).toBe("503 no server");
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
  });

  test("a signal ends it, and what is under way is counted", async () => {
    answer = (_request, response) => void setTimeout(() => response.end(), 50);
    const stop = new AbortController();
    const { done, soFar } = startLoad({ url, rate: 100, signal: stop.signal });
    while (soFar().sent < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    const result = await done;
    expect(result.sent).toBe(seen.length);
    expect(result.failed).toBe(0);
  });

  test("an address where nobody listens counts as failed connections", async () => {
    const result = await startLoad({ url: "http://127.0.0.1:1", rate: 50, duration: Duration.ms(100) }).done;
    expect(result).toMatchObject({ sent: 5, byKind: { connection: 5 } });
    expect(result.firstFailures[0].detail).toContain("ECONNREFUSED");
  });
});
