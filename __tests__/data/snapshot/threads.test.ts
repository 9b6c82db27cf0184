import { OwnChecker, ThreadCheckers, type Checkers } from "../../../scripts/data/snapshot/checkers";
import { MultisetDigest } from "../../../scripts/data/snapshot/digest";
import { summed } from "../../../scripts/data/snapshot/number-kinds";
import { smallDataset, unzip } from "./zip-files";

async function check(checkers: Checkers, blocks: readonly Buffer[]): Promise<unknown> {
  try {
    // Each gets its own memory: a thread takes it over.
    const results = await Promise.all(blocks.map(async (block) => (await checkers.check({ buffer: Buffer.from(Uint8Array.from(block).buffer), length: block.length })).result));
    const totals = await checkers.totals();
    const digest = new MultisetDigest();
    for (const { sum } of totals) digest.addSum(sum);
    const numbers = summed(totals.map((one) => one.numbers)).sort((a, b) => (a.field < b.field ? -1 : 1));
    return { results: results.map(({ lines, ids, problems }) => ({ lines, ids: [...ids], problems })), digest: digest.hex(), numbers, again: (await checkers.totals()).every(({ sum }) => sum.every((lane) => lane === 0)) };
  } finally {
    await checkers.close();
  }
}

test("threads find what one finds, block by block, and begin anew after the sums were taken", async () => {
  const files = await unzip(await smallDataset(2));
  const blocks = ["set_kinds", "set_nested", "set_ticks"].map((table) => files.get(`${table}/documents.jsonl`)!);
  blocks.push(Buffer.from('{"_id":"x"}\nno\n'));
  const own = await check(new OwnChecker(), blocks);
  expect(own).toMatchObject({ again: true });
  expect(await check(new ThreadCheckers(2), blocks)).toEqual(own);
});

test("a thread that ends early is an error, not a wait without end", async () => {
  const checkers = new ThreadCheckers(1);
  await checkers.close();
  await expect(checkers.totals()).rejects.toThrow(/a checking thread ended early/);
});
