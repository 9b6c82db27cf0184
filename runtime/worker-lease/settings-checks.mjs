/** What each setting must be, and the inequalities between the times. */

/** @typedef {import("./settings.mjs").Timing} Timing */
/** @typedef { { what: string, why: string, example: unknown, ok: (value: any) => boolean, optional?: true }} Check */

const text = (/** @type {any} */ value) => typeof value === "string" && value.trim().length > 0;
const url = (/** @type {any} */ value) => {
  if (!text(value) || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
};
const endpoint = (/** @type {any} */ value) => url(value) && new URL(value).pathname === "/" && new URL(value).search === "";
const key = (/** @type {any} */ value) => text(value) && !value.startsWith("/") && !value.endsWith("/");
const endpoints = (/** @type {any} */ value) => Array.isArray(value) && value.every(endpoint);

/** @param {string} why @param {number} example @param {number} [least] @param {number} [most] @returns {Check} */
const milliseconds = (why, example, least = 1, most = Number.MAX_SAFE_INTEGER) => ({
  what: `a whole number of milliseconds${least > 1 || most < Number.MAX_SAFE_INTEGER ? `, ${least} to ${most}` : ""}`,
  why,
  example,
  ok: (value) => Number.isInteger(value) && value >= least && value <= most,
});

/** @type {Readonly<Record<string, Check>>} by path */
const CHECKS = {
  owner: { what: '"nomad" or "legacy"', why: "the worker runs only while the owner key has this value", example: "nomad", ok: (value) => value === "nomad" || value === "legacy" },
  "keys.owner": { what: "a Consul key without a slash at either end", why: "it says which side may run the worker", example: "gvfx/worker-owner", ok: key },
  "keys.lease": { what: "a Consul key without a slash at either end", why: "its lock is the lease", example: "gvfx/worker-lease", ok: key },
  node: { what: "the name of a Consul node", why: "Consul makes a session on a node; set it here or as WORKER_LEASE_NODE in the environment", example: "server-1", ok: text },
  agents: { what: "an array of http or https URLs without path, may be empty", why: "the local agent is asked first", example: ["http://100.64.0.11:8500"], ok: endpoints },
  servers: { what: "an array of http or https URLs without path, may be empty", why: "the lease outlives the local agent only if the servers can be asked", example: ["https://100.64.0.21:8501"], ok: endpoints },
  caFile: { what: "the path of a PEM file", why: "https endpoints are trusted by it", example: "/local/consul-ca.pem", ok: text, optional: true },
  tokenFile: { what: "the path of the file with the Consul token", why: "without a token Consul refuses every request", example: "/secrets/consul_token", ok: text },
  address: { what: "the address to listen on", why: "/healthz, /state and /metrics are served there", example: "0.0.0.0", ok: text, optional: true },
  port: { what: "a port, 0 to 65535", why: "/healthz, /state and /metrics are served there", example: 9464, ok: (value) => Number.isInteger(value) && value >= 0 && value <= 65_535 },
  childMetricsUrl: { what: "an http or https URL", why: "the worker's own metrics are read there", example: "http://127.0.0.1:9465/metrics", ok: url, optional: true },
  containment: { what: '"container" or "host"', why: "it decides how everything that the worker started is found and killed", example: "container", ok: (value) => value === "container" || value === "host" },
  fence: { what: '"kernel-timer" or "none"', why: "it decides whether the kernel ends a worker on Bun at its deadline, should this program sleep through it", example: "kernel-timer", ok: (value) => value === "kernel-timer" || value === "none" },
  "timing.ttlMs": milliseconds("Consul takes a session's TTL from 10 s to a day, and ends the session at twice the TTL", 10_000, 10_000, 86_400_000),
  "timing.lockDelayMs": milliseconds("Consul keeps the lock back for it after a session that ended before its time, for 60 s at most; at 0 the next worker would start while this one is still being killed", 12_000, 1, 60_000),
  "timing.renewEveryMs": milliseconds("the lease is renewed this often", 1_000),
  "timing.requestTimeoutMs": milliseconds("a request to Consul is given up after it", 3_000),
  "timing.terminateAfterMs": milliseconds("the worker is asked to end so long after the last renewal was sent", 8_000),
  "timing.killAfterMs": milliseconds("everything is killed so long after the last renewal was sent", 9_000),
  "timing.stopGraceMs": milliseconds("the worker has so long to end after an ordered stop", 20_000),
};

/** From a kill that is due until everything is verified dead: a tick of 100 ms, and room for a machine that is busy. */
export const MARGIN_MS = 1_000;

/** @type {readonly { rule: string, why: string, holds: (timing: Timing) => boolean }[]} */
const INEQUALITIES = [
  { rule: `killAfterMs + ${MARGIN_MS} <= ttlMs`, why: "Consul may end the session once the TTL is over, and by then all that was started must be dead", holds: (t) => t.killAfterMs + MARGIN_MS <= t.ttlMs },
  { rule: `killAfterMs + ${MARGIN_MS} <= lockDelayMs`, why: "a session that somebody ends early leaves only the lock-delay until the next worker may start", holds: (t) => t.killAfterMs + MARGIN_MS <= t.lockDelayMs },
  { rule: "terminateAfterMs < killAfterMs", why: "the worker is asked to end before it is killed", holds: (t) => t.terminateAfterMs < t.killAfterMs },
  { rule: "2 * requestTimeoutMs <= terminateAfterMs", why: "a renewal is two requests, and an answer after that time is of no use", holds: (t) => 2 * t.requestTimeoutMs <= t.terminateAfterMs },
  { rule: "3 * renewEveryMs <= terminateAfterMs", why: "one renewal that fails must not stop the worker", holds: (t) => 3 * t.renewEveryMs <= t.terminateAfterMs },
];

/** @param {unknown} given @returns {string[]} every error there is */
export function checked(given) {
  if (given === null || typeof given !== "object" || Array.isArray(given)) return ["the settings are not a JSON object, so none of them can be read: write { ... } there"];
  const values = flattened(given);
  const errors = Object.entries(CHECKS).flatMap(([path, check]) => {
    const value = values.get(path);
    if (value === undefined) return check.optional ? [] : [`${path} is missing: ${check.why}; set ${check.what}, for example ${JSON.stringify(check.example)}`];
    return check.ok(value) ? [] : [`${path} is ${JSON.stringify(value)}: ${check.why}; set ${check.what}, for example ${JSON.stringify(check.example)}`];
  });
  for (const path of values.keys()) if (!(path in CHECKS)) errors.push(`${path} is no setting, so it would have no effect: remove it, or correct its name`);
  if (errors.length > 0) return errors;
  const { keys, agents, servers, timing } = /** @type {import("./settings.mjs").LeaseSettings} */ (given);
  if (keys.owner === keys.lease) errors.push(`keys.owner and keys.lease are both ${JSON.stringify(keys.owner)}: the lease's lock would overwrite the owner; set two keys`);
  if (agents.length + servers.length === 0) errors.push("agents and servers are both empty: nobody could be asked for the lease; name the local agent in agents and Consul's servers in servers");
  for (const { rule, why, holds } of INEQUALITIES) {
    if (!holds(timing)) errors.push(`timing breaks ${rule} (${rule.match(/[a-zA-Z]+Ms/g)?.map((name) => `${name} is ${timing[/** @type {keyof Timing} */ (name)]}`).join(", ")}): ${why}; change one of the two`);
  }
  return errors;
}

/** @param {object} given @returns {Map<string, unknown>} values by path; only keys and timing are nested */
function flattened(given) {
  return new Map(Object.entries(given).flatMap(([name, value]) => ((name === "keys" || name === "timing") && value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value).map(([inner, of]) => /** @type {[string, unknown]} */ ([`${name}.${inner}`, of])) : [/** @type {[string, unknown]} */ ([name, value])])));
}
