/** The fence in a real worker on Bun: the kernel ends it at its deadline, whoever sleeps. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUN, describeEachRuntime, describeOnLinux } from "../containment/programs";
import { ConsulDouble, type Endpoint } from "./consul-double";
import { pause, planted, QUICK, signalAll, sinceBoot, SPEED, Stage, until, type Wrapper, type WrapperOptions } from "./wrapper";

/** From a deadline to the last tick: the fence's rounding, and a busy machine between a tick's time and its writing. */
const SLACK_MS = 100;
const FENCED = { fence: "kernel-timer" } as const;

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

/** A worker on Bun that ticks every 20 ms or so. @param body runs first */
function bunWorker(body = ""): string[] {
  const file = join(stage.path, "worker.mjs");
  writeFileSync(file, `
    import { appendFileSync, readFileSync } from "node:fs";
    const run = crypto.randomUUID();
    const tick = () => appendFileSync(${JSON.stringify(join(stage.path, "ticks"))}, \`\${process.env.NAME} \${run} \${readFileSync("/proc/uptime", "utf8").split(" ")[0]}\\n\`);
    process.on("SIGTERM", () => process.exit(7));
    tick();
    setInterval(tick, 20);
    ${body}`);
  return [BUN!, "run", file];
}

const inBun = BUN ? describeOnLinux : (name: string, _: string, body: () => void) => describe.skip(`${name} (skipped: bun is not on PATH)`, body);

inBun("the fence", "user namespaces", () => {
  describeEachRuntime((runtime) => {
    async function running(options: Partial<WrapperOptions> = {}): Promise<Wrapper> {
      const w = stage.wrapper({ runtime, endpoints: [agent], settings: FENCED, ...options, command: options.command ?? bunWorker() });
      await until(() => stage.runs().length > 0, () => `a tick; it said\n${w.output}`);
      return w;
    }
    const state = async (w: Wrapper) => JSON.parse((await w.get("/state")).text) as { readonly phase: string; readonly fence: string; readonly childPid: number };
    /** Everyone below the program, which stays awake or asleep by itself. */
    const below = (w: Wrapper) => w.family().filter((pid) => pid !== w.pid);

    test("is armed before the worker's first line", async () => {
      const w = await running();
      expect(await state(w)).toMatchObject({ phase: "active", fence: "armed" });
      expect((await w.get("/metrics")).text).toContain("gvfx_worker_lease_fence_armed 1\n");
      expect(w.line("fence-armed")).toBeDefined();
    });

    test("a machine that stood still past the lease wakes no worker, though the lease program sleeps on; then one runs again", async () => {
      const w = await running();
      const frozenAt = sinceBoot();
      signalAll([w.pid, ...below(w)], "SIGSTOP");
      await pause(QUICK.killAfterMs + 1_000);
      signalAll(below(w), "SIGCONT");
      await pause(1_000);
      expect(stage.runs()).toHaveLength(1);
      expect(stage.runs()[0].last).toBeLessThanOrEqual(frozenAt + SLACK_MS);
      w.signal("SIGCONT");
      await until(() => stage.runs().length === 2, () => `another run; it said\n${w.output}`);
      expect(stage.oneByOne()).toEqual(["a", "a"]);
      expect(w.process.exitCode).toBeNull();
    });

    test("planted: without it the worker that wakes first goes on", async () => {
      const w = await running({ settings: { fence: "none" } });
      const frozenAt = sinceBoot();
      signalAll([w.pid, ...below(w)], "SIGSTOP");
      await pause(QUICK.killAfterMs + 1_000);
      signalAll(below(w), "SIGCONT");
      await until(() => stage.runs()[0].last > frozenAt + QUICK.killAfterMs, () => "a tick past the deadline");
    });

    test("planted: a timer that a stopped program's clock would keep waiting is found out", async () => {
      const w = await running({ program: planted("CLOCK_BOOTTIME = 7", "CLOCK_BOOTTIME = 2") });
      // CLOCK_PROCESS_CPUTIME_ID stands still with the process.
      const frozenAt = sinceBoot();
      signalAll([w.pid, ...below(w)], "SIGSTOP");
      await pause(QUICK.killAfterMs + 1_000);
      signalAll(below(w), "SIGCONT");
      await until(() => stage.runs()[0].last > frozenAt + QUICK.killAfterMs, () => "a tick past the deadline");
    });

    test("a lease program that hangs alone loses its worker at the deadline, to the tick", async () => {
      const w = await running();
      await pause(QUICK.renewEveryMs * 2);
      const hungAt = sinceBoot();
      w.signal("SIGSTOP");
      await pause(QUICK.killAfterMs + 1_000);
      const [run] = stage.runs();
      expect(run.last).toBeLessThanOrEqual(hungAt + QUICK.killAfterMs + SLACK_MS);
      expect(run.last).toBeGreaterThan(hungAt + QUICK.killAfterMs - 2 * QUICK.renewEveryMs - QUICK.requestTimeoutMs);
    });

    test("a worker that computes for longer than a lease lasts is not ended", async () => {
      const w = await running({ command: bunWorker(`const end = performance.now() + ${QUICK.killAfterMs * 2}; while (performance.now() < end); tick();`) });
      await pause(QUICK.killAfterMs * 2 + 1_000);
      expect(await state(w)).toMatchObject({ phase: "active", fence: "armed" });
      expect(stage.runs()).toHaveLength(1);
      expect(w.phases()).toEqual(["acquiring", "active"]);
    });

    test("code and signals pass through, and what the worker starts knows nothing of it", async () => {
      const seen = join(stage.path, "seen");
      const w = await running({ command: bunWorker(`
        const { spawnSync } = await import("node:child_process");
        const { writeFileSync } = await import("node:fs");
        const { Worker } = await import("node:worker_threads");
        const thread = await new Promise((said) => new Worker("require('node:worker_threads').parentPort.postMessage('hello')", { eval: true }).once("message", said));
        const child = spawnSync(process.execPath, ["-e", "console.log(JSON.stringify({ options: process.env.BUN_OPTIONS ?? null, fence: process.env.WORKER_LEASE_FENCE ?? null }))"]);
        writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ thread, child: JSON.parse(String(child.stdout)), arguments: process.argv.slice(2) }));
        writeFileSync(${JSON.stringify(`${seen}.done`)}, "");`).concat("one", "two") });
      await until(() => existsSync(`${seen}.done`), () => `what was seen; it said\n${w.output}`);
      expect(JSON.parse(readFileSync(seen, "utf8"))).toEqual({ thread: "hello", child: { options: null, fence: null }, arguments: ["one", "two"] });
      w.signal("SIGTERM");
      expect(await w.ended).toBe(7);
    });

    test("a worker that ends by itself ends the program with its code", async () => {
      const w = await running({ command: bunWorker("setTimeout(() => process.exit(3), 300);") });
      expect(await w.ended).toBe(3);
    });

    test("a worker that does not load it is not left to run", async () => {
      const w = stage.wrapper({ runtime, endpoints: [agent], settings: FENCED, program: planted("ARMED_WITHIN_MS = 3e4", "ARMED_WITHIN_MS = 500") });
      expect(await w.ended).toBe(126);
      expect(w.line("start-failed")?.message).toContain("Bun 1.2.21 and later do");
    });
  });
});
