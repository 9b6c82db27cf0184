/** /healthz, /state and /metrics over real HTTP. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { keepingLog, program, settingsWith, type LeaseSettings, type Loop } from "./program";

const open: Server[] = [];
afterEach(() => open.splice(0).forEach((server) => {
  server.closeAllConnections();
  server.close();
}));

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** The lease held since 4 s, last renewed 1.5 s ago; or standing by. */
async function served({ active, changes = {} }: { active: boolean; changes?: Partial<LeaseSettings> }) {
  const { log, lines } = keepingLog();
  const settings = settingsWith({ address: "127.0.0.1", ...changes });
  const state = active
    ? { phase: "active", since: 6_000, session: "s1", renewedAt: 8_500, running: true, reason: null }
    : { phase: "standby", since: 0, session: null, renewedAt: -Infinity, running: false, reason: 'the owner is "x"' };
  const loop = { settings, state, now: () => 10_000, child: active ? { pid: 42 } : undefined, counts: { renewed: 5, "renew-failed": 2, "renew-lost": 1, acquired: 3, start: 4, kill: 6 }, health: () => ({ ok: active, detail: "d" }) };
  const server = await program.serve(settings, loop as unknown as Loop, new program.Trouble(log, () => 0));
  open.push(server);
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${portOf(server)}${path}`);
    return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
  };
  return { get, lines, server };
}

/** The worker's own metrics. */
async function child(answer: (respond: (status: number, text: string) => void) => void): Promise<string> {
  const server = createServer((_, res) => answer((status, text) => res.writeHead(status).end(text)));
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${portOf(server)}/metrics`;
}

test("/healthz says what the loop says", async () => {
  expect(await (await served({ active: true })).get("/healthz")).toEqual({ status: 200, type: "application/json", text: '{"status":"ok","detail":"d"}\n' });
  expect(await (await served({ active: false })).get("/healthz")).toMatchObject({ status: 503, text: '{"status":"ill","detail":"d"}\n' });
});

test("/state tells everything about the lease", async () => {
  const { get } = await served({ active: true });
  const state = JSON.parse((await get("/state")).text) as Record<string, unknown>;
  expect(state).toEqual({ phase: "active", since: expect.any(String), reason: null, session: "s1", remainingMs: 7_500, owner: "nomad", node: "server-1", childPid: 42, fence: "none", version: "source" });
  expect(Date.now() - Date.parse(String(state.since)) - 4_000).toBeLessThan(1_000);
  expect(JSON.parse((await (await served({ active: false })).get("/state")).text)).toMatchObject({ phase: "standby", session: null, remainingMs: null, childPid: null, reason: 'the owner is "x"' });
});

test("any other path is not found, and says what there is", async () => {
  expect(await (await served({ active: true })).get("/")).toMatchObject({ status: 404, text: "not found; there are /healthz, /state, /metrics\n" });
  expect(await (await served({ active: true })).get("/constructor")).toMatchObject({ status: 404 });
});

test("/metrics of a lease that is held, with the worker's own below", async () => {
  const url = await child((respond) => respond(200, "# TYPE worker_orders_total counter\nworker_orders_total 9\n"));
  const { get } = await served({ active: true, changes: { childMetricsUrl: url } });
  const { type, text } = await get("/metrics");
  expect(type).toBe("text/plain; version=0.0.4");
  const samples = Object.fromEntries(text.trimEnd().split("\n").filter((line) => !line.startsWith("#")).map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
  const phases = Object.fromEntries(["standby", "acquiring", "active", "draining", "killing", "releasing", "destroying", "done"].map((phase) => [`gvfx_worker_lease_phase{phase="${phase}"}`, Number(phase === "active")]));
  expect(samples).toEqual({
    'gvfx_worker_lease_info{owner="nomad",node="server-1",version="source"}': 1,
    ...phases,
    gvfx_worker_lease_child_running: 1,
    gvfx_worker_lease_fence_armed: 0,
    gvfx_worker_lease_remaining_seconds: 7.5,
    gvfx_worker_lease_since_renewal_seconds: 1.5,
    'gvfx_worker_lease_renewals_total{result="renewed"}': 5,
    'gvfx_worker_lease_renewals_total{result="failed"}': 2,
    'gvfx_worker_lease_renewals_total{result="lost"}': 1,
    gvfx_worker_lease_acquisitions_total: 3,
    gvfx_worker_lease_child_starts_total: 4,
    gvfx_worker_lease_kills_total: 6,
    gvfx_worker_lease_child_metrics_up: 1,
    worker_orders_total: 9,
  });
  // Every family of ours is introduced, and named once.
  expect(text.match(/^# TYPE gvfx_worker_lease_\w+/gm)).toHaveLength(11);
});

test("in standby there is no time left to tell, and no worker is asked", async () => {
  let asked = 0;
  const url = await child((respond) => {
    asked += 1;
    respond(200, "");
  });
  const { text } = await (await served({ active: false, changes: { childMetricsUrl: url } })).get("/metrics");
  expect(text).not.toMatch(/remaining_seconds|since_renewal_seconds|child_metrics_up/);
  expect(text).toContain("gvfx_worker_lease_child_running 0\n");
  expect(asked).toBe(0);
});

test.each<[string, () => Promise<string>, RegExp]>([
  ["is not there", () => Promise.resolve("http://127.0.0.1:1/metrics"), /ECONNREFUSED/],
  ["answers 500", () => child((respond) => respond(500, "no")), /it answered 500/],
  ["never answers", () => child(() => undefined), /no answer within 1000 ms/],
])("a worker whose metrics page %s costs a second at most, and a metric says so", async (_, url, why) => {
  const { get, lines } = await served({ active: true, changes: { childMetricsUrl: await url() } });
  const start = performance.now();
  const { status, text } = await get("/metrics");
  expect(performance.now() - start).toBeLessThan(1_500);
  expect(status).toBe(200);
  expect(text).toContain("gvfx_worker_lease_child_metrics_up 0\n");
  expect(text).toContain('gvfx_worker_lease_phase{phase="active"} 1\n');
  expect(lines).toEqual([expect.objectContaining({ event: "child-metrics-fail", fields: expect.objectContaining({ why: expect.stringMatching(why) }) })]);
});

test("a port that is taken is an error", async () => {
  const { server } = await served({ active: true });
  await expect(served({ active: true, changes: { port: portOf(server) } })).rejects.toMatchObject({ code: "EADDRINUSE" });
});
