import { terminalProgress } from "../../scripts/data/progress";

function written(isTTY: boolean): { text: () => string; progress: ReturnType<typeof terminalProgress>; later: (ms: number) => void } {
  let [out, now] = ["", 0];
  const progress = terminalProgress({ isTTY, columns: 80, write: (text) => (out += text) }, () => now);
  return { text: () => out, progress, later: (ms) => void (now += ms) };
}

test("into a log: a line as a step begins, one at most every five seconds, one as it ends", () => {
  const { text, progress, later } = written(false);
  const step = progress.step("checking", 1_000);
  for (let i = 0; i < 10; i++) {
    later(1_000);
    step.advance(50);
  }
  step.done("12 tables");
  step.failed("too late");
  expect(text()).toBe("       checking ...\n       [######------------------] 25 % checking, 5.0 s, about 15.0 s left\n       [############------------]  50 % checking, 10.0 s, about 10.0 s left\nok     checking: 12 tables (10.0 s)\n".replace(" 25 %", "  25 %"));
});

test("at a terminal: one living line for all steps, within its width, drawn at most ten times a second", () => {
  const { text, progress, later } = written(true);
  const [one, two] = [progress.step("hashing", 100), progress.step("a long name ".repeat(10))];
  const before = text().length;
  one.advance(1);
  expect(text().length).toBe(before);
  later(100);
  one.advance(49);
  const last = text().split("\u001b[2K").at(-1)!;
  expect(last).toMatch(/^\[############------------\] {2}50 % hashing, 0\.1 s \| a long name/);
  expect(last.length).toBeLessThan(80);
  two.failed("no room");
  one.done();
  expect(text()).toMatch(/FAILED a long name .*: no room \(0\.1 s\)\n/);
  expect(text()).toMatch(/ok {5}hashing \(0\.1 s\)\n$/);
});
