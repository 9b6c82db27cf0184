/** Simulated time: actions in the order of their times, and of their making where those are equal. */
interface Entry { readonly at: number; readonly order: number; readonly action: () => void }

const before = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order);

export class Timeline {
  now = 0;
  private made = 0;
  /** A binary heap: the parent of i is at (i - 1) >> 1. */
  private readonly heap: Entry[] = [];

  at(at: number, action: () => void): void {
    const entry = { at: Math.max(at, this.now), order: this.made++, action };
    let i = this.heap.length;
    this.heap.push(entry);
    for (let parent = (i - 1) >> 1; i > 0 && before(entry, this.heap[parent]); i = parent, parent = (i - 1) >> 1) this.heap[i] = this.heap[parent];
    this.heap[i] = entry;
  }

  after(ms: number, action: () => void): void {
    this.at(this.now + ms, action);
  }

  run(until: number): void {
    while (this.heap.length > 0 && this.heap[0].at <= until) {
      const next = this.pop();
      this.now = next.at;
      next.action();
    }
    this.now = until;
  }

  private pop(): Entry {
    const first = this.heap[0];
    const last = this.heap.pop()!;
    const size = this.heap.length;
    if (size === 0) return first;
    let i = 0;
    for (let child = 1; child < size; child = 2 * i + 1) {
      if (child + 1 < size && before(this.heap[child + 1], this.heap[child])) child += 1;
      if (!before(this.heap[child], last)) break;
      this.heap[i] = this.heap[child];
      i = child;
    }
    this.heap[i] = last;
    return first;
  }
}

/** Numbers in [0, 1) that follow from the seed and the stream's number alone: a schedule with a fault less keeps the luck of the others. */
export function luck(seed: number, stream: number): () => number {
  let a = (seed ^ Math.imul(stream + 1, 0x9e3779b1)) >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
