/** What befalls Consul, its agent, the token and the program itself: who may go on does, and who may not is dead in time. */
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { describeOnLinux, describeEachRuntime } from "../containment/programs";
import { ConsulDouble, type Endpoint, LEASE_KEY } from "./consul-double";
import { pause, planted, QUICK, sinceBoot, SPEED, Stage, until, type Wrapper, type WrapperOptions } from "./wrapper";

/** From a deadline to the last tick: the loop's own tick, the kill, and a busy machine. */
const SLACK_MS = 350;
/** Longer than a worker may run on without a renewal. */
const PAST_DEADLINE_MS = QUICK.killAfterMs + 1_000;

let consul: ConsulDouble;
let agent: Endpoint;
let server: Endpoint;
let stage: Stage;
beforeEach(async () => {
  consul = new ConsulDouble(SPEED);
  agent = await consul.listen();
  server = await consul.listen();
  stage = new Stage();
});
afterEach(async () => {
  await stage.end();
  await consul.close();
});

describeOnLinux("the lease's program among faults", "user namespaces", () => {
  describeEachRuntime((runtime) => {
    async function running(options: Partial<WrapperOptions> = {}): Promise<Wrapper> {
      const w = stage.wrapper({ runtime, endpoints: [agent, server], ...options });
      await w.reaches("active");
      await until(() => stage.runs().length > 0, () => "a tick");
      return w;
    }

    /** One worker, which has been running all the time and still does. */
    async function undisturbed(w: Wrapper): Promise<void> {
      const before = stage.runs();
      await pause(200);
      expect(stage.runs()).toHaveLength(1);
      expect(stage.runs()[0].last).toBeGreaterThan(before[0].last);
      expect(w.phases()).toEqual(["acquiring", "active"]);
    }

    describe("the worker is not disturbed", () => {
      test.each<[string, () => void | Promise<void>, string]>([
        ["the local agent is gone", () => agent.refuse(), "asked at"],
        ["the local agent is silent", () => void (agent.fault = () => "silent"), "asked at"],
        ["the local agent has lost the servers", () => void (agent.fault = () => ({ status: 500, body: "No known Consul servers" })), "asked at"],
        ["the connections that there are fall silent, and new ones do not", () => {
          const old = new Set([agent, server].flatMap(({ requests }) => requests.map(({ connection }) => connection)));
          for (const endpoint of [agent, server]) endpoint.fault = ({ connection }) => (old.has(connection) ? "silent" : undefined);
        }, ""],
        ["every answer takes 600 ms", () => [agent, server].forEach((endpoint) => (endpoint.fault = () => ({ delayMs: 600 }))), ""],
        ["every second request fails", () => {
          let n = 0;
          for (const endpoint of [agent, server]) endpoint.fault = () => ((n += 1) % 2 ? { status: 500 } : undefined);
        }, ""],
      ])("when %s", async (_, fail, said) => {
        const w = await running();
        await fail();
        await pause(PAST_DEADLINE_MS);
        await undisturbed(w);
        expect(w.output).toContain(said);
      });

      test("when the agent is restarted, and it is asked again afterwards", async () => {
        const w = await running();
        await agent.refuse();
        await pause(500);
        await agent.open();
        await pause(PAST_DEADLINE_MS);
        await undisturbed(w);
      });

      test("when there is no leader for a while", async () => {
        const w = await running();
        consul.leaderless = true;
        await pause(1_200);
        consul.elected();
        await pause(PAST_DEADLINE_MS);
        await undisturbed(w);
        expect(w.lines.map(({ event }) => event)).toEqual(expect.arrayContaining(["consul-fails", "consul-answers"]));
      });

      test("when the token is refused and the file has a new one in time; no log shows either", async () => {
        const w = await running();
        consul.tokens.clear();
        consul.tokens.add("token-of-tomorrow");
        await until(() => w.line("consul-refuses") !== undefined, () => "the refusal");
        stage.token("token-of-tomorrow");
        await pause(PAST_DEADLINE_MS);
        await undisturbed(w);
        expect(w.output).not.toMatch(/token-of/);
      });

      test("when the token loses its rights and gets them back in time, though Consul then answers as if there were no key", async () => {
        const w = await running();
        consul.powerless.add("token-of-the-test");
        await pause(1_000);
        consul.powerless.clear();
        await pause(PAST_DEADLINE_MS);
        await undisturbed(w);
      });
    });

    describe("the worker is dead before its deadline", () => {
      /** Everything about the last renewal that Consul answered well, and the last tick after it. */
      async function lost(w: Wrapper, fail: () => void | Promise<void>): Promise<number> {
        const cut = sinceBoot();
        await fail();
        await w.reaches("killing");
        await w.reaches("standby");
        return stage.runs()[0].last - cut;
      }

      test.each<[string, () => void | Promise<unknown>]>([
        ["Consul's connections are silent", () => [agent, server].forEach((endpoint) => (endpoint.fault = () => "silent"))],
        ["Consul's connections are refused", () => Promise.all([agent.refuse(), server.refuse()])],
        ["Consul has no leader", () => void (consul.leaderless = true)],
        ["every answer comes too late", () => [agent, server].forEach((endpoint) => (endpoint.fault = () => ({ delayMs: 5_000 })))],
        ["the token is refused", () => void consul.tokens.clear()],
      ])("when %s; it is asked to end first, and the program goes on", async (_, fail) => {
        const w = await running({ command: stage.worker("", "trap '' TERM") });
        const ran = await lost(w, async () => void (await fail()));
        expect(ran).toBeLessThan(QUICK.killAfterMs + SLACK_MS);
        expect(w.phases().slice(2, 4)).toEqual(["draining", "killing"]);
        expect(JSON.parse((await w.get("/healthz")).text)).toMatchObject({ status: "ok" });
      });

      test("when the key is deleted: at once, since nothing holds back the next one", async () => {
        const w = await running();
        const ran = await lost(w, () => consul.delete(LEASE_KEY));
        expect(ran).toBeLessThan(QUICK.renewEveryMs + SLACK_MS);
        expect(w.phases()[2]).toBe("killing");
      });

      test("when the session is destroyed", async () => {
        const w = await running();
        const ran = await lost(w, () => consul.end(String(consul.holder()), "destroyed"));
        expect(ran).toBeLessThan(QUICK.renewEveryMs + SLACK_MS);
      });
    });

    test("after a cut that outlasted the deadline, and not the session, the worker runs again within a second or so", async () => {
      const w = await running();
      for (const endpoint of [agent, server]) endpoint.fault = () => "silent";
      await w.reaches("standby");
      const healed = performance.now();
      for (const endpoint of [agent, server]) endpoint.fault = undefined;
      await w.reaches("active", 2);
      // Not the 3 s to 8 s that its own session and the lock-delay would take.
      expect(performance.now() - healed).toBeLessThan(2_000);
      await until(() => stage.runs().length === 2, () => "a second run");
      expect(stage.oneByOne()).toEqual(["a", "a"]);
    });

    describe("nobody reads the log any more", () => {
      /** Cuts Consul off when the log's pipe is full. @returns how long the worker ran on, in milliseconds */
      async function ranOn(program?: (text: string) => string): Promise<number> {
        const path = join(stage.path, "log");
        expect(spawnSync("mkfifo", [path]).status).toBe(0);
        const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
        const stdout = openSync(path, constants.O_WRONLY);
        const filling = stage.worker("", "head -c 100000 /dev/zero & trap '' TERM");
        const w = stage.wrapper({ runtime, endpoints: [agent, server], stdout, command: filling, program });
        await until(() => stage.runs().length > 0, () => "a tick");
        await pause(500);
        const cut = sinceBoot();
        for (const endpoint of [agent, server]) endpoint.fault = () => ({ status: 500 });
        await pause(2 * PAST_DEADLINE_MS);
        const [{ last }] = stage.runs();
        await w.kill();
        for (const fd of [reader, stdout]) closeSync(fd);
        return last - cut;
      }

      test("the deadline is kept all the same", async () => {
        const ran = await ranOn();
        expect(ran).toBeGreaterThan(1_000);
        expect(ran).toBeLessThan(QUICK.killAfterMs + SLACK_MS);
      });

      test("planted: a program that waits for the log's reader does not keep it", async () => {
        expect(await ranOn(planted("this.kind = kindOf(fd);", 'this.kind = "other";'))).toBeGreaterThan(PAST_DEADLINE_MS);
      });
    });
  });
});
