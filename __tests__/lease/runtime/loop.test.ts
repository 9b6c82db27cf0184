/** The loop around the protocol, with a containment and a Consul that do what a test says, and a clock that it sets. */
import { keepingLog, load, program, settingsWith, type Outcome, type Program, type Started } from "./program";

afterEach(() => jest.useRealTimers());

const settled = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

function stage(of: Program = program) {
  jest.useFakeTimers();
  let at = 0;
  const { log, lines } = keepingLog();
  const done: string[] = [];
  const exits: number[] = [];
  const asked: Outcome[] = [];
  /** By effect: what Consul answers. Without an answer it stays open. */
  const answers: Record<string, (effect: Outcome) => Outcome | undefined> = {
    observe: () => ({ type: "observed", owner: "nomad", ownerIndex: 7, holder: null }),
    "create-session": () => ({ type: "session-created", session: "s1", sentAt: at }),
    acquire: ({ session }) => ({ type: "acquired", session }),
    renew: ({ session }) => ({ type: "renewed", session, sentAt: at, owner: "nomad" }),
    release: ({ session }) => ({ type: "released", session }),
    destroy: ({ session }) => ({ type: "destroyed", session }),
  };
  let end: (code: number) => void = () => undefined;
  const containment = {
    problem: () => undefined,
    start: (command: readonly string[], environment: Readonly<Record<string, string | undefined>>): Started => {
      done.push(`start ${command.join(" ")} ${JSON.stringify(environment)}`);
      return { pid: 42, exited: new Promise((resolve) => (end = (code) => resolve({ code }))) };
    },
    signal: (name: string) => void done.push(`signal ${name}`),
    killAll: () => {
      done.push("kill");
      end(137);
      return Promise.resolve();
    },
  };
  const consul = {
    perform: (effect: Outcome) => {
      asked.push(effect);
      const outcome = answers[effect.type](effect);
      return outcome !== undefined ? Promise.resolve(outcome) : new Promise<Outcome>(() => undefined);
    },
  };
  const loop = new of.Loop({ settings: settingsWith(), command: ["bun", "worker.ts"], environment: { A: "1" }, consul, containment, now: () => at, log, exit: (code) => exits.push(code) });
  return {
    loop, lines, done, exits, asked, answers, containment,
    ends: async (code: number) => {
      end(code);
      await settled();
    },
    /** Time passes for clock and timers alike. */
    passes: async (ms: number) => {
      for (let left = ms; left > 0; left -= 100) {
        at += Math.min(100, left);
        jest.advanceTimersByTime(Math.min(100, left));
        await settled();
      }
    },
    /** The machine stands still: only the clock, which sees suspends, goes on. */
    sleeps: (ms: number) => (at += ms),
    async runs() {
      loop.run();
      await settled();
      expect(loop.state.phase).toBe("active");
    },
  };
}

test("takes the lease, starts the worker with its environment, and renews every second", async () => {
  const { runs, passes, done, asked, loop } = stage();
  await runs();
  expect(done).toEqual(['start bun worker.ts {"A":"1"}']);
  expect(asked.map(({ type }) => type)).toEqual(["observe", "create-session", "acquire", "renew"]);
  await passes(5_000);
  expect(asked.filter(({ type }) => type === "renew")).toHaveLength(6);
  expect(loop.counts).toMatchObject({ acquired: 1, start: 1, renewed: 6, kill: 0 });
});

test("in standby the log says what it waits for, each time that changes", async () => {
  const { loop, passes, answers, lines } = stage();
  const told = () => lines.filter(({ event }) => event === "phase").map(({ message }) => message);
  answers.observe = () => ({ type: "observed", owner: "legacy", ownerIndex: 7, holder: null });
  loop.run();
  await passes(3_000);
  answers.observe = () => ({ type: "observed", owner: "nomad", ownerIndex: 8, holder: "s0" });
  await passes(3_000);
  answers.observe = () => ({ type: "observe-failed", why: "Consul gives no usable answer" });
  await passes(3_000);
  expect(told()).toEqual(["standby: the owner is legacy", "standby: the lease is held by session s0", "standby: Consul gives no usable answer"]);
});

test("in standby it wakes once a second; with a lease it looks at the deadline ten times", async () => {
  const { loop, passes, answers } = stage();
  let ticks = 0;
  const { dispatch } = loop;
  loop.dispatch = (outcome) => {
    if (outcome.type === "tick") ticks += 1;
    dispatch.call(loop, outcome);
  };
  const free = answers.observe;
  answers.observe = () => ({ type: "observed", owner: "legacy", ownerIndex: 7, holder: null });
  loop.run();
  await passes(5_000);
  expect(ticks).toBeGreaterThanOrEqual(5);
  expect(ticks).toBeLessThanOrEqual(7);
  answers.observe = free;
  // From its first moment on: the wait that standby had begun is cut short.
  await passes(1_000);
  expect(loop.state.phase).toBe("active");
  ticks = 0;
  await passes(1_000);
  expect(ticks).toBeGreaterThanOrEqual(9);
  expect(ticks).toBeLessThanOrEqual(11);
});

