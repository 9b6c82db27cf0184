/** Checks of Consul, against a double that answers as Consul 1.21 does. */
import { serversOutcome, versionsOutcome } from "../../scripts/doctor/checks/consul";
import type { ConsulServer } from "../../scripts/clients/consul";
import { makeCertificates } from "./doubles/certificates";
import { doubledEnvironment, productionEnvironment } from "./doubles/environment";
import { runCheck } from "./doubles/run-check";
import { startDouble, type Double } from "./doubles/server";
import { consul, consulState, SECRETS, type ConsulState } from "./doubles/services";

let state: ConsulState;
let double: Double;
const check = (id: string, consulToken: string | undefined = SECRETS.consul) => runCheck(doubledEnvironment({ consul: double.url }), `consul.${id}`, { consulToken });

beforeAll(async () => {
  double = await startDouble((request) => consul(state)(request));
});
beforeEach(() => {
  state = consulState();
  double.requests.length = 0;
});
afterAll(() => double.close());

const ALL = ["answers", "datacenter", "clock", "acls", "default-deny", "token", "servers", "versions"];

test.each(ALL)("%s passes against a Consul that is as the environment says", async (id) => {
  expect(await check(id)).toMatchObject({ verdict: "pass" });
});

const DEFECTS: readonly (readonly [string, (s: ConsulState) => void, string, string, RegExp])[] = [
  ["no leader", (s) => { s.leader = ""; }, "answers", "fail", /list-peers/],
  ["another datacenter", (s) => { s.datacenters = ["dc2"]; }, "datacenter", "fail", /consul\.datacenter/],
  ["a clock 32 s ahead", (s) => { s.clockSeconds = 32; }, "clock", "fail", /set-ntp/],
  ["a clock 32 s behind", (s) => { s.clockSeconds = -32; }, "clock", "fail", /set-ntp/],
  ["ACLs off", (s) => { s.acls = false; }, "acls", "fail", /default_policy = "deny"/],
  ["ACLs off", (s) => { s.acls = false; }, "default-deny", "fail", /consul\.acls/],
  ["ACLs off", (s) => { s.acls = false; }, "token", "inconclusive", /consul\.acls/],
  ["default allow", (s) => { s.defaultDeny = false; }, "default-deny", "fail", /anonymous token/],
  ["an unknown token", (s) => { s.tokenKnown = false; }, "token", "fail", /export CONSUL_HTTP_TOKEN/],
  ["a token without acl:write", (s) => { s.mayWriteAcls = false; }, "token", "fail", /acl = "write"/],
  ["a token that ends in 59 min", (s) => { s.tokenExpires = new Date(Date.now() + 59 * 60_000).toISOString(); }, "token", "fail", /export CONSUL_HTTP_TOKEN/],
  ["a token without operator:read", (s) => { s.mayReadServers = false; }, "servers", "inconclusive", /operator = "read"/],
  ["a token without operator:read", (s) => { s.mayReadServers = false; }, "versions", "inconclusive", /operator = "read"/],
  ["a server that is not healthy", (s) => { s.servers[1].Healthy = false; }, "servers", "fail", /journalctl -u consul/],
  ["a server that is missing", (s) => { s.servers.pop(); }, "servers", "fail", /consul\.servers/],
  ["older servers", (s) => { s.servers[0].Version = "1.20.9"; }, "versions", "fail", /Upgrade consul-1/],
];

test.each(DEFECTS)("%s (%#)", async (_defect, plant, id, verdict, mend) => {
  plant(state);
  expect(await check(id)).toMatchObject({ verdict, mend: expect.stringMatching(mend) });
});

test.each([[28, "pass"], [-28, "pass"]])("a clock %d s away passes: Consul's headers count whole seconds, and the line is at 30", async (seconds, verdict) => {
  state.clockSeconds = seconds;
  expect(await check("clock")).toMatchObject({ verdict });
});

