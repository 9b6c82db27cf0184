import { Command } from "commander";
import { loadEnvironment } from "../../../environments/load";
import { leaseCommand } from "../../../scripts/lease/command";
import { ALLOCATION, ConsulDouble, LEASE, OWNER, TOKEN } from "./consul-double";

const production = loadEnvironment("production");
const SESSION = "5e551011-0000-4000-8000-000000000001";

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

async function lease(args: readonly string[], variables: Readonly<Record<string, string>> = { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }) {
  const written: string[] = [];
  const complaints: string[] = [];
  const command = leaseCommand(() => production, { variables, write: (text) => void written.push(text), complain: (text) => void complaints.push(text) });
  await new Command().addCommand(command).parseAsync(["lease", ...args], { from: "user" });
  const said = written.join("\n");
  const complained = complaints.join("\n");
  expect(said + complained).not.toContain(TOKEN);
  return { said, complained, code: process.exitCode };
}

const given = (owner: string): void => consul.put(OWNER, owner);

test("Nomad owns it and its worker holds the lease: well, with who, where and since when", async () => {
  given("nomad");
  consul.take(SESSION, `nomad on server-1 (allocation ${ALLOCATION})`);
  consul.says("active", SESSION);
  const { said, code } = await lease(["status"]);
  expect(code).toBe(0);
  expect(said).toMatch(new RegExp(`may run +Nomad's worker \\(${OWNER} is nomad\\)`));
  expect(said).toMatch(new RegExp(`runs +Nomad's worker on server-1 \\(allocation ${ALLOCATION.slice(0, 8)}\\), active since 2026-01-01T00:00:00.000Z: it holds the lease \\(session ${SESSION}\\)`));
  expect(said).toMatch(/session +gvfx\/worker-lease on server-1; TTL 10 s, lock-delay 12 s; its holder wrote: nomad on server-1 \(allocation/);
  expect(said).toMatch(/its worker is PID 17; 8\.5 s left without a renewal/);
  expect(said).toMatch(/Exactly one holder, under the right owner\.$/);
});

test("as JSON, for programs", async () => {
  given("nomad");
  consul.take(SESSION);
  consul.says("active", SESSION);
  const { said, code } = await lease(["status", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ environment: "production", owner: "nomad", verdict: "held", well: true, holder: { session: SESSION, side: "nomad", worker: { node: "server-1", phase: "active" } }, next: [] });
});

test("legacy holds it under its own wrapper: well, although its host is not asked", async () => {
  consul.take(SESSION);
  const { said, code } = await lease(["status"]);
  expect(code).toBe(0);
  expect(said).toMatch(/runs +the legacy worker holds the lease/);
});

describe("not well, with what helps", () => {
  const status = async () => {
    const { said, code } = await lease(["status", "--json"]);
    expect(code).toBe(1);
    return JSON.parse(said) as { verdict: string; runs: string; mayRun: string; next: string[] };
  };

  test("legacy owns it and nobody holds it: Nomad's stands by, and a legacy worker without the lease is not seen", async () => {
    expect(await status()).toMatchObject({ verdict: "nobody", runs: expect.stringMatching(/Nomad's worker on server-1 is in standby: the owner is legacy.*started without the lease is not seen/), next: [expect.stringContaining("start the legacy worker under the lease"), expect.stringMatching(/once no legacy worker runs \(ssh .*pgrep.*\): npm run gvfx -- lease give nomad --legacy-worker-stopped$/)] });
  });

  test("no owner key", async () => {
    consul.keys.delete(OWNER);
    expect(await status()).toMatchObject({ verdict: "nobody", mayRun: expect.stringContaining("does not exist yet"), next: [expect.stringContaining("cdktf deploy cutover")] });
  });

  test.each([["nobody", /guardian's roll-back/], ["somebody", /"somebody", which neither side goes by/]])("the owner is %s", async (owner, why) => {
    given(owner);
    expect(await status()).toMatchObject({ verdict: "nobody", mayRun: expect.stringMatching(why), next: [expect.stringContaining("give legacy"), expect.stringContaining("give nomad")] });
  });

  test("Nomad owns it and its worker stands by for a lock-delay", async () => {
    given("nomad");
    consul.says("standby", null, "the lease was refused");
    expect(await status()).toMatchObject({ verdict: "nobody", runs: expect.stringMatching(/standby: the lease was refused.*lock-delay/) });
  });

  test("Nomad owns it and no allocation is registered", async () => {
    given("nomad");
    consul.workers = [];
    expect(await status()).toMatchObject({ verdict: "nobody", runs: expect.stringContaining("no allocation of gvfx-worker is registered"), next: [expect.stringContaining("why gvfx-worker")] });
  });

  test("a session that no registered worker has: when it ends, and when the lease is free", async () => {
    given("nomad");
    consul.take(SESSION);
    expect(await status()).toMatchObject({ verdict: "unrenewed", runs: expect.stringMatching(/no registered worker has it.*at the latest 20 s after its last renewal, and the lease is free 12 s later/) });
  });

  test("held by Nomad's worker after the owner was given to legacy: it is on its way", async () => {
    given("nomad");
    consul.take(SESSION);
    given("legacy");
    consul.says("draining", SESSION, "the owner is legacy");
    expect(await status()).toMatchObject({ verdict: "handing-over", runs: expect.stringMatching(/Nomad's worker on server-1 .* still holds the lease .*draining/) });
  });

  test("held by somebody who took it earlier, and nothing says who", async () => {
    consul.take(SESSION);
    given("nomad");
    expect(await status()).toMatchObject({ verdict: "handing-over", holder: { session: SESSION }, runs: expect.stringMatching(/^somebody still holds the lease/) });
  });

  test("held by whoever wrote that it is legacy", async () => {
    consul.take(SESSION, "legacy on server-1 (PID 4711 of nomad)");
    given("nomad");
    expect(await status()).toMatchObject({ verdict: "handing-over", holder: { side: "legacy" } });
  });

  test.each([["acquiring", "starting"], ["draining", "ending"]])("a holder that is %s", async (phase, verdict) => {
    given("nomad");
    consul.take(SESSION);
    consul.says(phase, SESSION);
    expect((await status()).verdict).toBe(verdict);
  });
});

test("one that went back to the owner it had before keeps the lease it had", async () => {
  given("nomad");
  consul.take(SESSION);
  consul.says("active", SESSION);
  given("legacy");
  given("nomad");
  expect((await lease(["status"])).code).toBe(0);
});

test("a worker that cannot be asked is no fault of the lease: Consul's word counts, and it says so", async () => {
  given("nomad");
  consul.take(SESSION);
  consul.states.length = 0;
  const { said, code } = await lease(["status"]);
  expect(code).toBe(0);
  expect(said).toMatch(/its own word could not be had: server-1: the worker's \/state answered with status 503\. If it is gone, a session that nobody renews ends at the latest 20 s after/);
});

test("a session that the token may not see is said to be that, and not to be gone", async () => {
  given("nomad");
  consul.take(SESSION);
  consul.says("active", SESSION);
  consul.maySeeSessions = false;
  const { said, code } = await lease(["status"]);
  expect(code).toBe(0);
  expect(said).toMatch(/session +not to be seen: the token may not read sessions/);
});

test("a hand-over between the two reads is looked at again", async () => {
  given("nomad");
  consul.take(SESSION);
  consul.says("active", "other");
  let looks = 0;
  consul.onRequest = ({ path }) => {
    if (!path.startsWith("/v1/session") || looks++ > 0) return;
    consul.release();
    consul.take("other");
  };
  const { said, code } = await lease(["status", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ holder: { session: "other" } });
});

describe("could not ask: exit 2, with what, why and how to mend it", () => {
  test.each<[string, () => Readonly<Record<string, string>>, RegExp]>([
    ["no token", () => ({ CONSUL_HTTP_ADDR: consul.url }), /CONSUL_HTTP_TOKEN is not set/],
    ["a token that Consul does not know", () => ({ CONSUL_HTTP_ADDR: consul.url, CONSUL_HTTP_TOKEN: "another" }), /status 403: Consul does not know the token[^]*cutover operator's token/],
    ["an address that is none", () => ({ CONSUL_HTTP_ADDR: "http://:x", CONSUL_HTTP_TOKEN: TOKEN }), /CONSUL_HTTP_ADDR is "http:\/\/:x"/],
    ["nobody there", () => ({ CONSUL_HTTP_ADDR: "127.0.0.1:1", CONSUL_HTTP_TOKEN: TOKEN }), /127\.0\.0\.1:1.*ECONNREFUSED[^]*start Consul/],
  ])("%s", async (_what, variables, complaint) => {
    const { said, complained, code } = await lease(["status"], variables());
    expect({ said, code }).toEqual({ said: "", code: 2 });
    expect(complained).toMatch(complaint);
  });

  test("a token that may not read the keys is not taken for keys that are not there", async () => {
    consul.mayReadKeys = false;
    const { complained, code } = await lease(["status"]);
    expect(code).toBe(2);
    expect(complained).toMatch(new RegExp(`the token may not read Consul's keys ${OWNER} and ${LEASE}`));
  });

  test("no leader", async () => {
    consul.failure = 500;
    const { complained, code } = await lease(["status"]);
    expect(code).toBe(2);
    expect(complained).toMatch(/no leader.*\n.*Wait for an election/);
  });
});
