/** What gvfx's commands share of how an operator's interrupt is taken. */
import { ended, Interrupted, INTERRUPTED, interruptible, uninterrupted } from "../../scripts/command-line";

const listeners = () => process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");

test.each(["SIGINT", "SIGTERM"] as const)("%s asks the work for its end, once, and the process goes on", async (signal) => {
  const before = listeners();
  const told = jest.fn();
  const seen = await interruptible(async (asked) => {
    process.emit(signal);
    process.emit("SIGINT");
    return asked.aborted;
  }, told);
  expect([seen, told.mock.calls.length, listeners()]).toEqual([true, 1, before]);
});

test("work that fails leaves no listener either", async () => {
  const before = listeners();
  await expect(interruptible(() => Promise.reject(new Error("by itself")))).rejects.toThrow("by itself");
  expect(listeners()).toBe(before);
});

test("in steps: the one under way is brought to its end, no other begins, and the message says how to go on", async () => {
  const said: string[] = [];
  const done: number[] = [];
  const work = uninterrupted((line) => said.push(line), "the same command goes on", async (checkpoint) => {
    for (const step of [1, 2, 3]) {
      checkpoint();
      if (step === 2) process.emit("SIGTERM");
      await Promise.resolve();
      done.push(step);
    }
  });
  await expect(work).rejects.toThrow(new Interrupted("interrupted between two steps; the same command goes on"));
  expect([done, said]).toEqual([[1, 2], ["interrupted: the step that is under way is brought to its end"]]);
});

test.each<[string, Error, number]>([
  ["an interrupt", new Interrupted("interrupted"), INTERRUPTED],
  ["a failure", new Error("failed"), 1],
])("the exit status of %s", (_what, error, status) => {
  const print = jest.spyOn(console, "error").mockImplementation(() => undefined);
  try {
    ended(error);
    expect([process.exitCode, print.mock.calls]).toEqual([status, [[error.message]]]);
  } finally {
    process.exitCode = undefined;
    print.mockRestore();
  }
});
