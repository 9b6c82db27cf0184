/** The lease protocol under thousands of random schedules, in simulated time; GVFX_MODEL_RUNS and GVFX_MODEL_SEED for more and others. */
import fc from "fast-check";
import { hold, PROPERTIES, type PropertyName } from "./properties";
import { loadProtocol, type Replacement } from "./protocol-source";
import type { Schedule } from "./schedule";
import { Simulation, type Defects } from "./simulation";

const RUNS = Number(process.env.GVFX_MODEL_RUNS ?? 2_000);
const SEED = Number(process.env.GVFX_MODEL_SEED ?? 7);
/** Of the properties whose schedules have one fault and little to vary. */
const FEW = Math.ceil(RUNS / 10);
const MINUTE_MS = 60_000;

const protocol = loadProtocol();

/** What a contender does all the time. */
const DULL = /standby \+ .*-> standby|active \+ .*"(tick|renewed)".*-> active/;

/** The counterexample with what happened in it, in order. */
function describeFailure(schedule: Schedule, defects: Defects, error: unknown): string {
  const traced = new Simulation(schedule, defects, { traced: true });
  traced.run();
  return [String(error), JSON.stringify(schedule), ...traced.lines.filter((line) => !DULL.test(line)).slice(0, 150)].join("\n");
}

function check(name: PropertyName, defects: Defects, numRuns: number, kind: RegExp, endOnFailure: boolean) {
  return fc.check(fc.property(PROPERTIES[name].schedules, (schedule) => hold(name, schedule, defects, kind)), { numRuns, seed: SEED, endOnFailure });
}

const holds: readonly [PropertyName, number, string, Partial<Defects>?][] = [
  ["always", RUNS, "never two, only under its owner, one again after the last fault, exit codes"],
  ["always", FEW * 2, "the same without a fence, but for a worker that wakes before its wrapper", { fence: "none" }],
  ["expiryAlone", FEW * 2, "never two without any lock-delay, as long as sessions end by their TTL alone", { lockDelayMs: 0 }],
  ["deletions", FEW * 2, "the lease key deleted: two run until the holder's deadline at most"],
  ["deletionAlone", FEW, "the lease key deleted and nothing else wrong: two run until the holder's next look at most"],
  ["unseenPause", FEW, "a machine stopped by its host, which no clock of it sees: two run until its next look, or its deadline, at most"],
  ["handOver", FEW, "a hand-over waits for no lock-delay"],
  ["unnoticed", FEW, "a short interruption does not disturb the child"],
  ["returns", FEW, "after Consul's return nobody waits for a session to end whose contender lives"],
  ["slowKills", FEW, "the lock is kept while a kill takes longer than allowed for"],
];

test.each(holds)("%s, %i schedules: %s", (name, runs, _, more = {}) => {
  const defects = { protocol, ...more };
  const result = check(name, defects, runs, /./, false);
  if (result.failed) throw new Error(`seed ${SEED}, after ${result.numRuns} schedules, shrunk ${result.numShrinks} times: ${describeFailure(result.counterexample![0], defects, result.errorInstance)}`);
  expect(result.numRuns).toBe(runs);
}, 10 * MINUTE_MS);

interface PlantedDefect { readonly name: string; readonly found: PropertyName; readonly as: RegExp; readonly text?: Replacement; readonly around?: Partial<Defects> }

