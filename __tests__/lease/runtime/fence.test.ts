/** The lease program's side of the fence: what is told when, and what becomes of a worker that has none. */
import { PassThrough } from "node:stream";
import { keepingLog, load, program, type Program } from "./program";
import { settled, stage } from "./stage";

afterEach(() => jest.useRealTimers());

const FENCED = { fenced: true };

test("the worker's kernel is told the deadline at the start, counted from before the session was asked for", async () => {
  const { runs, done } = stage(program, FENCED);
  await runs();
  expect(done).toEqual(['start bun worker.ts {"A":"1","FENCE":"1"}', "fence at 9000"]);
});

test("a renewal moves the deadline on, and one that fails does not", async () => {
  const { runs, passes, done, answers } = stage(program, FENCED);
  await runs();
  await passes(2_000);
  expect(done.slice(2)).toEqual(["fence at 10000", "fence at 11000"]);
  answers.renew = ({ session }) => ({ type: "renew-failed", session });
  await passes(3_000);
  expect(done.slice(4)).toEqual([]);
});

test("planted: a deadline that counts from the answer is told too late", async () => {
  const late = async (of: Program) => {
    const { runs, passes, done, answers } = stage(of, FENCED);
    await runs();
    answers.renew = ({ session }) => ({ type: "renewed", session, sentAt: 500, owner: "nomad" });
    await passes(1_000);
    return done.at(-1);
  };
  expect(await late(program)).toBe("fence at 9500");
  expect(await late(load({ module: "protocol.mjs", text: "Math.max(state.renewedAt, event.sentAt)", by: "Math.max(state.renewedAt, at)" }))).toBe("fence at 10000");
});

test("what the kernel ended past the deadline is not the worker's own end: the program stands by", async () => {
  const { runs, passes, sleeps, ends, exits, loop, answers } = stage(program, FENCED);
  await runs();
  await passes(1_000);
  answers.observe = () => ({ type: "observed", owner: "nomad", ownerIndex: 9, holder: "s9" });
  sleeps(60_000);
  await ends(137);
  await passes(2_000);
  expect(exits).toEqual([]);
  expect(loop.state).toMatchObject({ phase: "standby", reason: "the lease is held by session s9" });
});

test("a SIGKILL before the deadline, as by the kernel for want of memory, is", async () => {
  const { runs, passes, ends, exits } = stage(program, FENCED);
  await runs();
  await passes(1_000);
  await ends(137);
  await passes(1_000);
  expect(exits).toEqual([137]);
});

test("a worker whose fence is not armed is killed, and the program ends with 126", async () => {
  const { runs, unarmed, passes, done, exits, lines, loop } = stage(program, FENCED);
  await runs();
  await unarmed("its fence was not armed");
  await passes(1_000);
  expect(done).toContain("kill");
  expect(exits).toEqual([126]);
  expect(lines.find(({ event }) => event === "start-failed")?.message).toBe("the worker cannot be started: its fence was not armed. Correct the command or the machine; the lease is given back and this program ends");
  expect(loop.health().ok).toBe(false);
});

function fence({ path = "/local/worker-lease.mjs", boot = () => 1_000_000 }: { path?: string; boot?: () => number } = {}) {
  const { log, lines } = keepingLog();
  let now = 500;
  const made = new program.Fence({ program: path, now: () => now, log, boot });
  const channel = new PassThrough();
  const told: string[] = [];
  const write = channel.write.bind(channel);
  channel.write = ((text: string) => (told.push(text), true)) as typeof channel.write;
  let end: () => void = () => undefined;
  const started = { pid: 42, exited: new Promise<{ code: number }>((resolve) => (end = () => resolve({ code: 0 }))), channel };
  return { made, started, told, lines, says: (text: string) => void write(text), end: () => end(), at: (ms: number) => (now = ms) };
}

test("deadlines are the kernel's time since boot, never earlier than said", () => {
  jest.useFakeTimers();
  const { made, started, told, at } = fence();
  made.guard(started, 9_500.2, () => undefined);
  at(1_500);
  made.renew(10_500);
  expect(told).toEqual(["1009021\n", "1009020\n"]);
});

test("it is armed once the worker says so, and nobody is told that it is not", async () => {
  jest.useFakeTimers();
  const unarmed: string[] = [];
  const { made, started, says, lines } = fence();
  made.guard(started, 9_500, (why) => unarmed.push(why));
  expect(made.state).toBe("arming");
  says("armed\n");
  await settled();
  jest.advanceTimersByTime(60_000);
  expect([made.state, unarmed, lines.map(({ event }) => event)]).toEqual(["armed", [], ["fence-armed"]]);
});

test("without a word within 30 s it is told that the worker has none; an ended worker needs none", async () => {
  jest.useFakeTimers();
  const unarmed: string[] = [];
  const first = fence();
  first.made.guard(first.started, 9_500, (why) => unarmed.push(why));
  jest.advanceTimersByTime(29_999);
  expect(unarmed).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(unarmed).toEqual([expect.stringContaining("not armed within 30 s")]);
  const second = fence();
  second.made.guard(second.started, 9_500, (why) => unarmed.push(why));
  second.end();
  await settled();
  jest.advanceTimersByTime(60_000);
  expect([second.made.state, unarmed.length]).toEqual(["none", 1]);
});

test("Bun's own options stay beside it", () => {
  const { made } = fence();
  expect(made.environment({ A: "1", BUN_OPTIONS: "--smol" })).toEqual({ A: "1", BUN_OPTIONS: "--smol --preload=/local/worker-lease.mjs", WORKER_LEASE_FENCE: "3" });
  expect(made.environment({})).toEqual({ BUN_OPTIONS: "--preload=/local/worker-lease.mjs", WORKER_LEASE_FENCE: "3" });
});

test.each([
  [{ path: "/home/a trader/worker-lease.mjs" }, /has a space/],
  [{ boot: () => NaN }, /Mount \/proc/],
  [{ boot: () => { throw new Error("ENOENT"); } }, /Mount \/proc/],
])("where there can be none that is said: %j", (parts, why) => {
  expect(fence(parts).made.problem()).toMatch(why);
  expect(fence().made.problem()).toBeUndefined();
});