test("a token that ends in 61 min outlives a deploy", async () => {
  state.tokenExpires = new Date(Date.now() + 61 * 60_000).toISOString();
  expect(await check("token")).toMatchObject({ verdict: "pass" });
});

test("without a token nothing is asked that needs one, and nothing of it passes", async () => {
  for (const id of ["token", "servers", "versions"]) {
    expect(await runCheck(doubledEnvironment({ consul: double.url }), `consul.${id}`)).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("export CONSUL_HTTP_TOKEN=") });
  }
  expect(double.requests).toEqual([]);
});

test("whether ACLs guard is asked without the token, and no key is written", async () => {
  await check("acls");
  await check("default-deny");
  expect(double.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(["GET /v1/acl/token/self", "GET /v1/kv/gvfx/worker-lease"]));
  expect(double.requests.every(({ method, headers }) => method === "GET" && headers["x-consul-token"] === undefined)).toBe(true);
});

const server = (address: string, version: string, healthy = true): ConsulServer => ({ name: address, address, version, healthy });

test.each([
  ["1.21.0", "1.21.4", "pass"],
  ["1.20.9", "1.21.4", "fail"],
  ["1.23.0", "1.21.4", "pass"],
  ["1.24.0", "1.21.4", "fail"],
  ["2.0.0", "1.21.4", "fail"],
])("servers %s and agents %s: %s", (version, agents, verdict) => {
  expect(versionsOutcome(agents, [server("100.64.0.21", version)])).toMatchObject({ verdict });
});

test("a server that the environment does not list is none of its business", () => {
  const env = productionEnvironment();
  const listed = env.consul.servers.map((address) => server(address, "1.21.4"));
  expect(serversOutcome(env, [...listed, server("100.64.0.29", "1.21.4")])).toMatchObject({ verdict: "pass" });
  expect(versionsOutcome("1.21.4", [])).toMatchObject({ verdict: "inconclusive" });
});

describe("TLS", () => {
  const certificates = makeCertificates();
  let secure: Double;
  beforeAll(async () => { secure = await startDouble((request) => consul(state)(request), certificates); });
  afterAll(() => secure.close());
  const asked = (address: string, consulCa?: string) => runCheck(doubledEnvironment({ consul: address }), "consul.answers", { consulCa });

  test("by the authority that CONSUL_CACERT names", async () => {
    expect(await asked(secure.url, certificates.ca)).toMatchObject({ verdict: "pass" });
  });

  test("an authority that this machine does not know decides nothing; another one than the named fails", async () => {
    expect(await asked(secure.url)).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("export CONSUL_CACERT=") });
    expect(await asked(secure.url, makeCertificates().ca)).toMatchObject({ verdict: "fail", mend: expect.stringContaining("CONSUL_CACERT") });
  });

  test("a certificate for another name fails", async () => {
    expect(await asked(secure.url.replace("127.0.0.1", "localhost"), certificates.ca)).toMatchObject({ verdict: "fail", mend: expect.stringContaining("valid for localhost") });
  });

  test("https where plain HTTP is spoken fails", async () => {
    expect(await asked(double.url.replace("http:", "https:"), certificates.ca)).toMatchObject({ verdict: "fail", mend: expect.stringContaining("Correct the scheme") });
  });
});

test("nobody there: the first check fails, the others were not looked at", async () => {
  const gone = await startDouble(() => ({}));
  await gone.close();
  const env = doubledEnvironment({ consul: gone.url });
  expect(await runCheck(env, "consul.answers")).toMatchObject({ verdict: "fail", detail: expect.stringContaining("ECONNREFUSED") });
  expect(await runCheck(env, "consul.acls")).toMatchObject({ verdict: "inconclusive", mend: "Mend consul.answers first" });
});

test("something else there decides nothing", async () => {
  const other = await startDouble(() => ({ body: "<html>It works!</html>" }));
  expect(await runCheck(doubledEnvironment({ consul: other.url }), "consul.answers")).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("may be no Consul") });
  await other.close();
});
