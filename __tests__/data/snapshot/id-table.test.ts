import fc from "../../properties";
import { Fingerprint, IdTable } from "../../../scripts/data/snapshot/id-table";
import { Random, randomId } from "../../../scripts/data/dataset/random";

const fingerprint = new Fingerprint();
function print(id: string): [number, number] {
  const bytes = Buffer.from(id);
  fingerprint.of(bytes, 0, bytes.length);
  return [fingerprint.high, fingerprint.low];
}

function duplicates(ids: readonly string[]): Set<string> {
  const [seen, twice] = [new Set<string>(), new Set<string>()];
  for (const id of ids) (seen.has(id) ? twice : seen).add(id);
  return twice;
}

test("like a set, over as many passes as the memory makes necessary: each id is held in exactly one of them at its end", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_500), { maxLength: 50 }), fc.constantFrom(16_384, 512, 64), (repeated, mostSlots) => {
      const ids = [...Array.from({ length: 600 }, (_, i) => `id${i}`), ...repeated.map((i) => `id${i}`)];
      const twice = duplicates(ids);
      const table = new IdTable({ mostSlots });
      const again = new Set<string>();
      const held = new Map<string, number>();
      let passes = 0;
      do {
        for (const id of ids) if (table.add(...print(id)) === "again") again.add(id);
        for (const id of new Set(ids)) if (table.find(...print(id)) === "again") held.set(id, (held.get(id) ?? 0) + 1);
        expect(table.size).toBeLessThanOrEqual(mostSlots);
        passes++;
      } while (table.nextPart());
      expect(again).toEqual(twice);
      expect([...held.values()].every((times) => times === 1)).toBe(true);
      expect(held.size).toBe(new Set(ids).size);
      expect(passes > 1).toBe(mostSlots < 600);
    }),
    { numRuns: 12 },
  );
});

test("no two of many ids share a fingerprint, nor its half", () => {
  const random = new Random(9);
  const seen = new Set<number>();
  const count = 50_000;
  for (let i = 0; i < count; i++) {
    const [high, low] = print(randomId(random, "kg2"));
    seen.add(high * 2 ** 21 + (low & (2 ** 21 - 1)));
  }
  expect(seen.size).toBe(count);
});

test("values and marks stay with their ids as the table grows", () => {
  const table = new IdTable({ values: true });
  for (let i = 0; i < 30_000; i++) {
    table.add(...print(`id${i}`));
    table.set(i, i + 1);
  }
  const wrong: number[] = [];
  for (let i = 0; i < 30_000; i += 2) {
    const there = table.find(...print(`id${i}`)) === "again";
    if (!there || !table.has(i, i + 1) || table.has(i, i) || !table.mark() || table.mark()) wrong.push(i);
  }
  expect(wrong).toEqual([]);
  expect(table.find(...print("other"))).toBe("new");
  expect([table.size, table.unmarked()]).toEqual([30_000, 15_000]);
});
