/** A thread of checkers.ts. */
import { parentPort } from "node:worker_threads";
import type { ThreadAnswer, ThreadQuestion } from "./checkers";
import { LineChecker } from "./line-checker";

let checker = new LineChecker();

parentPort!.on("message", (question: ThreadQuestion) => {
  if (question === null) {
    parentPort!.postMessage({ totals: checker.totals() } satisfies ThreadAnswer);
    checker = new LineChecker();
    return;
  }
  const result = checker.check({ buffer: Buffer.from(question.buffer), length: question.length });
  parentPort!.postMessage({ result, buffer: question.buffer } satisfies ThreadAnswer, [question.buffer, result.ids.buffer]);
});
