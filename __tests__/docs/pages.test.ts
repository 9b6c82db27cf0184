import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generatedPages } from "../../scripts/docs/command";
import { addressesOf, FOUNDATION_ROWS, rowAddresses } from "../../scripts/docs/foundation";
import { loadEnvironment } from "../../environments/load";
import { synthesizeStacks } from "../stacks/synthesized";

const root = join(__dirname, "..", "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const { foundation } = synthesizeStacks(loadEnvironment("production"));

test("generated pages are what the code makes", async () => {
  for (const { file, text } of await generatedPages()) expect(read(file)).toBe(text);
});

test("each address that docs/foundation.md names is in the synthesized stack", () => {
  const all = new Set(addressesOf(foundation));
  const named = [...read("docs/foundation.md").matchAll(/`((?:data\.)?[a-z_]+\.[\w-]+)`/g)].map(([, address]) => address);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((address) => !all.has(address))).toEqual([]);
});

test("each thing has an address, and each address belongs to a thing", () => {
  const all = addressesOf(foundation);
  for (const row of FOUNDATION_ROWS) expect([row.thing, rowAddresses(row, all).length]).toEqual([row.thing, expect.any(Number)]);
  expect(FOUNDATION_ROWS.filter((row) => rowAddresses(row, all).length === 0).map((row) => row.thing)).toEqual([]);
  expect(all.filter((address) => !FOUNDATION_ROWS.some((row) => rowAddresses(row, all).includes(address)))).toEqual([]);
});

test("every relative link in the docs leads somewhere", () => {
  for (const file of ["README.md", "docs/architecture.md", "docs/guardrails.md", "docs/foundation.md", "docs/lab.md", "docs/worker.md", "docs/drill.md", "docs/tutorial.md", "docs/rotation.md", "docs/review.md", "docs/secrets.md", "docs/hcp.md", "docs/decisions/0004-secrets.md", "images/README.md"]) {
    for (const [, target] of read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) expect(() => readFileSync(join(root, file, "..", target))).not.toThrow(/ENOENT/);
  }
});
