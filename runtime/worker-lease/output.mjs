/**
 * Lines to standard output that never wait for whoever reads them. A pipe that is
 * full, since the log's reader hangs or is gone, would stop a plain write, and with
 * it the renewals and the killing, while the worker goes on.
 */
import { constants, fstatSync, openSync, write, writeSync } from "node:fs";

/** Beyond it, older lines are dropped and counted: some minutes of an outage's log. */
const MOST_BYTES = 256 * 1024;
const RETRY_MS = 50;

/** @param {number} fd @returns {"pipe" | "socket" | "other"} */
function kindOf(fd) {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() ? "pipe" : stat.isSocket() ? "socket" : "other";
  } catch {
    return "other";
  }
}

export class Output {
  /** @param {number} fd */
  constructor(fd) {
    this.fd = fd;
    /** @type {Buffer[]} */
    this.waiting = [];
    this.bytes = 0;
    this.dropped = 0;
    this.busy = false;
    this.kind = kindOf(fd);
    if (this.kind === "pipe") {
      try {
        // Opened anew: the flag belongs to the open file, which the worker shares.
        this.fd = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
      } catch {
        this.kind = "socket";
      }
    }
  }

  /** A thread waits for the reader, and Node's own exit would wait for that thread. */
  get stuck() {
    return this.kind === "socket" && this.busy;
  }

  /** @param {string} line without its end */
  line(line) {
    const bytes = Buffer.from(`${line}\n`);
    this.waiting.push(bytes);
    this.bytes += bytes.length;
    // The first one may be half written.
    while (this.bytes > MOST_BYTES && this.waiting.length > 2) {
      const [dropped] = this.waiting.splice(1, 1);
      this.bytes -= dropped.length;
      this.dropped += 1;
    }
    this.flush();
  }

  flush() {
    while (!this.busy && this.waiting.length > 0) {
      if (this.kind === "socket") return this.writeElsewhere();
      try {
        this.written(writeSync(this.fd, this.waiting[0]));
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EAGAIN") return this.forget();
        this.busy = true;
        setTimeout(() => {
          this.busy = false;
          this.flush();
        }, RETRY_MS).unref();
      }
    }
  }

  /** A socket cannot be opened anew: one write at a time waits in another thread. */
  writeElsewhere() {
    this.busy = true;
    write(this.fd, this.waiting[0], (error, size) => {
      this.busy = false;
      if (error && error.code !== "EAGAIN") return this.forget();
      this.written(size ?? 0);
      if (error) setTimeout(() => this.flush(), RETRY_MS).unref();
      else this.flush();
    });
  }

  /** @param {number} size */
  written(size) {
    this.bytes -= size;
    if (size === this.waiting[0].length) this.waiting.shift();
    else this.waiting[0] = this.waiting[0].subarray(size);
  }

  /** Nobody will ever read it: the lease is worth more than its log. */
  forget() {
    this.dropped += this.waiting.length;
    this.waiting = [];
    this.bytes = 0;
  }
}
