/** Checks of Vault, against a double that answers as Vault and OpenBao do. */
import { loginOutcome, mountOutcome, sealOutcome, versionOutcome } from "../../scripts/doctor/checks/vault";
import { makeCertificates } from "./doubles/certificates";
import { doubledEnvironment } from "./doubles/environment";
import { runCheck } from "./doubles/run-check";
import { startDouble, type Double } from "./doubles/server";
import { SECRETS, vault, vaultState, type VaultState } from "./doubles/services";

let state: VaultState;
let double: Double;
const check = (id: string) => runCheck(doubledEnvironment({ vault: double.url }), `vault.${id}`, { vaultToken: SECRETS.vault });

beforeAll(async () => {
  double = await startDouble((request) => vault(state)(request));
});
beforeEach(() => {
  state = vaultState();
  double.requests.length = 0;
});
afterAll(() => double.close());

const ALL = ["answers", "127.0.0.1.unsealed", "127.0.0.1.version", "127.0.0.1.clock", "token", "mount", "login"];

test.each(ALL)("%s passes against a Vault that is as the environment says", async (id) => {
  expect(await check(id)).toMatchObject({ verdict: "pass" });
});

const DEFECTS: readonly (readonly [string, (s: VaultState) => void, string, string, RegExp])[] = [
  ["sealed", (s) => { s.sealed = true; }, "127.0.0.1.unsealed", "fail", /vault operator unseal/],
  ["sealed", (s) => { s.sealed = true; }, "mount", "inconclusive", /Mend vault\.127\.0\.0\.1\.unsealed first/],
  ["not initialized", (s) => { s.initialized = false; }, "127.0.0.1.unsealed", "fail", /vault operator init/],
  ["too old", (s) => { s.version = "1.10.11"; }, "127.0.0.1.version", "fail", /Upgrade Vault/],
  ["a clock 32 s ahead", (s) => { s.clockSeconds = 32; }, "127.0.0.1.clock", "fail", /set-ntp/],
  ["a clock 32 s behind", (s) => { s.clockSeconds = -32; }, "127.0.0.1.clock", "fail", /set-ntp/],
  ["an unknown token", (s) => { s.tokenKnown = false; }, "token", "fail", /export VAULT_TOKEN/],
  ["a token that ends in 3,599 s", (s) => { s.expires = "2027-01-01T00:00:00Z"; s.ttl = 3_599; }, "token", "fail", /vault token renew/],
  ["a token that may only read", (s) => { s.capabilities = ["read", "list"]; }, "token", "fail", /sys\/auth/],
  ["a token without sudo", (s) => { s.capabilities = ["create", "update"]; }, "token", "fail", /sudo for sys\/auth/],
  ["a token that may not list", (s) => { s.tokenKnown = false; }, "mount", "inconclusive", /export VAULT_TOKEN/],
  ["a mount of another type", (s) => { s.mounts["gvfx/"] = { type: "transit", options: null }; }, "mount", "fail", /vault\.kvMount/],
  ["a mount of KV version 1", (s) => { s.mounts["gvfx/"] = { type: "kv", options: { version: "1" } }; }, "mount", "fail", /enable-versioning gvfx/],
  ["a login of another type", (s) => { s.logins["jwt-nomad/"] = { type: "oidc", options: null }; }, "login", "fail", /vault\.authPath/],
];

test.each(DEFECTS)("%s (%#)", async (_defect, plant, id, verdict, mend) => {
  plant(state);
  expect(await check(id)).toMatchObject({ verdict, mend: expect.stringMatching(mend) });
});

test.each<[string, (s: VaultState) => void, string]>([
  ["a token that ends in 3,600 s", (s) => { s.expires = "2027-01-01T00:00:00Z"; s.ttl = 3_600; }, "token"],
  ["a token with all it needs", (s) => { s.capabilities = ["create", "update", "sudo"]; }, "token"],
  ["foundation's own mount", (s) => { s.mounts["gvfx/"] = { type: "kv", options: { version: "2" } }; }, "mount"],
  ["foundation's own login", (s) => { s.logins["jwt-nomad/"] = { type: "jwt", options: null }; }, "login"],
  ["a clock 28 s ahead", (s) => { s.clockSeconds = 28; }, "127.0.0.1.clock"],
])("%s passes", async (_what, change, id) => {
  change(state);
  expect(await check(id)).toMatchObject({ verdict: "pass" });
});

test.each([["1.11.0", "pass"], ["1.10.99", "fail"], ["2.7.2", "pass"]])("version %s: %s", (version, verdict) => {
  expect(versionOutcome("100.64.0.21", { initialized: true, sealed: false, standby: false, version, clock: undefined })).toMatchObject({ verdict });
});

test("a standby is a server that works", () => {
  expect(sealOutcome("https://100.64.0.21:8200", { initialized: true, sealed: false, standby: true, version: "1.18.3", clock: undefined })).toEqual({ verdict: "pass", detail: "unsealed, standby" });
});

test("what may not be listed is not free", () => {
  expect(mountOutcome("gvfx", undefined).verdict).toBe("inconclusive");
  expect(loginOutcome("jwt-nomad", undefined).verdict).toBe("inconclusive");
});

test("a server's health is asked without the token", async () => {
  await check("127.0.0.1.unsealed");
  expect(double.requests.map(({ path, headers }) => [path, headers["x-vault-token"]])).toEqual([["/v1/sys/health", undefined]]);
});

test("each server is asked at its own address, by the name that its certificate carries", async () => {
  const certificates = makeCertificates();
  const secure = await startDouble((request) => vault(state)(request), certificates);
  const env = doubledEnvironment({ vault: secure.url.replace("127.0.0.1", "consul.test") });
  expect(await runCheck(env, "vault.127.0.0.1.unsealed", { vaultCa: certificates.ca })).toMatchObject({ verdict: "pass" });
  expect(await runCheck(doubledEnvironment({ vault: secure.url.replace("127.0.0.1", "other.test") }), "vault.127.0.0.1.unsealed", { vaultCa: certificates.ca })).toMatchObject({ verdict: "fail" });
  await secure.close();
});

test("nobody there: each server's first check fails, the others were not looked at", async () => {
  const gone = await startDouble(() => ({}));
  await gone.close();
  const env = doubledEnvironment({ vault: gone.url });
  expect(await runCheck(env, "vault.answers")).toMatchObject({ verdict: "fail" });
  expect(await runCheck(env, "vault.127.0.0.1.unsealed")).toMatchObject({ verdict: "fail" });
  expect(await runCheck(env, "vault.127.0.0.1.clock")).toMatchObject({ verdict: "inconclusive", mend: "Mend vault.127.0.0.1.unsealed first" });
});
