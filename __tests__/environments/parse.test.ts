import fc from "../properties";
import { loadEnvironment } from "../../environments/load";
import { EnvironmentError, parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { staging } from "../../environments/staging";
import { edited } from "./edit";

function findings(edits: Readonly<Record<string, unknown>>): string[] {
  try {
    parseEnvironment("planted", edited(production, edits));
    return [];
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return error.findings.map((f) => `${f.path}: ${f.message}`);
  }
}

test("the worked examples are valid", () => {
  expect(loadEnvironment().name).toBe("production");
  expect(loadEnvironment("staging").name).toBe("staging");
});

test("an unknown name says which there are", () => {
  expect(() => loadEnvironment("prod")).toThrow(/"prod" is no environment; there are production, staging/);
  expect(() => loadEnvironment("constructor")).toThrow(/is no environment/);
});

test("staging shares the tailnet and nothing that has a name on it", () => {
  const [p, s] = [loadEnvironment("production"), loadEnvironment("staging")];
  expect(s.tailnet.enabled && p.tailnet.enabled && s.tailnet.name).toBe(p.tailnet.enabled && p.tailnet.name);
  expect(s.tailnet.enabled && s.tailnet.tagPrefix).not.toBe(p.tailnet.enabled && p.tailnet.tagPrefix);
  expect(s.nomad.namespace).not.toBe(p.nomad.namespace);
  expect(s.consul.domain).not.toBe(p.consul.domain);
  expect(s.vault.kvMount).not.toBe(p.vault.kvMount);
  expect(s.vault.authPath).not.toBe(p.vault.authPath);
  expect(staging.backend).not.toEqual(production.backend);
  const addresses = [...p.nodes, ...s.nodes].map((n) => n.tailnetAddress);
  expect(new Set(addresses).size).toBe(addresses.length);
});

/** Each planted error, and where it must be found. */
const PLANTED: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ["an address outside the tailnet", { "nodes.0.tailnetAddress": "192.168.1.10" }, /^nodes\[0\]\.tailnetAddress: must be a tailnet address/],
  ["a third app node", { nodes: [...production.nodes, production.nodes[0]] }, /^nodes: must be two app nodes/],
  ["two nodes of one name", { "nodes.1.name": "server-1" }, /^nodes\[1\]\.name: "server-1" is the name of another node too/],
  ["two nodes of one address", { "nodes.1.tailnetAddress": "100.64.0.11" }, /^nodes\[1\]\.tailnetAddress: 100\.64\.0\.11 belongs to another node too/],
  ["a misspelt field", { "nomad.adress": "x" }, /^nomad\.adress: is not a field .*fields here: address/],
  ["a missing section", { vault: undefined }, /^vault: is missing/],
  ["a duration without unit", { "nomad.heartbeatGrace": "5" }, /^nomad\.heartbeatGrace: "5" is not a duration/],
  ["a decimal size", { "resources.api.memory": "1GB" }, /^resources\.api\.memory: "1GB" is not a size/],
  ["a port out of range", { "ports.api": 70_000 }, /^ports\.api: /],
  ["a port used twice", { "ports.api": 3000 }, /^ports\.api: 3000 is the port of frontend too/],
  ["a port of Nomad", { "ports.postgres": 4646 }, /^ports\.postgres: 4646 is the port of nomadHttp too/],
  ["Consul without ACLs", { "consul.aclsEnabled": false }, /^consul\.aclsEnabled: is false: without ACLs anybody .*default_policy/],
  ["a data node that is none", { "dataPlane.node": "server-9" }, /^dataPlane\.node: "server-9" is not an app node/],
  ["a legacy host that is none", { "legacy.host.node": "server-9" }, /^legacy\.host\.node: "server-9" is not an app node/],
  ["legacy on a node by another address", { "legacy.host.node": "server-1" }, /^legacy\.host\.tailnetAddress: is 100\.64\.0\.31, but server-1 has 100\.64\.0\.11/],
  ["legacy on a node's gateway port", { "legacy.host.node": "server-1", "legacy.host.tailnetAddress": "100.64.0.11", "legacy.ports": { frontend: 3000, api: 18_787, rlService: 19_101 } }, /^legacy\.ports\.frontend: 3000 is the platform's port of frontend on the same address/],
  ["too many connections", { "dataPlane.postgres.convexPool": 128 }, /^dataPlane\.postgres\.maxConnections: is 100, but convex 128 \+ api 16 \+ worker 4 \+ backup 3 \+ reserve 10 = 161/],
  ["backups too often", { "dataPlane.backup.interval": "1m" }, /^dataPlane\.backup\.interval: 1m is shorter than 5m/],
  ["backups at no round time", { "dataPlane.backup.interval": "25m" }, /^dataPlane\.backup\.interval: 25m divides neither an hour nor a day/],
  ["backups that reach back less than a day", { "dataPlane.backup.keepLast": 143 }, /^dataPlane\.backup\.keepLast: is 143, .* keep at least 144/],
  ["backups that lose more than a quarter of an hour", { "dataPlane.backup.interval": "15m" }, /^dataPlane\.backup\.interval: 15m, and up to 5m until a run is stored, is more than the 15m that a loss of the data node may cost/],
  ["memoryMax below memory", { "resources.api.memoryMax": "512MiB" }, /^resources\.api\.memoryMax: 512MiB is below memory 1GiB/],
  ["renewal longer than validity", { "nomad.certificateRenewal": "400d" }, /^nomad\.certificateRenewal: /],
  ["certificates that outlive their authority", { "nomad.caValidity": "365d" }, /^nomad\.caValidity: /],
  ["a pair in both sections", { "markets.gold": ["XAUTUSDT", "btcusdt"] }, /^markets: BTC-USDT is in crypto and, as btcusdt, in gold/],
  ["a pair twice", { "markets.crypto": ["BTC-USDT", "BTCUSDT"] }, /^markets: crypto lists BTCUSDT twice/],
  ["a secret in tuning", { "tuning.api": { API_TOKEN: "x" } }, /^tuning\.api\.API_TOKEN: is a secret/],
  ["a worker key in the API", { "tuning.api": { BINGX_WS_ENABLED: "true" } }, /^tuning\.api\.BINGX_WS_ENABLED: (may be given to the worker only|is set by the platform)/],
  ["a key of another service", { "tuning.frontend": { SYNC_CONCURRENCY: "3" } }, /^tuning\.frontend\.SYNC_CONCURRENCY: is not read by frontend, only by api and worker/],
  ["a key of nobody", { "tuning.worker": { NO_SUCH_KEY: "1" } }, /^tuning\.worker\.NO_SUCH_KEY: is in no service's contract/],
  ["a value of the wrong kind", { "tuning.api": { OPS_READ_TIMEOUT_MS: "4s" } }, /^tuning\.api\.OPS_READ_TIMEOUT_MS: is "4s", which is not of kind int/],
  ["a key that the platform sets", { "tuning.api": { CONVEX_URL: "http://x:1" } }, /^tuning\.api\.CONVEX_URL: is set by the platform/],
  ["the forbidden key", { "tuning.frontend": { NEXT_PUBLIC_API_TOKEN: "x" } }, /^tuning\.frontend\.NEXT_PUBLIC_API_TOKEN: is forbidden/],
  ["an image with a tag", { "images.backend": "registry.example.com/backend:latest" }, /^images\.backend: must be an image repository without tag/],
  ["an address for a machine that Vultr makes", { "witness.tailnetAddress": "100.64.0.13" }, /^witness\.tailnetAddress: is set although Vultr makes/],
  ["no witness at all", { vultr: { enabled: false, reason: "test" } }, /^witness\.tailnetAddress: is missing, and Vultr/],
  ["Vultr without tailnet", { tailnet: { enabled: false, reason: "test" } }, /^tailnet\.enabled: is false while Vultr makes/],
  ["unpinned images under protect", { requireImageDigests: false }, /^requireImageDigests: is false while protect is true/],
  ["a Nomad address without TLS", { "nomad.address": "http://100.64.0.11:4646" }, /^nomad\.address: /],
  ["an incomplete HCP backend", { backend: { kind: "hcp" } }, /^backend\.organization: is missing/],
];

test.each(PLANTED)("finds %s", (_name, edits, expected) => {
  expect(findings(edits).filter((f) => expected.test(f))).toHaveLength(1);
});

test("all errors are listed at once, structural ones and those across sections", () => {
  const found = findings({ "nodes.0.tailnetAddress": "10.0.0.1", "ports.api": 3000, "consul.aclsEnabled": false, vault: undefined, "tuning.api": { FOO: "1" } });
  expect(found.map((f) => f.split(":")[0]).sort()).toEqual(["consul.aclsEnabled", "nodes[0].tailnetAddress", "ports.api", "tuning.api.FOO", "vault"]);
});

test("each error shows an example that is itself valid", () => {
  try {
    parseEnvironment("planted", edited(production, { "nodes.0.tailnetAddress": "10.0.0.1", "nomad.heartbeatGrace": "5" }));
    throw new Error("the planted errors were not found");
  } catch (error) {
    expect((error as Error).message).toMatch(/for example: "100\.64\.0\.11"/);
    expect((error as Error).message).toMatch(/for example: "6s"/);
  }
});

test("a file that is no object is an error, not a crash", () => {
  for (const input of [null, undefined, 3, "x", []]) expect(() => parseEnvironment("planted", input)).toThrow(EnvironmentError);
});

test("property: whatever one field is replaced with, the outcome is a typed environment or an EnvironmentError", () => {
  const paths: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (path) paths.push(path);
    if (value && typeof value === "object") for (const [key, child] of Object.entries(value)) walk(child, path ? `${path}.${key}` : key);
  };
  walk(production, "");
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.oneof(fc.anything(), fc.string(), fc.integer(), fc.constant(undefined)), (path, value) => {
      try {
        parseEnvironment("planted", edited(production, { [path]: value }));
      } catch (error) {
        expect(error).toBeInstanceOf(EnvironmentError);
        expect((error as EnvironmentError).findings.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 400 },
  );
});

test("key order does not matter", () => {
  const shuffled = (value: unknown): unknown => (value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).reverse().map(([k, v]) => [k, shuffled(v)])) : value);
  expect(parseEnvironment("a", shuffled(production))).toEqual(parseEnvironment("a", production));
});
