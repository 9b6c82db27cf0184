/** The bundled program: command line, start and end of the worker, exit codes, signals, its pages. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { spawnSync } from "node:child_process";
import { describeOnLinux, INIT, NAMESPACE, describeEachRuntime } from "../containment/programs";
import { ConsulDouble, type Endpoint } from "./consul-double";
import { BUNDLE, pause, planted, SPEED, Stage, until, type WrapperOptions } from "./wrapper";

let consul: ConsulDouble;
let agent: Endpoint;
let stage: Stage;
beforeEach(async () => {
  consul = new ConsulDouble(SPEED);
  agent = await consul.listen();
  stage = new Stage();
});
afterEach(async () => {
  await stage.end();
  await consul.close();
});

describeOnLinux("the lease's program", "user namespaces", () => {
  describeEachRuntime((runtime) => {
    const wrapper = (options: Partial<WrapperOptions> = {}) => stage.wrapper({ runtime, endpoints: [agent], ...options });

    test("runs the worker while it holds the lease; on a stop it gives it back, and ends with the worker's code", async () => {
      const w = wrapper();
      await w.reaches("active");
      await until(() => stage.runs().length === 1, () => "a tick");
      expect(consul.leaseText()).toMatch(/^nomad on server-1 \(PID \d+ of /);
      const stopped = performance.now();
      expect(await w.signal("SIGTERM").ended).toBe(7);
      expect(performance.now() - stopped).toBeLessThan(1_500);
      expect(w.phases()).toEqual(["acquiring", "active", "draining", "killing", "releasing", "destroying", "done"]);
      // Released first, so that no lock-delay follows.
      expect(consul.holders.map(({ how }) => how)).toEqual(["lock", "unlock"]);
      expect(consul.sessions.size).toBe(0);
      expect(w.output).not.toMatch(/token-of/);
    });

    test("its connection to Consul is kept while all is well, and is a new one after a failure", async () => {
      const w = wrapper();
      await w.reaches("active");
      await until(() => agent.requests.length > 12, () => "a dozen requests");
      const connections = () => new Set(agent.requests.map(({ connection }) => connection));
      expect(connections().size).toBe(1);
      const before = connections();
      let failures = 0;
      agent.fault = () => ((failures += 1) === 1 ? { status: 500 } : undefined);
      await until(() => failures > 4, () => "more requests");
      const { connection } = agent.requests[agent.requests.length - 1];
      expect(before.has(connection)).toBe(false);
      expect(connections().size).toBe(2);
    });

    test.each<[string, string[], number]>([
      ["by itself", ["sh", "-c", "sleep 0.2; exit 3"], 3],
      ["by a signal", ["sh", "-c", "kill -KILL $$"], 137],
      ["well", ["true"], 0],
    ])("a worker that ended %s ends it, with the worker's code", async (_, command, code) => {
      const w = wrapper({ command });
      expect(await w.ended).toBe(code);
      expect(consul.holders.map(({ how }) => how)).toEqual(["lock", "unlock"]);
    });

    test("stopped in standby it ends with 0, and nothing was started", async () => {
      consul.set("gvfx/worker-owner", "legacy");
      const w = wrapper();
      await until(() => agent.requests.length > 2, () => "some looks");
      expect(await w.signal("SIGINT").ended).toBe(0);
      expect(stage.runs()).toEqual([]);
    });

    test("a worker that ignores the stop is killed when its grace is over", async () => {
      const w = wrapper({ command: stage.worker("", "trap '' TERM") });
      await w.reaches("active");
      await until(() => stage.runs().length === 1, () => "a tick");
      const stopped = performance.now();
      expect(await w.signal("SIGTERM").ended).toBe(137);
      expect(performance.now() - stopped).toBeGreaterThan(1_900);
      expect(performance.now() - stopped).toBeLessThan(4_000);
    });

    test("what a worker leaves behind is dead before the lease is given back", async () => {
      const left = stage.worker("", "trap '' TERM HUP");
      const w = wrapper({ command: ["sh", "-c", `setsid ${left.join(" ")} & sleep 0.5`] });
      expect(await w.ended).toBe(0);
      const [run] = stage.runs();
      expect(run.last).toBeGreaterThan(run.first);
      await pause(200);
      expect(stage.runs()).toEqual([run]);
    });

    test("signals that are the worker's own are passed on", async () => {
      const w = wrapper({ command: stage.worker("", "trap 'echo got HUP' HUP; trap 'echo got USR1' USR1; trap 'echo got USR2' USR2") });
      await w.reaches("active");
      await until(() => stage.runs().length === 1, () => "a tick");
      for (const name of ["HUP", "USR1", "USR2"] as const) {
        w.signal(`SIG${name}`);
        await until(() => w.output.includes(`got ${name}`), () => `got ${name}; it said\n${w.output}`);
      }
      expect(w.phases().at(-1)).toBe("active");
    });

    test("the worker's environment has no access to Consul, and its output is the program's own", async () => {
      const w = wrapper({ command: ["sh", "-c", 'echo "token=$CONSUL_HTTP_TOKEN name=$NAME"; echo said >&2'] });
      await w.ended;
      expect(w.output).toContain("token= name=a\n");
      expect(w.output).toContain("said\n");
    });

    test("healthy and told in standby and active, with the worker's metrics", async () => {
      const metrics = createServer((_, res) => res.end("worker_orders_total 9\n"));
      await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
      consul.set("gvfx/worker-owner", "legacy");
      const w = wrapper({ settings: { childMetricsUrl: `http://127.0.0.1:${(metrics.address() as AddressInfo).port}/metrics` } });
      await until(() => agent.requests.length > 1, () => "a look");
      await pause(50);
      expect(await w.get("/healthz")).toMatchObject({ status: 200, text: '{"status":"ok","detail":"standby"}\n' });
      expect(JSON.parse((await w.get("/state")).text)).toMatchObject({ phase: "standby", reason: "the owner is legacy", session: null, childPid: null, owner: "nomad", node: "server-1", version: expect.stringMatching(/^[0-9a-f]{12}$/) });
      consul.set("gvfx/worker-owner", "nomad");
      await w.reaches("active");
      await until(() => stage.runs().length === 1, () => "a tick");
      expect((await w.get("/healthz")).status).toBe(200);
      const state = JSON.parse((await w.get("/state")).text) as { session: string; remainingMs: number; childPid: number };
      expect(state.session).toBe(consul.holder());
      expect(state.remainingMs).toBeGreaterThan(1_500);
      expect(w.family()).toContain(state.childPid);
      const { text } = await w.get("/metrics");
      expect(text).toContain('gvfx_worker_lease_phase{phase="active"} 1\n');
      expect(text).toContain("gvfx_worker_lease_child_metrics_up 1\nworker_orders_total 9\n");
      metrics.closeAllConnections();
      metrics.close();
    });

    test("a command that is not there ends it with 126, and the lease is free", async () => {
      const w = wrapper({ command: ["no-such-program"] });
      expect(await w.ended).toBe(126);
      expect(w.line("start-failed")?.message).toMatch(/no-such-program cannot be started: no executable file of that name in PATH/);
      expect(consul.holder()).toBeUndefined();
    });

    test("wrong settings are told all at once, as log lines, with 64", () => {
      const { status, stdout } = spawnSync(runtime, [BUNDLE, "/nowhere.json"], { encoding: "utf8" });
      expect(status).toBe(64);
      expect(stdout.trimEnd().split("\n").map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([expect.stringMatching(/names no worker/), expect.stringMatching(/nowhere.json cannot be read as JSON/)]);
    });

    test("a port that is taken ends it with 69, before anything was asked or started", async () => {
      const w = wrapper({ settings: { port: Number(new URL(agent.url).port) } });
      expect(await w.ended).toBe(69);
      expect(w.line("cannot-listen")?.message).toMatch(/EADDRINUSE/);
      expect(agent.requests).toEqual([]);
    });

    test("planted: an error of its own kills the worker, then ends it with 70", async () => {
      const w = wrapper({ program: planted("this.tickedAt = at;", 'this.tickedAt = at; if (this.state.phase === "active" && this.counts.renewed > 2) throw new Error("planted");') });
      expect(await w.ended).toBe(70);
      const { length } = stage.runs();
      expect(length).toBe(1);
      const [{ last }] = stage.runs();
      await pause(200);
      expect(stage.runs()[0].last).toBe(last);
      expect(w.line("internal-error")?.message).toMatch(/planted/);
    });
  });
});

describeOnLinux("the lease's program in a container", "root", () => {
  describeEachRuntime((runtime) => {
    const inits = INIT ? [["PID 1", []], ["below an init", [INIT, "--"]]] as const : [["PID 1", []]] as const;
    test.each(inits)("as %s it kills everything in it but the init, and passes the worker's code on", async (_, init) => {
      const left = stage.worker("", "trap '' TERM HUP");
      const w = stage.wrapper({ runtime, endpoints: [agent], under: [...NAMESPACE, ...init], settings: { containment: "container" }, command: ["sh", "-c", `setsid ${left.join(" ")} & trap 'exit 5' TERM; while :; do sleep 0.05; done`] });
      await w.reaches("active");
      await until(() => stage.runs().length === 1, () => "a tick");
      expect(consul.holder()).toBeDefined();
      process.kill(w.program(), "SIGTERM");
      expect(await w.ended).toBe(5);
      const [run] = stage.runs();
      await pause(200);
      expect(stage.runs()).toEqual([run]);
      expect(consul.holders.map(({ how }) => how)).toEqual(["lock", "unlock"]);
    });
  });
});
