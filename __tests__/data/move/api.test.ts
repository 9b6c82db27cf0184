/** The legacy API and Consul as a move asks them, against servers that answer as the real ones do. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { kvPaths } from "../../../contracts/kv";
import { announcer } from "../../../scripts/data/move/world/announce";
import { legacyApi } from "../../../scripts/data/move/world/api";
import { consulKeys } from "../../../scripts/data/move/world/keys";
import { TradingImpossible } from "../../../scripts/data/move/world";

interface Heard {
  readonly request: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  servers = [];
});

/** @param answers by "METHOD path"; a number is a status with an error of the app's */
async function serve(answers: Readonly<Record<string, unknown>>): Promise<{ readonly address: string; readonly heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const key = `${request.method} ${request.url}`;
      heard.push({ request: key, headers: request.headers, body });
      const answer = answers[key] ?? 404;
      response.statusCode = typeof answer === "number" ? answer : 200;
      response.end(typeof answer === "number" ? "Internal Server Error" : JSON.stringify(answer));
    });
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((done) => server.once("listening", done));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

const api = (address: string, token?: string) => legacyApi(address, async () => token);

test("the switch is read from the stored configuration, and the app's fallback is no answer", async () => {
  const { address } = await serve({ "GET /agent/config": { id: "c1", kill_switch: true, kill_switch_reason: "drawdown" } });
  expect(await api(address).killSwitch()).toEqual({ enabled: true, reason: "drawdown" });
  const failing = await serve({ "GET /agent/config": { id: "local-fallback", kill_switch: false, kill_switch_reason: null } });
  await expect(api(failing.address).killSwitch()).rejects.toThrow(TradingImpossible);
  const broken = await serve({ "GET /agents": 500 });
  await expect(api(broken.address).agents()).rejects.toThrow(TradingImpossible);
});

test("a switch that did not take is an error, and so is an answer of another kind", async () => {
  const { address, heard } = await serve({ "POST /agents/gold-rl-agent/kill-switch": { enabled: true, reason: "x" } });
  await api(address, "tok").setKillSwitch("gold-rl-agent", { enabled: true, reason: "x" });
  expect(heard[0].headers).toMatchObject({ authorization: "Bearer tok", "x-ops-role": "operator" });
  expect(JSON.parse(heard[0].body)).toEqual({ enabled: true, reason: "x" });
  await expect(api(address).setKillSwitch("gold-rl-agent", { enabled: false, reason: null })).rejects.toThrow("was set off, and the API answers that it is on");
  const odd = await serve({ "POST /agents/a/kill-switch": { ok: true } });
  await expect(api(odd.address).setKillSwitch("a", { enabled: true, reason: null })).rejects.toThrow("in a form that is not known");
  const refused = await serve({ "POST /agents/a/kill-switch": 401 });
  await expect(api(refused.address, "wrong").setKillSwitch("a", { enabled: true, reason: null })).rejects.toThrow(/refuses the API_TOKEN/);
});

test("a failed reconciliation is an error, where a list of trades would be empty", async () => {
  const { address } = await serve({ "POST /ops/trading/reconcile": 500, "GET /trades?status=placed&page_size=100": { data: [], total: 0 }, "GET /trades?status=partial&page_size=100": { data: [{ id: "t", instrument: "X", side: "long", status: "partial", mode: "live", more: 1 }], total: 1 } });
  await expect(api(address).reconcile()).rejects.toThrow("/ops/trading/reconcile answered with status 500");
  expect(await api(address).openTrades()).toEqual([{ id: "t", instrument: "X", side: "long", status: "partial", mode: "live" }]);
  const fine = await serve({ "POST /ops/trading/reconcile": { checked: 2, updated: 2, errors: 0, reconciled_at: "…" } });
  expect(await api(fine.address).reconcile()).toEqual({ checked: 2, errors: 0 });
});

test("an API that is gone is not healthy, nor is one that says so", async () => {
  const ill = await serve({ "GET /health": 503 });
  await expect(api(ill.address).healthy()).rejects.toThrow("status 503");
  await expect(api("http://127.0.0.1:9").healthy()).rejects.toThrow(/127\.0\.0\.1:9/);
});

