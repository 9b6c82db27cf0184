/**
 * The fence's part in the worker's process. Bun loads it before the worker's own
 * code, which waits until the timer runs. A thread of its own reads the deadlines,
 * so that a worker that computes for a while is not taken for one without a lease.
 */
import { fstatSync, readSync, writeSync } from "node:fs";
import { parentPort, Worker } from "node:worker_threads";
import { ARMED, FENCE_VARIABLE, preload } from "./fence.mjs";

/** Names under which the C library is found: glibc's, which musl takes for its own as well; before glibc 2.34 timers were beside it. */
const [LIBRARY, TIMERS] = ["libc.so.6", "librt.so.1"];
/** Linux, <time.h>: counts suspends, and nobody can set it. */
const CLOCK_BOOTTIME = 7;
const TIMER_ABSTIME = 1;
const SIGKILL = 9;
/** Linux, <poll.h>. */
const POLLIN = 1;
/** Linux, <fcntl.h>: what the worker starts does not get the descriptor. */
const [F_SETFD, FD_CLOEXEC] = [2, 1];
/** Between two looks for a new deadline, in milliseconds: a fraction of the second between two renewals. A thread that waited in the kernel instead would hold up the worker's end. */
const LOOK_EVERY_MS = 250;
/** Until there is the first one, for which the worker waits. */
const LOOK_FIRST_MS = 5;
/** Bytes of struct sigevent and, in it, where the signal's number is; SIGEV_SIGNAL is 0. */
const [SIGEVENT_SIZE, SIGEV_SIGNO] = [64, 8];
/** More deadlines than ever wait. */
const MOST_BYTES = 64 * 1024;

/** In the worker's first thread: ends once the fence is armed. @param {string} program @param {string} given value of the variable */
export async function armFence(program, given) {
  const fd = Number(given);
  // What the worker starts is found and killed by the lease program; some versions of Bun give it the variable all the same. A worker that came by here would be ended, since nobody says that it is armed.
  if (!isSocket(fd)) return;
  delete process.env[FENCE_VARIABLE];
  const options = (process.env.BUN_OPTIONS ?? "").replace(preload(program), "").trim();
  if (options) process.env.BUN_OPTIONS = options;
  else delete process.env.BUN_OPTIONS;
  // What it runs is said here, since the worker's own threads load this file, too, and must not read along.
  const thread = new Worker(`import(${JSON.stringify(program)}).then(({ watchDeadlines }) => watchDeadlines(${fd}))`, { eval: true });
  await new Promise((armed, failed) => {
    thread.once("message", armed).once("error", failed).once("exit", () => failed(new Error("the lease program has closed the fence's channel")));
  });
  // The worker ends when it has nothing left to do, as without a fence.
  thread.unref();
}

/** In the fence's thread: goes on for as long as the lease program lives. @param {number} fd */
export async function watchDeadlines(fd) {
  // By a name that no bundler follows: only Bun has it.
  const name = "bun:ffi";
  /** @type {any} */
  const { dlopen, ptr } = await import(name);
  const timers = { timer_create: { args: ["i32", "ptr", "ptr"], returns: "i32" }, timer_settime: { args: ["u64", "i32", "ptr", "ptr"], returns: "i32" } };
  const { poll, fcntl } = dlopen(LIBRARY, { poll: { args: ["ptr", "u64", "i32"], returns: "i32" }, fcntl: { args: ["i32", "i32", "i32"], returns: "i32" } }).symbols;
  const { timer_create, timer_settime } = withTimers(dlopen, timers);

  if (fcntl(fd, F_SETFD, FD_CLOEXEC) !== 0) throw new Error(`descriptor ${fd} cannot be kept from what the worker starts (fcntl)`);
  const event = new DataView(new ArrayBuffer(SIGEVENT_SIZE));
  event.setInt32(SIGEV_SIGNO, SIGKILL, true);
  const timer = new BigUint64Array(1);
  if (timer_create(CLOCK_BOOTTIME, ptr(event), ptr(timer)) !== 0) throw new Error("the kernel makes no timer (timer_create): look at the limit on pending signals, ulimit -i");
  /** struct itimerspec: no interval, then seconds and nanoseconds. */
  const when = new BigInt64Array(4);
  const set = (/** @type {number} */ ms) => {
    when[2] = BigInt(Math.floor(ms / 1000));
    when[3] = BigInt(ms % 1000) * 1_000_000n;
    if (timer_settime(timer[0], TIMER_ABSTIME, ptr(when), null) !== 0) throw new Error(`the kernel does not set a timer to ${ms} ms since boot (timer_settime)`);
  };

  /** struct pollfd */
  const waiting = new DataView(new ArrayBuffer(8));
  waiting.setInt32(0, fd, true);
  waiting.setInt16(4, POLLIN, true);
  const bytes = Buffer.alloc(MOST_BYTES);
  let rest = "";
  let armed = false;
  const look = () => {
    const length = poll(ptr(waiting), 1n, 0) > 0 ? read(fd, bytes) : undefined;
    // The lease program is gone: the kernel ends the worker with it, and at the last deadline at the latest.
    if (length === 0) return;
    const lines = length === undefined ? [] : (rest + bytes.toString("latin1", 0, length)).split("\n");
    if (length !== undefined) rest = lines.pop() ?? "";
    // Those before it are older.
    const last = lines.at(-1);
    if (last !== undefined) {
      set(Number(last));
      if (!armed) {
        armed = true;
        writeSync(fd, `${ARMED}\n`);
        parentPort?.postMessage(ARMED);
      }
    }
    setTimeout(look, armed ? LOOK_EVERY_MS : LOOK_FIRST_MS);
  };
  look();
}

/** @param {(library: string, symbols: object) => any} dlopen @param {object} symbols */
function withTimers(dlopen, symbols) {
  try {
    return dlopen(LIBRARY, symbols).symbols;
  } catch {
    return dlopen(TIMERS, symbols).symbols;
  }
}

/** @param {number} fd */
function isSocket(fd) {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

/** @param {number} fd @param {Buffer} into @returns {number | undefined} undefined when there is nothing yet */
function read(fd, into) {
  try {
    return readSync(fd, into);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === "EAGAIN" || code === "EINTR") return undefined;
    // As if it were closed.
    if (code === "ECONNRESET") return 0;
    throw error;
  }
}
