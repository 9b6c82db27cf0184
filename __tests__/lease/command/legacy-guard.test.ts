/** A legacy worker that was started by hand is unknown to the lease: Nomad is not given the worker beside it. */
import { Command } from "commander";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import { leaseAccess, leaseCommands } from "../../../scripts/lease/access";
import { leaseCommand } from "../../../scripts/lease/command";
import type { Side } from "../../../scripts/lease/sources";
import { textGiven } from "../../../scripts/lease/text";
import { ConsulDouble, OWNER, TOKEN } from "./consul-double";
import { loadGive } from "./give-source";

const production = loadEnvironment("production");
const commands = leaseCommands(production);
const giveAsItIs = loadGive();

let consul: ConsulDouble;
/** Which workers run: Nomad's by its lease, legacy's as the test has started it. */
let legacyRuns: boolean;
beforeEach(async () => {
  consul = await new ConsulDouble().start();
  consul.put(OWNER, "legacy");
  consul.standby();
  legacyRuns = false;
});
afterEach(async () => {
  process.exitCode = undefined;
  await consul.close();
});

const owner = (): string | undefined => consul.keys.get(OWNER)?.value;
const written = (): number => consul.requests.filter(({ path }) => path.startsWith("/v1/kv/")).length;
const nomadRuns = (): boolean => consul.states[0].phase === "active";

/** Nomad's worker looks at each wait, as it does each second in earnest; what holds the lease under another owner gives it back first. */
function look(): void {
  const entry = consul.keys.get("gvfx/worker-lease");
  if (owner() !== "nomad" || nomadRuns()) return;
  if (entry?.session !== undefined) {
    consul.release();
    legacyRuns = false;
    return;
  }
  consul.take("nomads", "nomad on server-1 (allocation 0f0e0d0c)");
  consul.says("active", "nomads");
}