describe("Consul", () => {
  const value = (text: string): unknown => [{ Value: Buffer.from(text).toString("base64"), ModifyIndex: 7 }];
  const keys = (...addresses: string[]) => consulKeys(addresses, "tok", kvPaths("gvfx"));

  test("owners and evidence are read, a key that is not there is undefined, and a server without a leader is passed over", async () => {
    const lost = await serve({ "GET /v1/kv/gvfx/worker-owner?consistent": 500, "GET /v1/kv/gvfx/traffic?consistent": 500 });
    const well = await serve({ "GET /v1/kv/gvfx/worker-owner?consistent": value("legacy\n"), "GET /v1/kv/gvfx/evidence/data-move?consistent": value("pass") });
    expect(await keys(lost.address, well.address).owners()).toEqual({ worker: "legacy", traffic: undefined });
    expect(await keys(well.address).evidence()).toEqual({ verdict: "pass", record: undefined });
    expect(well.heard[0].headers["x-consul-token"]).toBe("tok");
  });

  test("verdict and record are written in one transaction, or taken away in one", async () => {
    const { address, heard } = await serve({ "PUT /v1/txn": {} });
    await keys(address).setEvidence({ verdict: "pass", record: '{"move":"m"}' });
    await keys(address).setEvidence({ verdict: undefined, record: undefined });
    expect(heard.map(({ body }) => (JSON.parse(body) as { KV: object }[]).map(({ KV }) => KV))).toEqual([
      [{ Verb: "set", Key: "gvfx/evidence/data-move", Value: Buffer.from("pass").toString("base64") }, { Verb: "set", Key: "gvfx/evidence/data-move.record", Value: Buffer.from('{"move":"m"}').toString("base64") }],
      [{ Verb: "delete", Key: "gvfx/evidence/data-move" }, { Verb: "delete", Key: "gvfx/evidence/data-move.record" }],
    ]);
  });

  test("the lock is taken by check and set, is its own holder's again, and is given back by nobody else", async () => {
    const lock = "gvfx/evidence/data-move.lock";
    const free = await serve({ [`PUT /v1/kv/${lock}?cas=0`]: true });
    expect(await keys(free.address).hold("m1")).toBeUndefined();
    const [{ body: holder }] = free.heard;
    expect(holder).toBe(`m1 on ${hostname()}`);
    const mine = await serve({ [`PUT /v1/kv/${lock}?cas=0`]: false, [`GET /v1/kv/${lock}?consistent`]: value(holder), [`DELETE /v1/kv/${lock}?cas=7`]: true });
    expect(await keys(mine.address).hold("m1")).toBeUndefined();
    await keys(mine.address).release("m1");
    expect(mine.heard.at(-1)!.request).toBe(`DELETE /v1/kv/${lock}?cas=7`);
    expect(await keys(mine.address).hold("m2")).toEqual({ holder, key: lock });
    await keys(mine.address).release("m2");
    expect(mine.heard.filter(({ request }) => request.startsWith("DELETE"))).toHaveLength(1);
  });

  test("a token that may not is told which one may", async () => {
    const { address } = await serve({ "PUT /v1/txn": 403, "GET /v1/kv/gvfx/worker-owner?consistent": 403, "GET /v1/kv/gvfx/traffic?consistent": 403 });
    await expect(keys(address).setEvidence({ verdict: "pass", record: "{}" })).rejects.toThrow(/may not write Consul's keys below gvfx\/evidence; use the cutover operator's/);
    await expect(keys(address).owners()).rejects.toThrow(/may not read Consul's key gvfx\/(worker-owner|traffic)/);
  });
});

test("an announcement has the form of an alert; whoever cannot be told is a sentence, never a failure", async () => {
  const { address, heard } = await serve({ "POST /alerts": {} });
  const say = (destination: string, token?: string) => announcer({ destination, environment: "lab", token: async () => token, now: () => new Date(0) })("it begins");
  expect(await say(`${address}/alerts`, "secret")).toBeUndefined();
  expect(JSON.parse(heard[0].body)).toEqual({ source: "gvfx-data-move", environment: "lab", at: "1970-01-01T00:00:00.000Z", kind: "data-move", severity: "info", summary: "it begins" });
  expect(await say(`${address}/alerts`)).toBe("ALERT_TOKEN is not set");
  expect(await say(`${address}/other`, "secret")).toBe("the alert destination answered 404");
  expect(await say("http://127.0.0.1:9/", "secret")).toMatch(/127\.0\.0\.1:9/);
});
