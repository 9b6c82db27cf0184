/** Numbers that look random and are the same for the same seed (mulberry32, public domain by T. Ettinger). */

export class Random {
  constructor(private state: number) {}

  /** 32 bits. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";

/** An id of Convex's form: 32 characters of Crockford's base 32, the first of them the table's. */
export function randomId(random: Random, table: string): string {
  let id = table;
  for (let left = 0, bits = 0; id.length < 32; left -= 5, bits >>>= 5) {
    if (left < 5) [bits, left] = [random.next(), 30];
    id += BASE32[bits & 31];
  }
  return id;
}
