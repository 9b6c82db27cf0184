import { Command } from "commander";
import { kvPaths } from "../../../contracts/kv";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import { leaseAccess, leaseCommands } from "../../../scripts/lease/access";
import { leaseCommand } from "../../../scripts/lease/command";
import { LeaseConsul } from "../../../scripts/lease/consul";
import { giveWorker, type GiveOptions } from "../../../scripts/lease/give";
import type { Side } from "../../../scripts/lease/sources";
import { textGiven } from "../../../scripts/lease/text";
import { ConsulDouble, OWNER, TOKEN } from "./consul-double";

const production = loadEnvironment("production");
const commands = leaseCommands(production);

let consul: ConsulDouble;
beforeEach(async () => {
  consul = await new ConsulDouble().start();
  consul.put(OWNER, "legacy");
  consul.standby();
});
afterEach(async () => {
  process.exitCode = undefined;
  await consul.close();
});

/** Gives, with a clock that only waiting moves; `script` says what happens at which wait. */
async function give(to: Side, script: Readonly<Record<number, () => void>> = {}, options: Partial<GiveOptions> = {}) {
  const { sources } = leaseAccess(production, { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, () => "");
  const said: string[] = [];
  let time = 0;
  let waits = 0;
  const result = await giveWorker(sources, to, {
    commands,
    legacyWorkerStopped: true,
    timeout: Duration.seconds(3),
    say: (line) => void said.push(line),
    now: () => time,
    wait: async (step) => {
      time += step.milliseconds;
      script[(waits += 1)]?.();
    },
    ...options,
  });
  return { result, said, text: textGiven(result, to, commands) };
}

const owner = (): string | undefined => consul.keys.get(OWNER)?.value;
const writes = () => consul.requests.filter(({ path }) => path.startsWith("/v1/kv/"));
/** Nomad's worker takes the lease, and says so. */
const nomadTakes = (): void => {
  consul.take("nomads", "nomad");
  consul.says("active", "nomads");
};

test("from nobody's lease to Nomad: changed by check-and-set, waited for, timed", async () => {
  const index = consul.keys.get(OWNER)!.modified;
  const { result, said, text } = await give("nomad", { 4: nomadTakes });
  expect(result).toMatchObject({ outcome: "given", changed: true, from: "legacy", tookMs: 1_000 });
  expect(owner()).toBe("nomad");
  expect(writes().map(({ method, path, body }) => [method, path, body])).toEqual([["PUT", `/v1/kv/${OWNER}?cas=${index}`, "nomad"]]);
  expect(said).toEqual([expect.stringMatching(/^found: may run: the legacy worker .*; runs: nobody/), `${OWNER}: legacy -> nomad`]);
  expect(text).toMatch(/^Given: Nomad's worker on server-1 .*The hand-over took 1\.0 s\.$/);
});

test("from Nomad to legacy: says when the old side gave it back", async () => {
  consul.put(OWNER, "nomad");
  nomadTakes();
  const { result, said, text } = await give("legacy", {
    2: () => {
      consul.release();
      consul.says("standby", null, "the owner is legacy");
    },
    6: () => consul.take("legacys", "legacy"),
  });
  expect(result).toMatchObject({ outcome: "given", from: "nomad", tookMs: 1_500, releasedAfterMs: 500 });
  expect(said.slice(-2)).toEqual([expect.stringMatching(/one that does not, nobody starts: start it by hand, once the lease was given back/), "the lease was given back after 0.5 s"]);
  expect(text).toMatch(/took 1\.5 s; the old side had given it back after 0\.5 s/);
});

test("the old holder is not taken for the new one", async () => {
  consul.put(OWNER, "nomad");
  nomadTakes();
  const { result, text } = await give("legacy");
  expect(result).toMatchObject({ outcome: "not-taken", changed: true, from: "nomad", waitedMs: 3_000, status: { verdict: "handing-over" } });
  expect(text).toMatch(/the legacy worker has not taken the lease within 3\.0 s\. The owner was nomad and is legacy, and stays so\.[^]*still holds the lease[^]*to wait on: npm run gvfx -- lease give legacy\n +to go back: npm run gvfx -- lease give nomad \(with --legacy-worker-stopped, once no legacy worker runs\)$/);
});

test("already so: nothing is written", async () => {
  consul.put(OWNER, "nomad");
  nomadTakes();
  const { result, text } = await give("nomad");
  expect(result.outcome).toBe("already");
  expect(writes()).toEqual([]);
  expect(text).toBe("Nomad's worker has the lease already, and the owner is nomad; nothing was changed.");
});

test("repeated after an interruption, it waits for what the first began", async () => {
  const stop = new AbortController();
  const first = await give("nomad", { 1: () => stop.abort() }, { signal: stop.signal });
  expect(first.result).toMatchObject({ outcome: "interrupted", changed: true });
  expect(first.text).toMatch(/the hand-over goes on without this command.*give nomad; or go back: .*give legacy/);
  const second = await give("nomad", { 2: nomadTakes });
  expect(second.result).toMatchObject({ outcome: "given", changed: false, tookMs: 500 });
  expect(second.text).toMatch(/^The owner was nomad already; nothing was changed\./);
  expect(writes()).toHaveLength(1);
});

test("interrupted before it began, nothing is changed", async () => {
  const { result } = await give("nomad", {}, { signal: AbortSignal.abort() });
  expect(result).toMatchObject({ outcome: "interrupted", changed: false });
  expect(owner()).toBe("legacy");
});

test("given there and back before the holder noticed: it kept what it had, and that is well", async () => {
  consul.put(OWNER, "nomad");
  nomadTakes();
  consul.put(OWNER, "legacy");
  const { result } = await give("nomad");
  expect(result).toMatchObject({ outcome: "given", changed: true, releasedAfterMs: undefined });
});

test("another hand changes it at the same moment: never overwritten", async () => {
  consul.onRequest = ({ path }) => {
    if (path.includes("?cas=") && owner() === "legacy") consul.put(OWNER, "nobody");
  };
  const { result, text } = await give("nomad");
  expect(result).toEqual({ outcome: "refused", why: "changed-meanwhile", found: "nobody" });
  expect(owner()).toBe("nobody");
  expect(text).toMatch(/somebody else set the owner to nobody/);
});

test("another hand takes it back while this waits", async () => {
  const { result, text } = await give("nomad", { 2: () => consul.put(OWNER, "nobody") });
  expect(result).toEqual({ outcome: "taken-back", from: "legacy", found: "nobody" });
  expect(text).toContain("from nomad to nobody");
});

test("without the key there is nothing to change", async () => {
  consul.keys.delete(OWNER);
  const { result, text } = await give("nomad");
  expect(result).toMatchObject({ outcome: "refused", why: "no-key" });
  expect(consul.keys.has(OWNER)).toBe(false);
  expect(text).toContain("npx cdktf deploy cutover");
});

test("a Consul that elects a leader meanwhile is waited for", async () => {
  const { result } = await give("nomad", { 1: () => void (consul.failure = 500), 4: () => { consul.failure = undefined; nomadTakes(); } });
  expect(result).toMatchObject({ outcome: "given", tookMs: 1_000 });
});

test("a Consul that stays away is told at the end, with the owner as it is known", async () => {
  const { result, text } = await give("nomad", { 1: () => void (consul.failure = 500) });
  expect(result).toMatchObject({ outcome: "not-taken", changed: true, status: undefined });
  expect(text).toMatch(/at last Consul could not be asked: .*status 500/);
});

test("an answer that was lost after the change was made: the key says that it was", async () => {
  const { sources } = leaseAccess(production, { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, () => "");
  const lost = { ...sources, setOwner: async (to: Side | "nobody", index: number) => { await sources.setOwner(to, index); throw new Error("no answer"); } };
  const result = await giveWorker(lost, "nomad", { commands, legacyWorkerStopped: true, now: () => 0, wait: async () => nomadTakes() });
  expect(result).toMatchObject({ outcome: "given", changed: true });
  const before = { ...sources, setOwner: async () => { throw new Error("no answer"); } };
  consul.release();
  await expect(giveWorker(before, "legacy", { commands, legacyWorkerStopped: false })).rejects.toThrow("no answer");
});

test("a server that has no leader is passed over, also for the change", async () => {
  const cutOff = await new ConsulDouble().start();
  cutOff.failure = 500;
  const sources = new LeaseConsul([cutOff.url, consul.url], TOKEN, kvPaths("gvfx"));
  const { owner: seen } = await sources.readKeys();
  expect(await sources.setOwner("nomad", seen!.index)).toBe(true);
  expect(owner()).toBe("nomad");
  await cutOff.close();
});

describe("the command", () => {
  const run = async (...args: string[]) => {
    const written: string[] = [];
    const command = leaseCommand(() => production, { variables: { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, write: (text) => void written.push(text), complain: (text) => void written.push(text) });
    await new Command().addCommand(command).parseAsync(["lease", "give", ...args], { from: "user" });
    return { said: written.join("\n"), code: process.exitCode };
  };

  test("exits 0 when given and when it was so already, and says which Consul was asked", async () => {
    consul.onRequest = ({ path, method }) => {
      if (method === "PUT" && path.includes("txn") && owner() === "nomad" && !consul.sessions.has("nomads")) nomadTakes();
    };
    const first = await run("nomad", "--legacy-worker-stopped");
    expect(first.code).toBe(0);
    expect(first.said).toContain(`The worker of "production" is to be given to nomad, by Consul at ${consul.url}`);
    expect(first.said).toMatch(/Given: Nomad's worker/);
    const second = await run("nomad");
    expect([second.code, second.said]).toEqual([0, expect.stringContaining("nothing was changed")]);
  });

  test("exits 1 when the new side does not take it in time", async () => {
    const { said, code } = await run("nomad", "--legacy-worker-stopped", "--timeout", "1ms", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(said)).toMatchObject({ outcome: "not-taken", to: "nomad", changed: true, status: { verdict: "nobody" } });
  });

  test("exits 2 when Consul cannot be asked, and has changed nothing", async () => {
    consul.failure = 500;
    expect((await run("nomad")).code).toBe(2);
    expect(owner()).toBe("legacy");
  });
});
