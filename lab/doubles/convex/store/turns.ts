/** Who waits for whom inside this process: writers of one table for each other, and all for a swap of tables. */
export class Turns {
  private readonly tails = new Map<string, Promise<void>>();
  private active = 0;
  private gate: Promise<void> | undefined;
  private drained: (() => void) | undefined;

  /** Runs beside others, never beside `alone`. */
  async shared<T>(run: () => Promise<T>): Promise<T> {
    while (this.gate) await this.gate;
    this.active++;
    try {
      return await run();
    } finally {
      if (--this.active === 0) this.drained?.();
    }
  }

  /** As shared, and one at a time for each of the names. */
  inTurn<T>(names: readonly string[], run: () => Promise<T>): Promise<T> {
    // One synchronous step joins all queues, so that two callers meet in the same order in each.
    const before = [...new Set(names)].map((name) => this.tails.get(name));
    const turn = Promise.all(before).then(() => this.shared(run));
    const tail = turn.then(() => undefined, () => undefined);
    for (const name of names) this.tails.set(name, tail);
    void tail.then(() => {
      for (const name of names) if (this.tails.get(name) === tail) this.tails.delete(name);
    });
    return turn;
  }

  /** Runs when nothing else does; what comes meanwhile waits. */
  async alone<T>(run: () => Promise<T>): Promise<T> {
    while (this.gate) await this.gate;
    let open = () => {};
    this.gate = new Promise((resolve) => (open = resolve));
    try {
      if (this.active > 0) await new Promise<void>((resolve) => (this.drained = resolve));
      return await run();
    } finally {
      this.drained = this.gate = undefined;
      open();
    }
  }
}
