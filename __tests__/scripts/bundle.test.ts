/** The bundle that synth runs is never stale. A copy of the sources is edited, never the sources. */
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const copy = mkdtempSync(join(tmpdir(), "gvfx-bundle-"));
for (const entry of ["main.ts", "synth.ts", "bindings", "constructs", "contracts", "environments", "runtime", "scripts", "stacks", "images.lock.json", "tsconfig.json", "package-lock.json", "package.json"]) cpSync(join(root, entry), join(copy, entry), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
afterAll(() => rmSync(copy, { recursive: true }));

const synth = () => spawnSync("node", ["scripts/synth.cjs"], { cwd: copy, encoding: "utf8", env: { PATH: process.env.PATH, HOME: process.env.HOME } });
const app = () => readFileSync(join(copy, "cdktf.out", "stacks", "app", "cdk.tf.json"), "utf8");
const bundle = join(copy, "dist", "bundle", "main.cjs");
const record = join(copy, "dist", "bundle", "main.json");

test("an edit of a source is in the next output, and taking it back is too", () => {
  expect(synth()).toMatchObject({ status: 0, stderr: "" });
  const before = app();
  const file = join(copy, "environments", "production.ts");
  const source = readFileSync(file, "utf8");
  writeFileSync(file, source.replace('api: { cpuMhz: 1000, memory: "1GiB"', 'api: { cpuMhz: 1234, memory: "1GiB"'));
  expect(synth().status).toBe(0);
  expect(app()).toContain('\\"CPU\\":1234');
  writeFileSync(file, source);
  expect(synth().status).toBe(0);
  expect(app()).toBe(before);
});

test("comments, new files and moved ones leave the output alone", () => {
  const before = app();
  appendFileSync(join(copy, "constructs", "jobs", "worker.ts"), "\n// A comment.\n");
  writeFileSync(join(copy, "constructs", "unused.ts"), "export const unused = 1;\n");
  expect(synth().status).toBe(0);
  expect(app()).toBe(before);
});

test("a bundle that somebody changed is made anew", () => {
  const before = app();
  const sound = readFileSync(bundle, "utf8");
  writeFileSync(bundle, "process.exit(3);");
  expect(synth().status).toBe(0);
  expect(readFileSync(bundle, "utf8")).toBe(sound);
  expect(app()).toBe(before);
});

test("an unchanged tree is not bundled again, and one code cache is kept", () => {
  const inode = () => readdirSync(join(copy, "dist", "bundle")).sort();
  synth();
  const files = inode();
  expect(synth().status).toBe(0);
  expect(inode()).toEqual(files);
  expect(files.filter((file) => /^main\..*\.cache$/.test(file))).toHaveLength(1);
});

test("a file that was written without a change is looked into once, and nothing is bundled again", () => {
  synth();
  const [before, recorded] = [statSync(bundle).mtimeMs, readFileSync(record, "utf8")];
  const file = join(copy, "environments", "production.ts");
  writeFileSync(file, readFileSync(file));
  expect(synth().status).toBe(0);
  expect(statSync(bundle).mtimeMs).toBe(before);
  expect(readFileSync(record, "utf8")).not.toBe(recorded);
  const after = readFileSync(record, "utf8");
  synth();
  expect(readFileSync(record, "utf8")).toBe(after);
});

test("planted: an edit of the same size whose time of change is set back is seen all the same", () => {
  synth();
  const file = join(copy, "environments", "production.ts");
  const [source, { atime, mtime }] = [readFileSync(file, "utf8"), statSync(file)];
  writeFileSync(file, source.replace('api: { cpuMhz: 1000, memory: "1GiB"', 'api: { cpuMhz: 4321, memory: "1GiB"'));
  utimesSync(file, atime, mtime);
  expect(synth().status).toBe(0);
  expect(app()).toContain('\\"CPU\\":4321');
  writeFileSync(file, source);
});

test("a wrong environment prints its errors, exits 1 and synthesizes nothing", () => {
  rmSync(join(copy, "cdktf.out"), { recursive: true });
  const file = join(copy, "environments", "production.ts");
  const source = readFileSync(file, "utf8");
  writeFileSync(file, source.replace('tailnetAddress: "100.64.0.11"', 'tailnetAddress: "10.0.0.11"').replace("aclsEnabled: true", "aclsEnabled: false"));
  const result = synth();
  writeFileSync(file, source);
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(/environment "production" has 2 errors; nothing was synthesized[\s\S]*nodes\[0\]\.tailnetAddress[\s\S]*for example: "100\.64\.0\.11"[\s\S]*consul\.aclsEnabled/);
  expect(existsSync(join(copy, "cdktf.out"))).toBe(false);
});
