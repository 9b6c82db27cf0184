/** Mutations that wait for the same tables share one transaction: what a commit costs is paid once for all of them. */
import type { Writer } from "./documents";

type Mutation = (db: Writer) => Promise<unknown>;

interface Waiting {
  readonly run: Mutation;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The most that share a transaction: it bounds how long the first waits for the last. */
const MAX_SHARED = 64;

export class Batches {
  private readonly waiting = new Map<string, Waiting[]>();

  /**
   * @param turn runs a drain when the tables are free
   * @param transaction all that `run` writes, or nothing when it throws
   */
  constructor(
    private readonly turn: (tables: readonly string[], run: () => Promise<void>) => Promise<void>,
    private readonly transaction: <T>(run: (db: Writer) => Promise<T>) => Promise<T>,
  ) {}

  add<T>(tables: readonly string[], run: (db: Writer) => Promise<T>): Promise<T> {
    const key = JSON.stringify([...tables].sort());
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { run, resolve: (value) => resolve(value as T), reject };
      const queue = this.waiting.get(key);
      if (queue) queue.push(waiting);
      else {
        this.waiting.set(key, [waiting]);
        this.schedule(key, tables);
      }
    });
  }

  private schedule(key: string, tables: readonly string[]): void {
    void this.turn(tables, async () => {
      const queue = this.waiting.get(key)!;
      const batch = queue.splice(0, MAX_SHARED);
      if (queue.length > 0) this.schedule(key, tables);
      else this.waiting.delete(key);
      await this.run(batch);
    });
  }

  /** One after the other in one transaction; when one of them fails, each in its own, so that only the guilty one fails. */
  private async run(batch: readonly Waiting[]): Promise<void> {
    let failedByItself = false;
    const shared = this.transaction(async (db) => {
      const values: unknown[] = [];
      try {
        for (const { run } of batch) values.push(await run(db));
      } catch (error) {
        failedByItself = true;
        throw error;
      }
      return values;
    });
    await shared.then(
      (values) => batch.forEach(({ resolve }, i) => resolve(values[i])),
      async (error: unknown) => {
        // A commit whose answer was lost may have been made: then nothing may run twice.
        if (batch.length === 1 || !failedByItself) batch.forEach(({ reject }) => reject(error));
        else for (const { run, resolve, reject } of batch) await this.transaction(run).then(resolve, reject);
      },
    );
  }
}
