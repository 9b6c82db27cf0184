/**
 * A digest of a set of lines that does not depend on their order: the sum, modulo
 * 2^256, of the lines' SHA-256. Two exports may list the same documents in another
 * order; a changed, missing or repeated line changes the sum.
 */
import { hash } from "node:crypto";

const LANES = 8;
/** A lane is a double: it holds sums of 32-bit numbers exactly up to 2^53, so carries wait for 2^20 lines. */
const CARRY_EVERY = 2 ** 20;
const LANE = 2 ** 32;

export class MultisetDigest {
  private readonly lanes = new Float64Array(LANES);
  private pending = 0;

  /** Adds bytes; `high` and `low` then begin their SHA-256. */
  add(bytes: Uint8Array | string): void {
    // As a string: a Buffer for each line costs more than the hash itself.
    const sum = hash("sha256", bytes, "binary");
    const { lanes } = this;
    for (let lane = 0, at = 0; lane < LANES; lane++, at += 4) {
      lanes[lane] += sum.charCodeAt(at) * 0x1000000 + (sum.charCodeAt(at + 1) << 16) + (sum.charCodeAt(at + 2) << 8) + sum.charCodeAt(at + 3);
    }
    this.high = ((sum.charCodeAt(0) << 24) | (sum.charCodeAt(1) << 16) | (sum.charCodeAt(2) << 8) | sum.charCodeAt(3)) >>> 0;
    this.low = ((sum.charCodeAt(4) << 24) | (sum.charCodeAt(5) << 16) | (sum.charCodeAt(6) << 8) | sum.charCodeAt(7)) >>> 0;
    if (++this.pending === CARRY_EVERY) this.carry();
  }

  /** The first 32 bits of the SHA-256 of what was added last. */
  high = 0;
  /** The next 32 bits. */
  low = 0;

  private carry(): void {
    let carried = 0;
    for (let lane = LANES - 1; lane >= 0; lane--) {
      const sum = this.lanes[lane] + carried;
      carried = Math.floor(sum / LANE);
      this.lanes[lane] = sum - carried * LANE;
    }
    this.pending = 0;
  }

  /** Adds what another digest has summed, for example in another thread. */
  addSum(lanes: Float64Array): void {
    this.carry();
    for (let lane = 0; lane < LANES; lane++) this.lanes[lane] += lanes[lane];
    this.carry();
  }

  /** For `addSum`. */
  sum(): Float64Array {
    this.carry();
    return this.lanes.slice();
  }

  /** 64 hexadecimal digits. */
  hex(): string {
    this.carry();
    return Array.from(this.lanes, (lane) => lane.toString(16).padStart(8, "0")).join("");
  }
}
