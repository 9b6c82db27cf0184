import { Batches } from "../../../lab/doubles/convex/store/batches";
import { Turns } from "../../../lab/doubles/convex/store/turns";
import type { Writer } from "../../../lab/doubles/convex/store/documents";
import { MemoryStore } from "./memory-store";

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A step that ends when told to. */
function step(log: string[], name: string) {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const run = async () => {
    log.push(`${name} starts`);
    await ended;
    log.push(`${name} ends`);
  };
  return { run, end: () => end() };
}

describe("turns", () => {
  test("one table: one after the other; another table: at once", async () => {
    const log: string[] = [];
    const turns = new Turns();
    const [a, b, c] = ["a", "b", "c"].map((name) => step(log, name));
    const all = [turns.inTurn(["t"], a.run), turns.inTurn(["t", "u"], b.run), turns.inTurn(["v"], c.run)];
    await settle();
    expect(log).toEqual(["c starts", "a starts"].sort());
    a.end();
    await settle();
    expect(log).toContain("b starts");
    b.end();
    c.end();
    await Promise.all(all);
  });

  test("alone waits for what runs, and holds what comes", async () => {
    const log: string[] = [];
    const turns = new Turns();
    const [a, b, c] = ["a", "b", "c"].map((name) => step(log, name));
    const all = [turns.shared(a.run), turns.alone(b.run), turns.shared(c.run)];
    await settle();
    expect(log).toEqual(["a starts"]);
    a.end();
    await settle();
    expect(log).toEqual(["a starts", "a ends", "b starts"]);
    b.end();
    await settle();
    expect(log.at(-1)).toBe("c starts");
    c.end();
    await Promise.all(all);
  });

  test("a failure does not hold up the next", async () => {
    const turns = new Turns();
    const failed = turns.inTurn(["t"], () => Promise.reject(new Error("x")));
    const next = turns.inTurn(["t"], async () => "done");
    await expect(failed).rejects.toThrow("x");
    await expect(next).resolves.toBe("done");
  });
});

describe("batches", () => {
  function batches(commit: () => void = () => undefined) {
    const turns = new Turns();
    const counts = { transactions: 0 };
    const made = new Batches(
      (tables, run) => turns.inTurn(tables, run),
      async <T>(run: (db: Writer) => Promise<T>) => {
        counts.transactions++;
        const result = await run(new MemoryStore());
        commit();
        return result;
      },
    );
    return { made, counts };
  }

  test("what waits together is committed together, in order", async () => {
    const { made, counts } = batches();
    const order: number[] = [];
    const results = await Promise.all([1, 2, 3].map((n) => made.add(["t"], async () => (order.push(n), n))));
    expect(results).toEqual([1, 2, 3]);
    expect(order).toEqual([1, 2, 3]);
    expect(counts.transactions).toBe(1);
  });

  test("the guilty one fails, the others are done", async () => {
    const { made } = batches();
    const results = await Promise.allSettled([made.add(["t"], async () => 1), made.add(["t"], () => Promise.reject(new Error("bad"))), made.add(["t"], async () => 3)]);
    expect(results.map((result) => (result.status === "fulfilled" ? result.value : (result.reason as Error).message))).toEqual([1, "bad", 3]);
  });

  test("when the commit itself fails nothing runs twice", async () => {
    const { made } = batches(() => {
      throw new Error("connection lost");
    });
    let runs = 0;
    const results = await Promise.allSettled([1, 2].map(() => made.add(["t"], async () => void runs++)));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(runs).toBe(2);
  });
});
