/** How the loop ends: told to, by its worker, or by what goes wrong. */
import { settled, stage } from "./stage";

afterEach(() => jest.useRealTimers());

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
