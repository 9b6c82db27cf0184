/** The ledger's chain: what was removed, changed or put in between shows. */
import fc from "../properties";
import { readChain, sha256 } from "../../scripts/cutover/entry";
import { run, World } from "./core";
import { MemoryLedger } from "./memory-ledger";

async function texts(): Promise<string[]> {
  const ledger = new MemoryLedger();
  await run(ledger, new World());
  return ledger.texts;
}

test("a chain is read as it was written", async () => {
  const all = await texts();
  expect(readChain(all)).toEqual(all.map((entry) => JSON.parse(entry) as unknown));
  expect(readChain([])).toEqual([]);
});

test("planted: a removed entry is named, and so is a changed one", async () => {
  const all = await texts();
  for (let at = 0; at < all.length - 1; at++) expect(() => readChain(all.toSpliced(at, 1))).toThrow(new RegExp(`entry ${at + 1} of the cutover's ledger has the number ${at + 2}.*gvfx lease status`));
  const judged = all.findIndex((text) => text.includes('"verdict":"pass"'));
  expect(() => readChain(all.with(judged, all[judged].replace('"pass"', '"fail"')))).toThrow(`entry ${judged + 1} of the cutover's ledger is not what was written`);
  expect(() => readChain([...all.slice(0, 2), all[2].replace(/"parent":"[0-9a-f]+"/, `"parent":"${sha256("x")}"`)])).toThrow("entry 3 of the cutover's ledger does not follow the one before it");
  expect(() => readChain(["{}"])).toThrow(/entry 1 .* none that this version knows/);
});

test("a hash is of what a value says, in whatever order", () => {
  expect(sha256({ a: 1, b: { c: [1, { d: 2, e: 3 }] } })).toBe(sha256({ b: { c: [1, { e: 3, d: 2 }] }, a: 1 }));
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => sha256(Object.fromEntries(Object.entries(value).reverse())) === sha256(value)));
  expect(sha256({ a: 1 })).not.toBe(sha256({ a: "1" }));
});