test("without an answer it asks the worker to end after 8 s and kills after 9 s, to the tick; then it stands by", async () => {
  const { runs, passes, done, answers, loop, lines, exits } = stage();
  await runs();
  answers.renew = () => undefined;
  answers.release = ({ session }) => ({ type: "release-failed", session });
  answers.observe = () => ({ type: "observe-failed", why: "Consul gives no usable answer" });
  await passes(7_900);
  expect(done).toHaveLength(1);
  await passes(100);
  expect(done.slice(1)).toEqual(["signal SIGTERM"]);
  await passes(900);
  expect(done.slice(1)).toEqual(["signal SIGTERM"]);
  await passes(100);
  expect(done.slice(1)).toEqual(["signal SIGTERM", "kill"]);
  await passes(1_100);
  expect(loop.state).toMatchObject({ phase: "standby", session: null, reason: "Consul gives no usable answer" });
  expect(loop.counts.kill).toBe(1);
  expect(exits).toEqual([]);
  expect(lines.filter(({ level }) => level === "warning").map(({ message }) => message)).toEqual(["active -> draining: no renewal for 8000 ms", "draining -> killing: no renewal for 9000 ms"]);
});

test("a machine that slept through the deadline kills with the first thing that wakes it, though that is a late yes", async () => {
  const { runs, passes, sleeps, done, answers, loop } = stage();
  await runs();
  answers.renew = () => undefined;
  await passes(1_000);
  sleeps(60_000);
  loop.dispatch({ type: "renewed", session: "s1", sentAt: 1_000, owner: "nomad" });
  expect(done.slice(1)).toEqual(["kill"]);
});

test("planted: with a clock that is not asked after each event, the late yes would let the worker run on", async () => {
  const defect = load({ module: "protocol.mjs", text: 'if (silent >= timing.killAfterMs) kill(', by: 'if (event.type === "tick" && at - state.since < 0) kill(' });
  const { runs, sleeps, done, answers, loop } = stage(defect);
  await runs();
  answers.renew = () => undefined;
  sleeps(60_000);
  loop.dispatch({ type: "renewed", session: "s1", sentAt: 0, owner: "nomad" });
  expect(done.slice(1)).not.toContain("kill");
});

test("an ordered stop drains, gives back, ends the session, and passes the worker's code on", async () => {
  const { runs, ends, done, asked, exits, loop } = stage();
  await runs();
  loop.dispatch({ type: "stop", signal: "SIGINT" });
  expect(done.slice(1)).toEqual(["signal SIGINT"]);
  await ends(130);
  expect(done.slice(1)).toEqual(["signal SIGINT", "kill"]);
  expect(asked.map(({ type }) => type).slice(-2)).toEqual(["release", "destroy"]);
  expect(exits).toEqual([130]);
  expect(loop.counts.kill).toBe(0);
});

test("a worker that ignores the stop is killed when its grace is over", async () => {
  const { runs, passes, done, exits, loop } = stage();
  await runs();
  loop.dispatch({ type: "stop", signal: "SIGTERM" });
  await passes(19_900);
  expect(done.slice(1)).toEqual(["signal SIGTERM"]);
  await passes(100);
  expect(done.slice(1)).toEqual(["signal SIGTERM", "kill"]);
  await passes(100);
  expect(exits).toEqual([137]);
  expect(loop.counts.kill).toBe(1);
});

test("a worker that ends by itself ends the program, with what it left behind killed first", async () => {
  const { runs, ends, done, exits, asked } = stage();
  await runs();
  await ends(3);
  expect(done.slice(1)).toEqual(["kill"]);
  expect(asked.map(({ type }) => type).slice(-2)).toEqual(["release", "destroy"]);
  expect(exits).toEqual([3]);
});

test("an owner that changes stops the worker, not the program; when it changes back the worker is started again", async () => {
  const { runs, passes, ends, done, answers, exits, loop } = stage();
  await runs();
  const mine = answers.renew;
  answers.renew = ({ session }) => ({ type: "renewed", session, sentAt: 0, owner: "legacy" });
  answers.observe = () => ({ type: "observed", owner: "legacy", ownerIndex: 8, holder: null });
  await passes(1_000);
  expect(done.slice(1)).toEqual(["signal SIGTERM"]);
  await ends(0);
  await passes(3_000);
  expect(loop.state).toMatchObject({ phase: "standby", reason: "the owner is legacy" });
  expect(exits).toEqual([]);
  answers.renew = mine;
  answers.observe = () => ({ type: "observed", owner: "nomad", ownerIndex: 9, holder: null });
  await passes(1_000);
  expect(loop.state.phase).toBe("active");
  expect(loop.counts).toMatchObject({ acquired: 2, start: 2 });
});

