/** Programs that Nomad delivers are what runtime/ holds. A copy is edited, never the sources. */
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WORKER_LEASE_SOURCE } from "../../constructs/jobs/worker-lease-source";

const ROOT = join(__dirname, "..", "..");
const embed = (root: string, ...args: string[]) => spawnSync(process.execPath, [join(root, "scripts", "embed.mjs"), ...args], { encoding: "utf8" });

let copy: string;
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "gvfx-embed-"));
  for (const path of ["scripts/embed.mjs", "runtime", "constructs/jobs/guardian-source.ts", "constructs/jobs/worker-lease-source.ts", "constructs/jobs/backup-source.ts"]) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

test("the committed files are the programs'", () => {
  expect(embed(ROOT, "--check")).toMatchObject({ status: 0, stderr: "" });
});

test("the lease is delivered as the one file that its tests run", () => {
  expect(WORKER_LEASE_SOURCE).toBe(readFileSync(join(ROOT, "runtime", "worker-lease.mjs"), "utf8"));
  expect([...WORKER_LEASE_SOURCE.matchAll(/^import .* from "(.*)";$/gm)].filter(([, from]) => !from.startsWith("node:"))).toEqual([]);
});

test.each([
  ["runtime/guardian/verdict.mjs", ["constructs/jobs/guardian-source.ts"]],
  ["runtime/worker-lease/protocol.mjs", ["runtime/worker-lease.mjs", "constructs/jobs/worker-lease-source.ts"]],
  ["runtime/backup/run.mjs", ["runtime/backup.mjs", "constructs/jobs/backup-source.ts"]],
])("a change of %s fails the check until it is embedded again", (source, targets) => {
  appendFileSync(join(copy, source), "export const changed = true;\n");
  const check = embed(copy, "--check");
  expect(check.status).toBe(1);
  for (const target of targets) expect(check.stderr).toContain(`${target} is not what`);
  expect(embed(copy).status).toBe(0);
  expect(embed(copy, "--check")).toMatchObject({ status: 0, stderr: "" });
});

test("a change by hand of a generated file fails the check", () => {
  appendFileSync(join(copy, "runtime/worker-lease.mjs"), "// by hand\n");
  expect(embed(copy, "--check")).toMatchObject({ status: 1, stderr: expect.stringContaining("runtime/worker-lease.mjs is not what runtime/worker-lease holds") });
});

test.each([
  ["runtime/guardian/verdict.mjs", "export const nested = {{}};\n", "runtime/guardian/verdict.mjs"],
  ["runtime/worker-lease/version.mjs", 'export const VERSION = "{{";\n', "runtime/worker-lease.mjs"],
])("a delimiter of Nomad's templates in %s is refused", (source, text, named) => {
  writeFileSync(join(copy, source), text);
  expect(embed(copy)).toMatchObject({ status: 2, stderr: expect.stringContaining(`${named} contains two opening braces`) });
});

test("a module that is missing is an error, and nothing is written", () => {
  rmSync(join(copy, "runtime/worker-lease/clock.mjs"));
  expect(embed(copy)).toMatchObject({ status: 2, stderr: expect.stringContaining('Could not resolve "./clock.mjs"') });
  expect(readFileSync(join(copy, "runtime/worker-lease.mjs"), "utf8")).toBe(WORKER_LEASE_SOURCE);
});