async function give(to: Side, legacyWorkerStopped: boolean, giveWorker = giveAsItIs, signal?: AbortSignal) {
  const { sources } = leaseAccess(production, { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, () => "");
  let time = 0;
  const result = await giveWorker(sources, to, {
    commands,
    legacyWorkerStopped,
    signal,
    timeout: Duration.seconds(3),
    now: () => time,
    wait: async (step) => {
      time += step.milliseconds;
      look();
    },
  });
  return { result, text: textGiven(result, to, commands) };
}

/** The finding: owner legacy, lease free, and a worker that somebody started by hand. */
async function bothTrade(giveWorker: typeof giveAsItIs): Promise<boolean> {
  legacyRuns = true;
  await give("nomad", false, giveWorker);
  return legacyRuns && nomadRuns();
}

test("beside a legacy worker that was started by hand, Nomad's never starts", async () => {
  expect(await bothTrade(giveAsItIs)).toBe(false);
  expect([owner(), written()]).toEqual(["legacy", 0]);
});

test.each([
  ["the guard dropped", "!options.legacyWorkerStopped && !legacyUnderLease(found)", "false"],
  ["the statement taken as made", "!options.legacyWorkerStopped", "false"],
  ["a free lease taken for legacy's", "!legacyUnderLease(found)", "found.holder !== undefined"],
])("planted: %s, and both trade", async (_what, text, by) => {
  expect(await bothTrade(loadGive({ text, by }))).toBe(true);
});

test("refused with what, why and both ways to mend it", async () => {
  const { result, text } = await give("nomad", false);
  expect(result).toMatchObject({ outcome: "refused", why: "legacy-unproven", found: "legacy", status: { verdict: "nobody" } });
  expect(text).toMatch(/^Nothing was changed: the legacy worker does not hold the lease.*Found: nobody: the lease is free/);
  expect(text).toMatch(/would start beside it at once: both would trade/);
  expect(text).toContain(`ssh -p 22 trader@100.64.0.31 'pgrep -aF /home/trader/tv-goldviewfx/.pids/backend-jobs.pid 2>/dev/null; pgrep -af "[j]obs/worker.ts"'`);
  expect(text).toMatch(/then say so: npm run gvfx -- lease give nomad --legacy-worker-stopped\n.*run it under the lease.*docs\/legacy-lease\.md; and repeat: npm run gvfx -- lease give nomad$/);
});

test.each<[string, () => void]>([
  ["nobody owns it after a roll-back, and the lease is free", () => consul.put(OWNER, "nobody")],
  ["the owner is a word that neither side goes by", () => consul.put(OWNER, "somebody")],
  ["Nomad's worker still has the lease that it held before legacy was given it", () => { consul.put(OWNER, "nomad"); consul.take("nomads", "nomad on server-1 (allocation 0f0e0d0c)"); consul.says("draining", "nomads"); consul.put(OWNER, "legacy"); }],
  ["somebody has the lease who does not say who it is", () => { consul.take("whose"); consul.put(OWNER, "legacy"); }],
])("refused too when %s", async (_what, arrange) => {
  arrange();
  const before = owner();
  expect((await give("nomad", false)).result).toMatchObject({ outcome: "refused", why: "legacy-unproven", found: before });
  expect([owner(), written()]).toEqual([before, 0]);
});

test.each<[string, () => void]>([
  ["taken under the owner of now", () => consul.take("legacys")],
  ["by what its holder wrote, the owner having changed since", () => { consul.take("legacys", "legacy on server-1 (PID 4711 of app-1)"); consul.put(OWNER, "nobody"); }],
])("a legacy worker that holds the lease is proof enough: %s", async (_what, arrange) => {
  arrange();
  legacyRuns = true;
  expect((await give("nomad", false)).result).toMatchObject({ outcome: "given", changed: true });
  expect([legacyRuns, nomadRuns()]).toEqual([false, true]);
});

test("stated, it is given", async () => {
  expect((await give("nomad", true)).result).toMatchObject({ outcome: "given", changed: true, from: "legacy" });
});

test("a give that was interrupted after the change is repeated without the statement: it was made the first time", async () => {
  const stop = new AbortController();
  consul.onRequest = ({ path }) => void (path.includes("?cas=") && stop.abort());
  expect((await give("nomad", true, giveAsItIs, stop.signal)).result).toMatchObject({ outcome: "interrupted", changed: true });
  expect((await give("nomad", false)).result).toMatchObject({ outcome: "given", changed: false });
});

test("to legacy nothing is to be stated: Nomad's worker is always under the lease", async () => {
  consul.put(OWNER, "nomad");
  consul.take("nomads", "nomad on server-1 (allocation 0f0e0d0c)");
  consul.says("active", "nomads");
  const { result, text } = await give("legacy", false);
  expect(result).toMatchObject({ outcome: "not-taken", changed: true });
  expect(text).toContain("to go back: npm run gvfx -- lease give nomad (with --legacy-worker-stopped, once no legacy worker runs)");
});

test("the lab's commands look into its own machine", () => {
  expect(leaseCommands(loadEnvironment("lab")).seeLegacy).toMatch(/^npm run gvfx -- lab exec legacy -- sh -c 'pgrep -aF \/home\/trader\/tv-goldviewfx\/\.pids\/backend-jobs\.pid 2>\/dev\/null; /);
});

describe("the command", () => {
  const run = async (...args: string[]) => {
    const said: string[] = [];
    const command = leaseCommand(() => production, { variables: { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, write: (text) => void said.push(text), complain: (text) => void said.push(text) });
    await new Command().addCommand(command).parseAsync(["lease", "give", ...args], { from: "user" });
    return { said: said.join("\n"), code: process.exitCode };
  };

  test("refuses with exit 1, for people and as JSON", async () => {
    expect(await run("nomad")).toMatchObject({ code: 1, said: expect.stringMatching(/Nothing was changed: the legacy worker does not hold the lease/) });
    const { said, code } = await run("nomad", "--json");
    expect([code, JSON.parse(said)]).toEqual([1, expect.objectContaining({ environment: "production", to: "nomad", outcome: "refused", why: "legacy-unproven", found: "legacy" })]);
    expect([owner(), written()]).toEqual(["legacy", 0]);
  });

  test("gives by --legacy-worker-stopped", async () => {
    consul.onRequest = ({ path }) => void (path.includes("txn") && look());
    expect(await run("nomad", "--legacy-worker-stopped")).toMatchObject({ code: 0, said: expect.stringMatching(/Given: Nomad's worker/) });
  });
});
