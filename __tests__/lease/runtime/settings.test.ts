import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, program, settingsWith, TIMING, type LeaseSettings, type Timing } from "./program";

const folder = mkdtempSync(join(tmpdir(), "gvfx-settings-"));
const file = join(folder, "settings.json");
afterAll(() => rmSync(folder, { recursive: true }));

function read(given: unknown, { argv = [file, "--", "bun", "run", "worker.ts"], environment = {} }: { argv?: string[]; environment?: Record<string, string> } = {}) {
  writeFileSync(file, typeof given === "string" ? given : JSON.stringify(given));
  return program.readSettings(argv, environment);
}

function errorsOf(given: unknown, options?: Parameters<typeof read>[1]): string[] {
  try {
    read(given, options);
  } catch (error) {
    if (error instanceof program.SettingsError) return error.errors;
    throw error;
  }
  return [];
}

const timed = (timing: Partial<Timing>) => errorsOf(settingsWith({ timing: { ...TIMING, ...timing } }));

test("production's settings are sound, and the command is what follows --", () => {
  const settings = settingsWith({ servers: ["https://100.64.0.21:8501"], caFile: "/local/ca.pem", childMetricsUrl: "http://127.0.0.1:9465/metrics", containment: "container", address: "127.0.0.1" });
  expect(read(settings)).toEqual({ settings, command: ["bun", "run", "worker.ts"] });
  expect(read(settings, { argv: [file, "--", "sh", "--", "x"] }).command).toEqual(["sh", "--", "x"]);
});

test("the node comes by environment where the settings have none, and only there", () => {
  const { node: _, ...nodeless } = settingsWith();
  expect(read(nodeless, { environment: { WORKER_LEASE_NODE: "server-2" } }).settings.node).toBe("server-2");
  expect(read(settingsWith(), { environment: { WORKER_LEASE_NODE: "server-2" } }).settings.node).toBe("server-1");
  expect(errorsOf(nodeless)).toEqual([expect.stringMatching(/node is missing: .* WORKER_LEASE_NODE/)]);
});

test("everything that is wrong is told at once, each with what, why and how", () => {
  const errors = errorsOf({ ...settingsWith(), owner: "me", keys: { owner: "/gvfx/x" }, port: 99_999, agents: "http://a", tokenFile: "", containment: "vm", extra: 1, timing: { ...TIMING, ttlMs: "10s" } });
  expect(errors).toEqual([
    expect.stringContaining('owner is "me": the worker runs only while the owner key has this value; set "nomad" or "legacy", for example "nomad"'),
    expect.stringContaining('keys.owner is "/gvfx/x"'),
    expect.stringContaining("keys.lease is missing: its lock is the lease"),
    expect.stringContaining('agents is "http://a"'),
    expect.stringContaining('tokenFile is ""'),
    expect.stringContaining("port is 99999"),
    expect.stringContaining('containment is "vm"'),
    expect.stringContaining('timing.ttlMs is "10s"'),
    expect.stringContaining("extra is no setting"),
  ]);
  for (const error of errors) expect(error.startsWith(`${file}: `)).toBe(true);
});

test.each([
  ["no command", [file], /names no worker/],
  ["an empty command", [file, "--"], /names no worker/],
  ["a word too many", [file, "x", "--", "true"], /has "x" before "--"/],
  ["no settings", ["--", "true"], /names no settings/],
  ["settings that are not there", [join(folder, "nowhere"), "--", "true"], /cannot be read as JSON \(ENOENT/],
])("%s is refused", (_, argv, message) => {
  expect(errorsOf(settingsWith(), { argv })).toEqual([expect.stringMatching(message)]);
});

test.each([["not JSON", "{", /cannot be read as JSON/], ["no object", "[]", /not a JSON object/], ["nothing", "null", /not a JSON object/]])("%s is refused", (_, text, message) => {
  expect(errorsOf(text)).toEqual([expect.stringMatching(message)]);
});

test.each<[string, Partial<LeaseSettings>, RegExp]>([
  ["one key for both", { keys: { owner: "a", lease: "a" } }, /keys.owner and keys.lease are both "a"/],
  ["nobody to ask", { agents: [], servers: [] }, /agents and servers are both empty/],
  ["an address with a path", { agents: ["http://a:8500/v1"] }, /agents is/],
  ["an address with a password", { servers: ["http://a:b@c"] }, /servers is/],
])("%s is refused", (_, changes, message) => {
  expect(errorsOf(settingsWith(changes))).toEqual([expect.stringMatching(message)]);
});

describe("inequalities between the times", () => {
  test.each<[Partial<Timing>, RegExp]>([
    [{ killAfterMs: 9_001 }, /breaks killAfterMs \+ 1000 <= ttlMs \(killAfterMs is 9001, ttlMs is 10000\)/],
    [{ lockDelayMs: 9_999 }, /breaks killAfterMs \+ 1000 <= lockDelayMs \(killAfterMs is 9000, lockDelayMs is 9999\)/],
    [{ terminateAfterMs: 9_000 }, /breaks terminateAfterMs < killAfterMs/],
    [{ requestTimeoutMs: 4_001 }, /breaks 2 \* requestTimeoutMs <= terminateAfterMs/],
    [{ renewEveryMs: 2_667 }, /breaks 3 \* renewEveryMs <= terminateAfterMs/],
    [{ ttlMs: 9_999 }, /timing.ttlMs is 9999/],
    [{ lockDelayMs: 0 }, /timing.lockDelayMs is 0/],
    [{ lockDelayMs: 60_001 }, /timing.lockDelayMs is 60001/],
    [{ stopGraceMs: 1.5 }, /timing.stopGraceMs is 1.5/],
  ])("%j is refused and named", (timing, message) => {
    expect(timed(timing)).toEqual([expect.stringMatching(message)]);
  });

  test.each<[string, Partial<Timing>]>([
    ["killAfterMs + MARGIN_MS <= t.ttlMs", { killAfterMs: 9_000, ttlMs: 10_000 }],
    ["killAfterMs + MARGIN_MS <= t.lockDelayMs", { lockDelayMs: 10_000 }],
    ["t.terminateAfterMs < t.killAfterMs", { terminateAfterMs: 8_999 }],
    ["2 * t.requestTimeoutMs <= t.terminateAfterMs", { requestTimeoutMs: 4_000 }],
    ["3 * t.renewEveryMs <= t.terminateAfterMs", { renewEveryMs: 2_666 }],
  ])("%s may just hold", (_, timing) => {
    expect(timed(timing)).toEqual([]);
  });

  test("a rule that is taken out lets its breach through", () => {
    const defect = load({ module: "settings-checks.mjs", text: "t.killAfterMs + MARGIN_MS <= t.lockDelayMs", by: "true" });
    expect(defect.checked(settingsWith({ timing: { ...TIMING, lockDelayMs: 1 } }))).toEqual([]);
    expect(program.checked(settingsWith({ timing: { ...TIMING, lockDelayMs: 1 } }))).toHaveLength(1);
  });
});

test("the worker's environment has what ours has, but nothing that gives access to the lease", () => {
  expect(program.childEnvironment({ PATH: "/bin", CONSUL_HTTP_ADDR: "http://a", CONSUL_HTTP_TOKEN: "t", CONSUL_TOKEN: "t", WORKER_LEASE_NODE: "n", WORKER_LEASE_X: "x", EMPTY: "", GONE: undefined })).toEqual({ PATH: "/bin", CONSUL_HTTP_ADDR: "http://a", EMPTY: "" });
});