const TWO = /ran at once/;
const DEFECTS: readonly PlantedDefect[] = [
  { name: "the deadline counts from the answer", found: "always", as: TWO, text: { text: "Math.max(state.renewedAt, event.sentAt)", by: "Math.max(state.renewedAt, at)" }, around: { fence: "none" } },
  { name: "the lock is released without waiting for the kill", found: "always", as: TWO, text: { text: 'go("killing", reason, { type: "kill" })', by: '(effects.push({ type: "kill" }), release(reason))' } },
  { name: "the lock is released while the child is asked to end", found: "always", as: TWO, text: { text: 'go("draining", reason, { type: "signal", signal })', by: 'go("draining", reason, { type: "signal", signal }, { type: "release", session: state.session })' } },
  { name: "no lock-delay", found: "always", as: TWO, around: { lockDelayMs: 0 } },
  { name: "no kill at the deadline", found: "always", as: TWO, text: { text: "if (silent >= timing.killAfterMs) kill(", by: "if (false) kill(" }, around: { fence: "none" } },
  { name: "no timer in the kernel ends a worker that wakes before its wrapper", found: "always", as: TWO, around: { fence: "broken" } },
  { name: "the end by that timer is taken for the worker's own", found: "always", as: /exits with 137, not at all/, text: { text: "!state.asked && !fenced(event.code)", by: "!state.asked" } },
  { name: "what the child started is left alive", found: "always", as: TWO, text: { text: "if (holding) kill(state.reason ?? `the worker ended with code ${event.code}`)", by: "if (holding) release(null)" } },
  { name: "no renewals while a kill lasts", found: "slowKills", as: TWO, text: { text: 'const keeping = holding || state.phase === "killing"', by: "const keeping = holding" } },
  { name: "a renewal is trusted without a consistent read", found: "deletions", as: TWO, around: { trustsRenewals: true } },
  { name: "a lost lease does not kill", found: "deletionAlone", as: TWO, text: { text: 'if (holding && mine) kill("the lease was lost")', by: "" } },
  { name: "the lease is taken under any owner", found: "always", as: /got the lease, the owner is/, text: { text: "if (event.owner !== settings.owner) state.reason", by: "if (false) state.reason" } },
  { name: "the owner key's index is not checked with the lock", found: "always", as: /got the lease, the owner is/, around: { ignoresIndex: true } },
  { name: "a changed owner is not heeded", found: "always", as: /outlived its owner key/, text: { text: 'state.phase === "active" && event.owner !== settings.owner', by: "false" } },
  { name: "a child that does not end is waited for", found: "always", as: /outlived its owner key/, text: { text: "at - state.since >= timing.stopGraceMs", by: "false" } },
  { name: "the end of the child does not end the program", found: "always", as: /starts a child, and was to exit/, text: { text: "if (state.exitCode === null ? holding && !state.asked && !fenced(event.code) : state.exitCode !== CANNOT_START) state.exitCode = event.code", by: "if (state.exitCode !== null) state.exitCode = event.code" } },
  { name: "the child's code is not passed on after a stop", found: "always", as: /exits with 0, not/, text: { text: "if (state.exitCode === null ? holding && !state.asked && !fenced(event.code) : state.exitCode !== CANNOT_START) state.exitCode = event.code", by: "if (holding && !state.asked && !fenced(event.code)) state.exitCode = event.code" } },
  { name: "a command that cannot be started ends with 0", found: "always", as: /exits with 0, not 126/, text: { text: "state.exitCode = CANNOT_START", by: "state.exitCode = 0" } },
  { name: "a refused lease is never asked for again", found: "always", as: /children run \d+ ms after the last fault/, text: { text: 'case "acquire-refused":', by: 'case "acquire-refused-never":' } },
  { name: "the session is destroyed before the lock is released", found: "handOver", as: /the hand-over took/, text: { text: 'go("releasing", reason, { type: "release", session: state.session })', by: 'go("destroying", reason, { type: "destroy", session: state.session })' } },
  { name: "a renewal that fails counts as a lost lease", found: "unnoticed", as: /the child ended/, text: { text: 'case "renew-failed":', by: 'case "renew-failed": if (holding && mine) kill("failed");' } },
  { name: "a release that failed is followed by a destroy", found: "returns", as: /after Consul's return/, text: { text: "if (state.exitCode === null) standby(state.reason)", by: "if (false) standby(state.reason)" } },
  { name: "a session that could not be given back is left to end", found: "returns", as: /after Consul's return/, text: { text: "event.holder !== null && event.holder === state.former", by: "false" } },
];

test.each(DEFECTS)("planted: $name, found by $found", ({ name, found, as, text, around }) => {
  const defects = { protocol: text ? loadProtocol(text) : protocol, ...around };
  const runs = holds.find(([property]) => property === found)![1];
  const { failed, numRuns, errorInstance } = check(found, defects, runs, as, true);
  process.stdout.write(`planted: ${name}: ${failed ? `found by schedule ${numRuns} of seed ${SEED}: ${String(errorInstance).split("\n")[0]}` : `not found by ${numRuns} schedules of seed ${SEED}`}\n`);
  expect(failed).toBe(true);
}, 10 * MINUTE_MS);
