/**
 * Who checks the blocks of a table: this thread, or a few others when there is much
 * to do. Inflating runs in Node's own threads; scanning and hashing are ours, and one
 * thread of them is slower than the inflating.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { LineChecker, type BlockResult, type CheckerTotals } from "./line-checker";
import type { Block } from "./lines";

export interface Checkers {
  /** How many blocks may wait at once. */
  readonly atOnce: number;
  /** Takes the block's memory, and gives it back with the result. */
  check(block: Block): Promise<{ readonly result: BlockResult; readonly buffer: Buffer }>;
  /** What was summed since the last call. */
  totals(): Promise<readonly CheckerTotals[]>;
  close(): Promise<void>;
}

/** Below this, starting threads takes longer than the checking. */
const THREADS_FROM_BYTES = 48 * 1024 * 1024;
/** More do not help: one thread inflates a table, at about twice the speed of one that checks. */
const MOST_THREADS = 3;

/** @param bytes how much there is to check, uncompressed */
export function checkersFor(bytes: number): Checkers {
  return bytes < THREADS_FROM_BYTES ? new OwnChecker() : new ThreadCheckers(Math.min(MOST_THREADS, Math.max(2, availableParallelism() - 1)));
}

export class OwnChecker implements Checkers {
  readonly atOnce = 1;
  private checker = new LineChecker();

  async check(block: Block): Promise<{ result: BlockResult; buffer: Buffer }> {
    return { result: this.checker.check(block), buffer: block.buffer };
  }
  async totals(): Promise<CheckerTotals[]> {
    const totals = this.checker.totals();
    this.checker = new LineChecker();
    return [totals];
  }
  async close(): Promise<void> {}
}

/** What a thread answers to a block, or to null: the question for the sums. */
export type ThreadAnswer = { readonly result: BlockResult; readonly buffer: ArrayBuffer } | { readonly totals: CheckerTotals };
export type ThreadQuestion = { readonly buffer: ArrayBuffer; readonly length: number } | null;

export class ThreadCheckers implements Checkers {
  readonly atOnce: number;
  private readonly threads: Thread[];
  private next = 0;

  constructor(threads: number) {
    const code = threadCode();
    this.threads = Array.from({ length: threads }, () => new Thread(code));
    this.atOnce = 2 * threads;
  }

  async check({ buffer, length }: Block): Promise<{ result: BlockResult; buffer: Buffer }> {
    const thread = this.threads[this.next++ % this.threads.length];
    const memory = buffer.buffer as ArrayBuffer;
    const answer = (await thread.ask({ buffer: memory, length }, [memory])) as Extract<ThreadAnswer, { result: unknown }>;
    return { result: answer.result, buffer: Buffer.from(answer.buffer) };
  }
  totals(): Promise<CheckerTotals[]> {
    return Promise.all(this.threads.map(async (thread) => ((await thread.ask(null, [])) as Extract<ThreadAnswer, { totals: unknown }>).totals));
  }
  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}

/** A thread answers in the order in which it is asked. */
class Thread {
  private readonly worker: Worker;
  private readonly waiting: { resolve: (answer: ThreadAnswer) => void; reject: (error: Error) => void }[] = [];
  private dead: Error | undefined;

  constructor(code: string) {
    // A small young generation: the thread makes little that lasts.
    this.worker = new Worker(code, { eval: true, resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 } });
    this.worker.on("message", (answer: ThreadAnswer) => this.waiting.shift()?.resolve(answer));
    const fail = (error: Error): void => {
      this.dead = error;
      for (const { reject } of this.waiting.splice(0)) reject(error);
    };
    this.worker.on("error", fail);
    this.worker.on("exit", () => fail(new Error("a checking thread ended early")));
  }

  ask(question: ThreadQuestion, transfer: ArrayBuffer[]): Promise<ThreadAnswer> {
    if (this.dead) return Promise.reject(this.dead);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(question, transfer);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

let compiled: string | undefined;

/** Compiled when first needed, as every entry of this repository is (scripts/bundle.cjs): it is never stale, and needs no file of its own beside the bundle. */
function threadCode(): string {
  if (compiled === undefined) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where threads are used
    const { buildSync } = require("esbuild") as typeof import("esbuild");
    const { outputFiles } = buildSync({ entryPoints: [join(repositoryRoot(), "scripts/data/snapshot/checker-thread.ts")], bundle: true, platform: "node", format: "cjs", target: "node20", write: false, logLevel: "error" });
    compiled = outputFiles[0].text;
  }
  return compiled;
}

/** The bundle runs from dist/bundle, tests from here. */
function repositoryRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "scripts", "gvfx.ts"))) return folder;
    if (folder === dirname(folder)) throw new Error("the repository's root is not above this file: run gvfx from a whole checkout");
  }
}
