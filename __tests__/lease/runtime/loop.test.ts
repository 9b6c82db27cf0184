/** The loop around the protocol while it stands by, holds the lease, or sleeps through its deadline. */
import { load } from "./program";
import { stage } from "./stage";

afterEach(() => jest.useRealTimers());

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
