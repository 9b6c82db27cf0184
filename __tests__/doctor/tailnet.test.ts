/** Checks of the tailnet, against a double of Tailscale's API. */
import { hasTailnet, tailnetPolicy, tailnetTags, type TailnetEnvironment } from "../../constructs/tailnet/policy";
import { allChecks } from "../../scripts/doctor/command";
import type { TailscaleCredentials } from "../../scripts/clients/tailscale";
import { candidatePolicy } from "../../scripts/doctor/policy-candidate";
import { productionEnvironment } from "./doubles/environment";
import { runCheck } from "./doubles/run-check";
import { startDouble, type Double } from "./doubles/server";
import { device, SECRETS, tailscale, tailscaleState, type TailscaleState } from "./doubles/services";

const production = productionEnvironment();
const env = { ...production, vault: { ...production.vault, servers: ["127.0.0.1"] } };
if (!hasTailnet(env)) throw new Error("production has a tailnet");
const tailnetEnv: TailnetEnvironment = env;

let state: TailscaleState;
let double: Double;
const OAUTH: TailscaleCredentials = { clientId: "client", clientSecret: SECRETS.oauth };
const check = (id: string, credentials: TailscaleCredentials | undefined = { apiKey: SECRETS.tailscale }) => runCheck(env, `tailnet.${id}`, { tailscale: credentials }, { apis: { tailscale: double.url, vultr: "http://127.0.0.1:1" } });
const ALL = allChecks(env).filter((c) => c.target === "Tailnet").map((c) => c.id.replace("tailnet.", ""));

beforeAll(async () => {
  double = await startDouble((request) => tailscale(state)(request));
});
beforeEach(() => {
  state = tailscaleState();
  double.requests.length = 0;
});
afterAll(() => double.close());

test.each(ALL)("%s passes in a tailnet that is as the environment says", async (id) => {
  expect(await check(id)).toMatchObject({ verdict: "pass" });
});

test("an OAuth client will do for an API key", async () => {
  expect(await check("server-1.device", OAUTH)).toMatchObject({ verdict: "pass" });
  expect(double.requests[0]).toMatchObject({ method: "POST", path: "/api/v2/oauth/token" });
});

const find = (s: TailscaleState, hostname: string): TailscaleState["devices"][number] => s.devices.find((d) => d.hostname === hostname)!;

const DEFECTS: readonly (readonly [string, (s: TailscaleState) => void, string, string, RegExp])[] = [
  ["a node that has not joined", (s) => { s.devices = s.devices.filter((d) => d.hostname !== "server-2"); }, "server-2.device", "fail", /tailscale up/],
  ["a node that has another address", (s) => { find(s, "server-1").addresses = ["100.64.0.77"]; }, "server-1.device", "fail", /nodes\[\]\.tailnetAddress .* to 100\.64\.0\.77/],
  ["a node that has another name", (s) => { find(s, "server-1").name = "other.example-tailnet.ts.net"; }, "server-1.device", "fail", /nodes\[\]\.tailnetName/],
  ["a node that waits for approval", (s) => { find(s, "server-1").authorized = false; }, "server-1.device", "fail", /approve/],
  ["a node whose key ends", (s) => { Object.assign(find(s, "server-1"), { keyExpiryDisabled: false, expires: "2027-05-01T00:00:00Z" }); }, "server-1.key", "fail", /Disable key expiry/],
  ["a Consul server whose key ends", (s) => { find(s, "consul-2").keyExpiryDisabled = false; }, "consul.key", "fail", /Disable key expiry/],
  ["a Consul server without its tag", (s) => { find(s, "consul-3").tags = ["tag:other"]; }, "consul.tag", "fail", /Edit ACL tags/],
  ["a Vault server without any tag", (s) => { delete find(s, "vault-1").tags; }, "vault.tag", "fail", /Edit ACL tags/],
  ["a Consul server that has not joined", (s) => { s.devices = s.devices.filter((d) => d.hostname !== "consul-1"); }, "consul.device", "fail", /tailscale up/],
  ["a Consul server that has not joined", (s) => { s.devices = s.devices.filter((d) => d.hostname !== "consul-1"); }, "consul.key", "fail", /tailnet\.consul\.device/],
  ["the legacy host's key ends", (s) => { find(s, "legacy").keyExpiryDisabled = false; }, "legacy.key", "fail", /Disable key expiry/],
  ["two devices with the witness's name", (s) => { s.devices.push(device("witness", "100.64.0.13"), device("witness", "100.64.0.14")); }, "witness", "fail", /remove/],
  ["a device with the witness's name that is not ours", (s) => { s.devices.push({ ...device("witness", "100.64.0.13"), keyExpiryDisabled: false }); }, "witness", "fail", /remove/],
  ["a policy that Tailscale refuses", (s) => { s.fault = { message: "test(s) failed", data: [{ user: "tag:gvfx-stranger", errors: ["address \"tag:gvfx-db:5432\": want: Drop, got: Accept"] }] }; }, "policy", "fail", /narrow rules/],
  ["a policy that allows all by saying nothing", (s) => { s.policy = {}; }, "policy", "fail", /"grants": \[\]/],
  ["split DNS of somebody else", (s) => { s.splitDns = { consul: ["100.64.0.21"] }; }, "split-dns", "fail", /consul\.domain/],
  ["a scope that is missing", (s) => { s.denied = ["devices"]; }, "server-1.device", "inconclusive", /devices:core:read/],
  ["a scope that is missing", (s) => { s.denied = ["acl"]; }, "policy", "inconclusive", /policy_file:read/],
  ["a scope that is missing", (s) => { s.denied = ["dns"]; }, "split-dns", "inconclusive", /dns:read/],
];

