/**
 * Which ids were seen, in typed arrays: 8 bytes for each (16 with a value), where a
 * Set of strings takes more than 100. An id is kept as a fingerprint of 64 bits. Two
 * ids may share one, if rarely (one chance in a million among five million ids), so
 * a fingerprint that comes twice is a suspicion, which the caller clears with the
 * ids themselves.
 *
 * When there are more ids than the memory is meant for, the table keeps half of them
 * (by a bit of the fingerprint) and says so: the caller reads the data again for the
 * other half. Memory stays flat, time grows.
 */

/** Slots to begin with. */
const FIRST_SLOTS = 2 ** 14;
/** Filled further, chains grow long. */
const FULLEST = 0.7;
/** 5.8 million ids in 64 MiB: 1 GiB of small documents (200 bytes) has 5.4 million, so that one pass is enough for it. */
const MOST_SLOTS = 2 ** 23;

export interface IdTableOptions {
  /** Whether each id carries a value of 64 bits: twice the memory, so half as many ids at once. */
  readonly values?: boolean;
  /** @default what 64 MiB hold */
  readonly mostSlots?: number;
}

/** The slot where the search begins, before the mask: bits that do not choose the part. */
const slotOf = (high: number, low: number): number => low ^ (high >>> 3);

/** 64 bits for an id. `low` is never 0, which marks an empty slot. */
export class Fingerprint {
  high = 0;
  low = 1;

  of(bytes: Uint8Array, start: number, end: number): this {
    let high = 0x811c9dc5 | 0;
    let low = 0x2545f491 ^ (end - start);
    for (let i = start; i < end; i++) {
      const byte = bytes[i];
      high = Math.imul(high ^ byte, 0x01000193);
      low = Math.imul(low ^ byte, 0x5bd1e995);
      low ^= low >>> 15;
    }
    high ^= low >>> 7;
    high = Math.imul(high ^ (high >>> 16), 0x85ebca6b);
    this.high = (high ^ (high >>> 13)) >>> 0;
    this.low = low >>> 0 || 1;
    return this;
  }
}

export type Seen = "new" | "again" | "elsewhere";

export class IdTable {
  private ids!: Uint32Array;
  private values: Uint32Array | undefined;
  /** Of those with values: whether the other side had it too. */
  private marks: Uint8Array | undefined;
  private slots = 0;
  private filled = 0;
  /** Of the slot that `add` or `find` met last. */
  private slot = -1;
  private readonly withValues: boolean;
  private readonly mostSlots: number;
  /** The table keeps ids whose fingerprint has `part` in the lowest bits of `mask`. */
  private mask = 0;
  private part = 0;
  /** Halves that were left for later passes; one of them may be halved again when its turn comes. */
  private readonly left: { readonly mask: number; readonly part: number }[] = [];

  constructor({ values = false, mostSlots }: IdTableOptions = {}) {
    this.withValues = values;
    this.mostSlots = mostSlots ?? (values ? MOST_SLOTS / 2 : MOST_SLOTS);
    this.withRoom(Math.min(FIRST_SLOTS, this.mostSlots));
  }

  /** How many ids it holds. */
  get size(): number {
    return this.filled;
  }

  /** Empties the table for ids that it has not held yet. @returns false when it held them all: there is nothing more to read */
  nextPart(): boolean {
    const next = this.left.pop();
    if (next === undefined) return false;
    [this.mask, this.part] = [next.mask, next.part];
    this.clear();
    return true;
  }

  /** "again": this fingerprint is there. "elsewhere": it belongs to another part. */
  add(high: number, low: number): Seen {
    const seen = this.find(high, low);
    if (seen !== "new") return seen;
    if (this.filled + 1 > this.slots * FULLEST) {
      do this.grow();
      while (this.filled + 1 > this.slots * FULLEST);
      if (this.find(high, low) === "elsewhere") return "elsewhere";
    }
    this.ids[2 * this.slot] = high;
    this.ids[2 * this.slot + 1] = low;
    this.filled++;
    return "new";
  }

  /** Like `add`, and adds nothing: "new" says that it is not there. */
  find(high: number, low: number): Seen {
    if ((high & this.mask) !== this.part) return "elsewhere";
    const { ids } = this;
    const last = this.slots - 1;
    let slot = slotOf(high, low) & last;
    while (ids[2 * slot + 1] !== 0) {
      if (ids[2 * slot] === high && ids[2 * slot + 1] === low) {
        this.slot = slot;
        return "again";
      }
      slot = (slot + 1) & last;
    }
    this.slot = slot;
    return "new";
  }

  /** Sets the value of the id that was met last. */
  set(high: number, low: number): void {
    this.values![2 * this.slot] = high;
    this.values![2 * this.slot + 1] = low;
  }

  /** Whether the id that was met last has this value. */
  has(high: number, low: number): boolean {
    return this.values![2 * this.slot] === high >>> 0 && this.values![2 * this.slot + 1] === low >>> 0;
  }

  /** Marks the id that was met last. @returns false when it was marked already */
  mark(): boolean {
    const fresh = this.marks![this.slot] === 0;
    this.marks![this.slot] = 1;
    return fresh;
  }

  /** Whether the id that was met last is marked. */
  marked(): boolean {
    return this.marks![this.slot] === 1;
  }

  /** How many ids are not marked. */
  unmarked(): number {
    return this.filled - this.marks!.reduce((sum, mark) => sum + mark, 0);
  }

  private withRoom(slots: number): void {
    this.slots = slots;
    this.ids = new Uint32Array(2 * slots);
    if (!this.withValues) return;
    this.values = new Uint32Array(2 * slots);
    this.marks = new Uint8Array(slots);
  }

  private grow(): void {
    if (2 * this.slots > this.mostSlots) {
      const mask = 2 * this.mask + 1;
      this.left.push({ mask, part: this.part | (this.mask + 1) });
      this.mask = mask;
      this.rehash(this.slots);
    } else this.rehash(2 * this.slots);
  }

  /** Through a copy of what stays, not beside the old table: that one is let go before the new one is made. */
  private rehash(slots: number): void {
    const stays = (slot: number): boolean => this.ids[2 * slot + 1] !== 0 && (this.ids[2 * slot] & this.mask) === this.part;
    let count = 0;
    for (let slot = 0; slot < this.slots; slot++) if (stays(slot)) count++;
    const kept = new Uint32Array((this.withValues ? 4 : 2) * count);
    let at = 0;
    for (let slot = 0; slot < this.slots; slot++) {
      if (!stays(slot)) continue;
      kept[at++] = this.ids[2 * slot];
      kept[at++] = this.ids[2 * slot + 1];
      if (!this.withValues) continue;
      kept[at++] = this.values![2 * slot];
      kept[at++] = this.values![2 * slot + 1];
    }
    if (slots === this.slots) this.clear();
    else this.withRoom(slots);
    for (at = 0; at < kept.length; ) {
      const [high, low] = [kept[at++], kept[at++]];
      let slot = slotOf(high, low) & (slots - 1);
      while (this.ids[2 * slot + 1] !== 0) slot = (slot + 1) & (slots - 1);
      this.ids[2 * slot] = high;
      this.ids[2 * slot + 1] = low;
      if (!this.withValues) continue;
      this.values![2 * slot] = kept[at++];
      this.values![2 * slot + 1] = kept[at++];
    }
    this.filled = count;
  }

  private clear(): void {
    this.ids.fill(0);
    this.values?.fill(0);
    this.marks?.fill(0);
    this.filled = 0;
  }
}