test("a lease that could not be given back is given back as soon as Consul answers again", async () => {
  const { runs, passes, answers, asked, loop } = stage();
  await runs();
  answers.renew = () => undefined;
  answers.release = ({ session }) => ({ type: "release-failed", session });
  answers.destroy = ({ session }) => ({ type: "destroy-failed", session });
  answers.observe = () => ({ type: "observe-failed" });
  await passes(12_000);
  expect(loop.state.phase).toBe("standby");
  answers.release = ({ session }) => ({ type: "released", session });
  answers.destroy = ({ session }) => ({ type: "destroyed", session });
  answers.observe = () => ({ type: "observed", owner: "nomad", ownerIndex: 7, holder: asked.some(({ type }, i) => type === "release" && i > released) ? null : "s1" });
  const released = asked.length;
  answers["create-session"] = () => ({ type: "session-created", session: "s2", sentAt: 12_000 });
  await passes(1_000);
  expect(asked.slice(released).map(({ type }) => type)).toEqual(["observe", "release", "destroy"]);
  expect(asked.slice(released)[1]).toEqual({ type: "release", session: "s1" });
  await passes(1_000);
  expect(loop.state).toMatchObject({ phase: "active", session: "s2" });
});

test("a worker that cannot be started gives the lease back and ends the program with 126", async () => {
  const { loop, containment, exits, asked, lines } = stage();
  containment.start = () => {
    throw new Error("bun cannot be started: no executable file of that name in PATH");
  };
  loop.run();
  await settled();
  expect(asked.map(({ type }) => type)).toEqual(["observe", "create-session", "acquire", "renew", "release", "destroy"]);
  expect(exits).toEqual([126]);
  expect(lines).toContainEqual(expect.objectContaining({ level: "error", event: "start-failed", message: expect.stringContaining("no executable file of that name") }));
  expect(loop.health()).toMatchObject({ ok: false });
});

test.each<[string, (s: ReturnType<typeof stage>) => void]>([
  ["Consul's client throws", ({ answers }) => (answers.renew = () => { throw new Error("planted"); })],
  ["an answer is none", ({ answers }) => (answers.renew = () => null as never)],
  ["a kill fails", ({ answers, containment }) => {
    const kill = containment.killAll;
    containment.killAll = () => {
      containment.killAll = kill;
      return Promise.reject(new Error("planted"));
    };
    answers.renew = ({ session }) => ({ type: "renew-lost", session });
  }],
])("when %s, everything is killed before the program ends with 70", async (_, spoil) => {
  const s = stage();
  await s.runs();
  spoil(s);
  await s.passes(1_000);
  expect(s.done.at(-1)).toBe("kill");
  expect(s.exits).toEqual([70]);
  expect(s.lines).toContainEqual(expect.objectContaining({ level: "error", event: "internal-error" }));
  const before = s.asked.length;
  await s.passes(5_000);
  expect(s.asked).toHaveLength(before);
  expect(s.loop.health().ok).toBe(false);
});

test("a kill that never ends does not keep the program: its own end ends the rest", async () => {
  const s = stage();
  await s.runs();
  s.containment.killAll = () => new Promise(() => undefined);
  void s.loop.fail(new Error("planted"));
  await s.passes(1_900);
  expect(s.exits).toEqual([]);
  await s.passes(200);
  expect(s.exits).toEqual([70]);
});

test("a signal of the worker's own is passed on while one runs; a failure to pass it harms nobody", async () => {
  const { loop, runs, done, containment, exits } = stage();
  loop.forward("SIGHUP");
  expect(done).toEqual([]);
  await runs();
  loop.forward("SIGUSR2");
  expect(done.slice(1)).toEqual(["signal SIGUSR2"]);
  containment.signal = () => {
    throw Object.assign(new Error("kill ESRCH"), { code: "ESRCH" });
  };
  loop.forward("SIGUSR1");
  expect(exits).toEqual([]);
  expect(loop.state.phase).toBe("active");
});

test("a standby that looks at the lease every eight seconds is as healthy between two looks", async () => {
  const { loop, passes, answers } = stage();
  Object.assign(loop.settings.timing, { renewEveryMs: 8_000 });
  answers.observe = () => ({ type: "observed", owner: "legacy", ownerIndex: 7, holder: null });
  loop.run();
  await passes(7_900);
  expect(loop.health()).toEqual({ ok: true, detail: "standby" });
});

test("healthy in standby and active, ill when the loop stands still or a kill hangs", async () => {
  const { loop, runs, sleeps, passes, containment } = stage();
  expect(loop.health()).toEqual({ ok: true, detail: "standby" });
  await runs();
  expect(loop.health()).toEqual({ ok: true, detail: "active" });
  sleeps(5_001);
  expect(loop.health()).toEqual({ ok: false, detail: "the loop has not ticked for 5001 ms" });
  await passes(100);
  containment.killAll = () => new Promise(() => undefined);
  loop.dispatch({ type: "renew-lost", session: "s1" });
  await passes(5_100);
  expect(loop.health()).toEqual({ ok: false, detail: "what was started is killed and not dead yet" });
});
