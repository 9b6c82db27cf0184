/** Generated files are what the code makes, and a change by hand is found. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, appendFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderedJobs } from "../../scripts/render";
import { environment } from "../jobs/worked-example";

const root = join(__dirname, "..", "..");

test("deploy/nomad holds every job as it is rendered, and nothing else", () => {
  const jobs = renderedJobs(environment);
  expect(readdirSync(join(root, "deploy", "nomad")).sort()).toEqual(jobs.map((job) => job.file).sort());
  for (const { file, text } of jobs) expect(readFileSync(join(root, "deploy", "nomad", file), "utf8")).toBe(text);
});

describe("bindings", () => {
  const copy = mkdtempSync(join(tmpdir(), "gvfx-bindings-"));
  cpSync(join(root, "bindings"), join(copy, "bindings"), { recursive: true });
  cpSync(join(root, "scripts"), join(copy, "scripts"), { recursive: true });
  cpSync(join(root, "package.json"), join(copy, "package.json"));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  afterAll(() => rmSync(copy, { recursive: true }));
  const check = () => spawnSync("node", ["scripts/bindings.mjs", "--check"], { cwd: copy, encoding: "utf8" });

  test("are what the committed schemas make", () => {
    expect(check().status).toBe(0);
  });

  test.each<[string, (folder: string) => void, string]>([
    ["an edit", (folder) => appendFileSync(join(folder, "vultr", "instance", "index.ts"), "// edited\n"), "vultr/instance/index.ts"],
    ["a file too many", (folder) => writeFileSync(join(folder, "tailscale", "stale.ts"), ""), "tailscale/stale.ts"],
    ["a file too few", (folder) => unlinkSync(join(folder, "tailscale", "acl", "index.ts")), "tailscale/acl/index.ts"],
  ])("%s is found", (_name, plant, file) => {
    rmSync(join(copy, "bindings"), { recursive: true });
    cpSync(join(root, "bindings"), join(copy, "bindings"), { recursive: true });
    plant(join(copy, "bindings"));
    const result = check();
    expect(result.status).toBe(1);
    expect(`${result.stdout}${result.stderr}`).toContain(file);
  });
});
