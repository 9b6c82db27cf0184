/** A plan that is begun before the program that asks for it is loaded. Terraform is a double of a few lines of shell, which counts its runs. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unchangedStacks } from "../../scripts/diff/unchanged";
import { run } from "../../scripts/lab/run";
import { PLAN, planVariables } from "../../scripts/terraform/stack";
import begin from "../../scripts/begin.cjs";

const { beginPlans } = begin;
const BEGUN = Symbol.for("gvfx.begun");
const TEXT = '{"terraform": {}}';
const FOLDER = "cdktf.out/stacks/app";
const VARIABLES = { ...planVariables(), TOKEN: "of-a-lab", NOMAD_ADDR: undefined };

let home: string;
const before = { cwd: process.cwd(), path: process.env.PATH };
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "gvfx-begin-"));
  process.chdir(home);
  mkdirSync(FOLDER, { recursive: true });
  mkdirSync("bin");
  writeFileSync(join(FOLDER, "cdk.tf.json"), TEXT);
  terraform('sleep 0.3; echo "planned with ${TOKEN} ${NOMAD_ADDR-no address}"');
  process.env.PATH = `${join(home, "bin")}:${before.path}`;
  process.env.NOMAD_ADDR = "https://elsewhere";
  unchangedStacks({ name: "staging" }).note("app", { text: TEXT, place: { folder: FOLDER, variables: VARIABLES } });
});
afterEach(() => {
  process.chdir(before.cwd);
  process.env.PATH = before.path;
  delete process.env.NOMAD_ADDR;
  delete (globalThis as { [key: symbol]: unknown })[BEGUN];
  rmSync(home, { recursive: true });
});

function terraform(does: string): void {
  writeFileSync(join("bin", "terraform"), `#!/bin/sh\necho "$*" >> '${home}/runs'\n${does}\n`);
  chmodSync(join("bin", "terraform"), 0o755);
}
const runs = (): string[] => {
  try {
    return readFileSync("runs", "utf8").trim().split("\n");
  } catch {
    return [];
  }
};
const plan = (env: Readonly<Record<string, string | undefined>> = VARIABLES) => run("terraform", PLAN, { cwd: FOLDER, env });
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

test("is taken over by who asks for exactly it, once, with all that it said", async () => {
  beginPlans(["app"], "staging");
  await pause(100);
  process.env.GVFX_BUNDLE = "set after it had begun";
  try {
    expect((await plan()).output).toBe("planned with of-a-lab no address\n");
    expect(runs()).toEqual([PLAN.join(" ")]);
    await plan();
    expect(runs()).toHaveLength(2);
  } finally {
    delete process.env.GVFX_BUNDLE;
  }
});

test("its failure is told like any other", async () => {
  terraform("sleep 0.2; echo 'Error: no rights' >&2; exit 1");
  beginPlans(["app"], "staging");
  await expect(plan()).rejects.toThrow(/terraform plan .* failed \(1\):\n {2}Error: no rights/);
  expect(runs()).toHaveLength(1);
});

test("planned: one that had ended before anybody asked is run again, since what it said is lost", async () => {
  terraform("echo said");
  beginPlans(["app"], "staging");
  await pause(300);
  expect((await plan()).output).toBe("said\n");
  expect(runs()).toHaveLength(2);
});

test.each<[string, () => Promise<unknown>]>([
  ["another token", () => plan({ ...VARIABLES, TOKEN: "another" })],
  ["a variable that was removed", () => plan({ ...VARIABLES, NOMAD_ADDR: "https://elsewhere" })],
  ["other arguments", () => run("terraform", [...PLAN, "-out=x"], { cwd: FOLDER, env: VARIABLES })],
  ["another folder", () => run("terraform", PLAN, { cwd: ".", env: VARIABLES })],
])("planted: %s is another plan", async (_what, other) => {
  beginPlans(["app"], "staging");
  await other();
  expect(runs()).toHaveLength(2);
});

test.each<[string, readonly string[], string, () => void]>([
  ["whose text is another one", ["app"], "staging", () => writeFileSync(join(FOLDER, "cdk.tf.json"), "{}")],
  ["that had a change", ["app"], "staging", () => unchangedStacks({ name: "staging" }).note("app", undefined)],
  ["of another environment", ["app"], "production", () => undefined],
  ["that is not asked for", ["cutover"], "staging", () => undefined],
  ["whose plan is to be kept", ["app", "--save", "plans"], "staging", () => undefined],
  ["whose plan is somebody else's", ["app", "--from=plans"], "staging", () => undefined],
  ["whose note is none", ["app"], "staging", () => writeFileSync(".gvfx/plans/staging/app.unchanged.json", "{")],
  ["while there is no Terraform", ["app"], "staging", () => void (process.env.PATH = home)],
])("nothing is begun of a stack %s", async (_what, args, environment, change) => {
  change();
  beginPlans(args, environment);
  await pause(150);
  expect([runs(), (globalThis as { [key: symbol]: unknown })[BEGUN]]).toEqual([[], undefined]);
});

test("the note, which may hold a lab's tokens, is its user's alone", () => {
  unchangedStacks({ name: "staging" }).note("app", { text: TEXT, place: { folder: FOLDER, variables: VARIABLES } });
  expect(statSync(".gvfx/plans/staging/app.unchanged.json").mode & 0o777).toBe(0o600);
});
