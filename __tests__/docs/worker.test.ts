import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROMISES } from "../../contracts/singleton";
import { loadEnvironment } from "../../environments/load";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { INEQUALITIES } from "../../environments/singleton/inequalities";
import { SETTINGS } from "../../scripts/docs/worker-settings";
import { drillMargins, withTables, workerPage, workerTables } from "../../scripts/docs/worker";
import { environment } from "../jobs/worked-example";

const root = join(__dirname, "..", "..");

test("each inequality and each promise is a row, measured or not", () => {
  const { inequalities, promises } = workerTables([environment], { "dead-after": { measuredMs: 9_120.4, of: 10_000, samples: 7 }, "hand-over": { measuredMs: 2_100, of: "5 s", samples: 1 } });
  for (const { id } of INEQUALITIES) expect(inequalities).toContain(`| \`${id}\` (`);
  for (const { id } of PROMISES) expect(promises).toContain(`| \`${id}\` |`);
  expect(inequalities).toContain("9s120ms of 10s (7 samples)");
  expect(promises).toContain("2s100ms of 5 s (1 sample)");
  expect(promises).toContain("not measured yet");
});

test("margins and values are each environment's own", () => {
  const slow = parseEnvironment("slow", { ...production, name: "slow", lease: { ...production.lease, lockDelay: "14s" } });
  const { inequalities, settings } = workerTables([environment, slow], {});
  expect(inequalities).toContain("| lease.deadAfter ≤ lease.lockDelay | 10s ≤ 12s: 2s | 10s ≤ 14s: 4s | 1s |");
  expect(settings).toContain("| lease.lockDelay | 12s | 14s |");
});

test("every value of the lease's section is a setting, and each is set in a place that is there", () => {
  expect(SETTINGS.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(environment.lease).map((name) => `lease.${name}`)));
  for (const { where } of SETTINGS) expect([where, existsSync(join(root, where))]).toEqual([where, true]);
  for (const row of SETTINGS) expect([row.name, row.value(loadEnvironment("lab"))]).not.toContainEqual(expect.stringMatching(/undefined|^$/));
});

test("only what is between the markers is replaced, and a page without them is refused", () => {
  const page = "before\n<!-- a: made by npm run docs -->\nold\n<!-- end of a -->\nafter\n";
  expect(withTables(page, { a: "new" })).toBe("before\n<!-- a: made by npm run docs -->\nnew\n<!-- end of a -->\nafter\n");
  expect(() => withTables(page, { b: "new" })).toThrow(/has no "<!-- b: made by npm run docs -->"/);
  expect(workerPage()).toContain("## Look and act");
});

test("the drill's report is read, and a malformed one is an error", () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-drill-"));
  try {
    const file = join(folder, "drill.json");
    expect(drillMargins(file)).toEqual({});
    writeFileSync(file, JSON.stringify({ margins: { "take-over": { measuredMs: 33_400, of: 34_000, samples: 3 } }, environment: "lab" }));
    expect(drillMargins(file)).toEqual({ "take-over": { measuredMs: 33_400, of: 34_000, samples: 3 } });
    writeFileSync(file, JSON.stringify({ margins: { "take-over": { measuredMs: "33 s" } } }));
    expect(() => drillMargins(file)).toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