test.each(DEFECTS)("%s (%#)", async (_defect, plant, id, verdict, mend) => {
  plant(state);
  expect(await check(id)).toMatchObject({ verdict, mend: expect.stringMatching(mend) });
});

test.each<[string, (s: TailscaleState) => void, string]>([
  ["a witness that has joined", (s) => { s.devices.push(device("witness", "100.64.0.13")); }, "witness"],
  ["split DNS that foundation has set", (s) => { s.splitDns = { consul: ["100.64.0.11", "100.64.0.12"] }; }, "split-dns"],
  ["split DNS of another domain", (s) => { s.splitDns = { "corp.example.com": ["192.0.2.1"] }; }, "split-dns"],
])("%s passes", async (_what, change, id) => {
  change(state);
  expect(await check(id)).toMatchObject({ verdict: "pass" });
});

test("credentials that are not known decide nothing, and their words are not repeated", async () => {
  const outcome = await check("server-1.device", { clientId: "client", clientSecret: "tskey-client-wrong" });
  expect(outcome).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("TAILSCALE_API_KEY=") });
  expect(JSON.stringify(outcome)).not.toContain("tskey-client-wrong");
});

test("without credentials nothing is asked", async () => {
  for (const id of ALL) expect(await runCheck(env, `tailnet.${id}`, {}, { apis: { tailscale: double.url, vultr: double.url } })).toMatchObject({ verdict: "inconclusive" });
  expect(double.requests).toEqual([]);
});

test("what Tailscale finds wrong is shown, each failed test of the policy with who it speaks for", async () => {
  state.fault = { message: "test(s) failed", data: [{ user: "tag:gvfx-stranger", errors: ["want: Drop, got: Accept"] }] };
  expect(await check("policy")).toMatchObject({ detail: "Tailscale refuses it: test(s) failed; tag:gvfx-stranger: want: Drop, got: Accept" });
});

test("nothing is posted but a policy to validate", async () => {
  for (const id of ALL) await check(id, OAUTH);
  const posts = double.requests.filter(({ method }) => method !== "GET").map(({ path }) => path);
  expect([...new Set(posts)].sort()).toEqual(["/api/v2/oauth/token", "/api/v2/tailnet/example.com/acl/validate"]);
});

test("an environment without a tailnet has none of these checks", () => {
  const lab = { ...env, tailnet: { enabled: false as const, reason: "a container network" } };
  expect(allChecks(lab).filter((c) => c.target === "Tailnet" || c.id.endsWith("key-expiry"))).toEqual([]);
});

describe("the policy that is validated", () => {
  const tags = tailnetTags(tailnetEnv);
  const theirs = { src: ["group:family"], dst: ["tag:media"], ip: ["tcp:443"] };
  const stale = { src: ["group:old"], dst: [tags.app], ip: ["*"] };
  const live = {
    Groups: { "group:family": ["a@example.com"] },
    TagOwners: { "tag:media": ["autogroup:admin"], [tags.app]: ["group:old"] },
    grants: [theirs, stale],
    acls: [{ action: "accept", src: ["autogroup:member"], dst: ["tag:media:*"] }],
    tests: [{ src: "group:family", accept: ["tag:media:443"] }, { src: tags.app, accept: ["tag:media:443"] }, { src: "group:family", accept: [`${tags.app}:22`] }],
    ssh: [{ action: "check" }],
  };
  const candidate = candidatePolicy(tailnetEnv, live);
  const ours = tailnetPolicy(tailnetEnv);

  test("keeps what is not the platform's, whatever the case of its section", () => {
    expect(candidate).toMatchObject({ acls: live.acls, ssh: live.ssh, groups: { "group:family": ["a@example.com"] }, tagOwners: { "tag:media": ["autogroup:admin"] } });
    expect(candidate.grants).toContainEqual(theirs);
    expect(candidate.tests).toContainEqual(live.tests[0]);
    expect(Object.keys(candidate).sort()).toEqual(["acls", "grants", "groups", "ssh", "tagOwners", "tests"]);
  });

  test("has every rule of the platform, in place of former ones of its own", () => {
    const grants = candidate.grants as unknown[];
    expect(grants).toHaveLength(1 + ours.grants.length);
    expect(grants).not.toContainEqual(stale);
    expect(JSON.stringify(grants)).not.toContain("purpose");
    expect(candidate.tests).toEqual([live.tests[0], ...ours.tests]);
    expect(candidate.tagOwners).toMatchObject(ours.tagOwners);
    expect(candidate.groups).toMatchObject(ours.groups);
  });

  test("is what Tailscale is asked about", async () => {
    state.policy = live;
    await check("policy");
    const posted = double.requests.find(({ path }) => path.endsWith("acl/validate"));
    expect(JSON.parse(posted?.body ?? "")).toEqual(JSON.parse(JSON.stringify(candidate)));
  });
});
