import { longestStop, MAX_KILL_TIMEOUT, workerKillTimeout } from "../../contracts/singleton";
import { environmentNames, loadEnvironment } from "../../environments/load";
import { EnvironmentError, parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { INEQUALITIES, marginMs } from "../../environments/singleton/inequalities";
import { edited } from "./edit";

type Edits = Readonly<Record<string, string>>;

/** For each inequality: values that break it by a little, and values that leave half a second, of which it needs one. */
const PLANTED: Readonly<Record<string, { readonly broken: Edits; readonly half?: Edits }>> = {
  "dead-after": { broken: { "lease.deadAfter": "8900ms" }, half: { "lease.deadAfter": "9500ms" } },
  "ttl-contract": { broken: { "lease.killAfter": "10100ms", "lease.deadAfter": "12s", "lease.lockDelay": "14s" }, half: { "lease.killAfter": "9500ms", "lease.deadAfter": "11s", "lease.lockDelay": "13s" } },
  "session-expiry": { broken: { "lease.deadAfter": "17600ms", "lease.lockDelay": "19s", "lease.stopGrace": "20s" }, half: { "lease.deadAfter": "17s", "lease.lockDelay": "18s" } },
  "lock-delay": { broken: { "lease.lockDelay": "9900ms" }, half: { "lease.lockDelay": "10500ms" } },
  // Consul's own limits are exact: they need no room.
  "longest-lock-delay": { broken: { "lease.lockDelay": "60001ms" } },
  "least-ttl": { broken: { "lease.ttl": "9999ms" } },
  "terminate-first": { broken: { "lease.terminateAfter": "9100ms" }, half: { "lease.terminateAfter": "8500ms" } },
  "short-cut": { broken: { "nomad.heartbeatGrace": "7100ms" }, half: { "nomad.heartbeatGrace": "6500ms" } },
  "missed-renewal": { broken: { "lease.renewEvery": "2700ms" }, half: { "lease.renewEvery": "2500ms" } },
  "slow-answer": { broken: { "lease.requestTimeout": "4100ms" }, half: { "lease.requestTimeout": "3750ms" } },
  "kill-timeout": { broken: { "lease.stopGrace": "29m53100ms" }, half: { "lease.stopGrace": "29m52500ms" } },
  "silent-server": { broken: { "nomad.rpcKeepAliveInterval": "2100ms" }, half: { "nomad.rpcConnectionWriteTimeout": "2500ms" } },
  "failover-detection": { broken: { "nomad.minHeartbeatTtl": "28s" }, half: { "nomad.minHeartbeatTtl": "24500ms" } },
  "failover-retry": { broken: { "nomad.failoverHeartbeatTtl": "29900ms" }, half: { "nomad.failoverHeartbeatTtl": "30500ms" } },
  detection: { broken: { "nomad.minHeartbeatTtl": "17100ms" }, half: { "nomad.minHeartbeatTtl": "16750ms" } },
  "detection-leader": { broken: { "nomad.failoverHeartbeatTtl": "35100ms" }, half: { "nomad.failoverHeartbeatTtl": "34500ms" } },
  "take-over": { broken: { "lease.ttl": "13100ms" }, half: { "lease.ttl": "12750ms" } },
};

function messages(edits: Edits): string[] {
  try {
    parseEnvironment("planted", edited(production, edits));
    return [];
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    return error.findings.map(({ path, message }) => `${path}: ${message}`);
  }
}

const withId = (id: string) => expect.stringContaining(`[${id}] `);

test("each inequality has its planted defects, and no two have one name", () => {
  expect(Object.keys(PLANTED).sort()).toEqual(INEQUALITIES.map(({ id }) => id).sort());
  expect(INEQUALITIES.filter(({ atLeast }) => atLeast.milliseconds > 0).map(({ id }) => id).filter((id) => !PLANTED[id].half)).toEqual([]);
});

test.each(INEQUALITIES.map(({ id }) => id))("%s broken by a little is refused, by name", (id) => {
  expect(messages(PLANTED[id].broken)).toContainEqual(withId(id));
});

test.each(INEQUALITIES.filter(({ id }) => PLANTED[id].half).map(({ id }) => id))("%s with half a second left is refused, by name", (id) => {
  expect(messages(PLANTED[id].half!)).toContainEqual(expect.stringMatching(new RegExp(`\\[${id}\\] .* leaves 500ms, and must leave 1s `)));
});

test.each(environmentNames())("%s keeps every inequality with its margin", (name) => {
  const env = loadEnvironment(name);
  expect(INEQUALITIES.filter((inequality) => marginMs(inequality, env) < inequality.atLeast.milliseconds).map(({ id }) => id)).toEqual([]);
});

test("a message says which, with the numbers, why and how", () => {
  expect(messages({ "lease.lockDelay": "10500ms" })).toEqual([
    "lease.lockDelay: [lock-delay] lease.deadAfter ≤ lease.lockDelay leaves 500ms, and must leave 1s (10s ≤ 10s500ms): anything may end a session early (an agent that leaves, a node that is deregistered, an operator); from then on the lock-delay alone holds the next worker back; lengthen the lock-delay",
  ]);
  expect(messages({ "lease.lockDelay": "9900ms" })).toEqual([expect.stringContaining("is broken by 100ms (10s ≤ 9s900ms)")]);
});

test("the examples of an inequality are the worked example's values", () => {
  for (const { field, example } of INEQUALITIES) {
    const [section, name] = field.split(".") as ["lease", "ttl"];
    expect([field, production[section][name]]).toEqual([field, example]);
  }
});

test("what does not hold in one section is found while another has an error of its own", () => {
  expect(messages({ "lease.lockDelay": "10500ms", "ports.api": "x" })).toEqual([expect.stringContaining("ports.api"), withId("lock-delay")]);
});

test("the fall-back to https servers needs their authority, and reads a file in a lab only", () => {
  const planted = (fallback: unknown, more: Edits = {}) => messages({ "lease.fallback": fallback as string, ...more });
  expect(planted({ enabled: true })).toEqual([expect.stringMatching(/^lease\.fallback\.authority: is missing: Consul's servers speak https/)]);
  expect(planted({ enabled: true }, { "consul.address": "http://100.64.0.21:8500" })).toEqual([]);
  expect(planted({ enabled: true, authority: { file: "ca.pem" } })).toEqual([expect.stringMatching(/^lease\.fallback\.authority\.file: is for a lab/)]);
  expect(planted({ enabled: true, authority: { pem: "/etc/consul.d/ca.pem" } })).toEqual([expect.stringMatching(/^lease\.fallback/)]);
  expect(planted({ enabled: false })).toEqual([expect.stringMatching(/^lease\.fallback\.reason: is missing/)]);
});

test("a kill timeout admits the longest ordered stop, and a client admits it", () => {
  const { lease } = loadEnvironment("production");
  expect(workerKillTimeout(lease).milliseconds - longestStop(lease).milliseconds).toBe(1_000);
  expect(MAX_KILL_TIMEOUT.isLongerThan(workerKillTimeout(lease))).toBe(true);
});
