import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diffCommand, type DiffSurroundings } from "../../scripts/diff/command";
import type { Synthesizer } from "../../scripts/diff/synthesizer";
import { unchangedStacks } from "../../scripts/diff/unchanged";
import { savedPlan, type SavedPlanOptions } from "../../scripts/terraform/stack";
import { RunFailed } from "../../scripts/lab/run";
import { environment } from "../jobs/worked-example";
import { synthesizeStacks } from "../stacks/synthesized";

const stacks = synthesizeStacks(environment);
const synthesized = Object.fromEntries((["foundation", "data-plane", "app", "cutover"] as const).map((id) => [id, { dependencies: [], terraform: stacks[id] }]));

/** A change of a secret that a careless provider does not call one in every place. */
const change = (type: string, name: string, actions: readonly string[], before: object | null, after: object | null, more: object = {}) => ({
  format_version: "1.2",
  resource_changes: [{ address: `${type}.${name}`, mode: "managed", type, name, change: { actions, before, after, after_unknown: {}, before_sensitive: {}, after_sensitive: {}, ...more } }],
});

/** Synthesizes in memory. @param before text of what lies there from before, of every stack @param log gets what it is told */
const fresh = (before?: string, log: string[] = []): Synthesizer => ({
  folder: "cdktf.out",
  known: () => undefined,
  before: () => before,
  synthesize: async () => ({ stacks: synthesized as never, held: 7 }),
  text: () => "now",
  putInPlace: () => void log.push("put in place"),
  close: () => void log.push("closed"),
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-diff-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function gvfxDiff(args: readonly string[], plans: Readonly<Record<string, unknown>> = {}, surroundings: DiffSurroundings = {}): Promise<{ readonly said: string; readonly exit: number | undefined; readonly asked: string[] }> {
  const written: string[] = [];
  const asked: string[] = [];
  process.exitCode = undefined;
  const planner = () => async (stack: string) => {
    asked.push(stack);
    if (plans[stack] instanceof Error) throw plans[stack];
    return plans[stack];
  };
  try {
    await diffCommand(() => environment, { write: (text) => written.push(text), synthesizer: () => fresh(), planner, unchanged: () => unchangedStacks(environment, folder), ...surroundings }).parseAsync([...args], { from: "user" });
    return { said: written.join("\n"), exit: process.exitCode as number | undefined, asked };
  } finally {
    process.exitCode = undefined;
  }
}

test("without a change: exit status 0, and a line a stack", async () => {
  const { said, exit, asked } = await gvfxDiff([]);
  expect(exit).toBe(0);
  expect(asked).toEqual(["foundation", "data-plane", "app", "cutover"]);
  for (const stack of asked) expect(said).toContain(`${stack}: no change`);
});

test("only the stacks that are named are planned, in the order of their dependencies; one that there is not is refused", async () => {
  expect((await gvfxDiff(["app", "data-plane"])).asked).toEqual(["data-plane", "app"]);
  await expect(gvfxDiff(["apps"])).rejects.toThrow(/apps is no stack; there are foundation, data-plane, app, cutover/);
});

test("with a change: exit status 2, the comment beside it", async () => {
  const comment = join(folder, "comment.md");
  const { said, exit } = await gvfxDiff(["app", "--comment", comment, "--revision", "1a2b3c4"], { app: change("nomad_variable", "x", ["update"], { path: "gvfx/tuning/api", items: { OPS_READ_TIMEOUT_MS: "1" } }, { path: "gvfx/tuning/api", items: { OPS_READ_TIMEOUT_MS: "2" } }) });
  expect(exit).toBe(2);
  expect(said).toContain("OPS_READ_TIMEOUT_MS 1 to 2");
  const text = readFileSync(comment, "utf8");
  expect(text.startsWith("<!-- gvfx diff production -->\n")).toBe(true);
  expect(text).toContain("Planned from 1a2b3c4");
});

test("a stack that cannot be planned: exit status 1 with Terraform's error, and the others are told all the same", async () => {
  const said = "Refreshing state...\n╷\n│ Error: error from server\n│ \n│   on cdk.tf.json line 7\n╵\n";
  const result = await gvfxDiff(["data-plane", "app"], { "data-plane": new RunFailed("terraform plan", 1, said), app: change("nomad_namespace", "x", ["create"], null, { name: "x" }) });
  expect(result.exit).toBe(1);
  expect(result.said).toMatch(/data-plane: no plan\n +Error: error from server/);
  expect(result.said).not.toMatch(/Refreshing|│/);
  expect(result.said).toMatch(/app: 1 created/);
});

test("a plan that Terraform refuses, since it would destroy the worker's job, is red", async () => {
  const said = "╷\n│ Error: Instance cannot be destroyed\n│ \n│ Resource nomad_job.gvfx-worker has lifecycle.prevent_destroy set, but the\n│ plan calls for this resource to be destroyed.\n╵\n";
  const comment = join(folder, "comment.md");
  const result = await gvfxDiff(["app", "--comment", comment], { app: new RunFailed("terraform plan", 1, said) });
  expect(result.exit).toBe(1);
  expect(result.said).toMatch(/^LOOK CLOSELY[^\n]*\n {2}!! app: job gvfx-worker would be destroyed, and Terraform refuses it: destroy and create are not chained, so two workers would trade/);
  expect(readFileSync(comment, "utf8").split("\n").slice(0, 5).join("\n")).toMatch(/CAUTION[\s\S]*🔴 app: job gvfx-worker/);
});

test("a broken guardrail: exit status 1, its words, and nothing is planned", async () => {
  const comment = join(folder, "comment.md");
  const broken = async () => {
    throw new Error("[worker-singleton] gvfx-worker: count is 2\n  set it to 1");
  };
  const { said, exit, asked } = await gvfxDiff(["app", "--comment", comment], {}, { synthesizer: () => ({ ...fresh(), synthesize: broken }) });
  expect([exit, asked]).toEqual([1, []]);
  expect(said).toContain("[worker-singleton] gvfx-worker: count is 2");
  expect(readFileSync(comment, "utf8")).toMatch(/CAUTION[\s\S]*count is 2/);
});

describe("Terraform begins with the stacks of an earlier time", () => {
  const log: string[] = [];
  const planner = () => async (stack: string) => void log.push(`plans ${stack}`);
  beforeEach(() => void log.splice(0));

  test("which is all there is to do while they are the same", async () => {
    await gvfxDiff(["app", "cutover"], {}, { planner, synthesizer: () => fresh("now", log) });
    expect(log).toEqual(["plans app", "plans cutover", "put in place", "closed"]);
  });

  test("and synthesizes nothing while its sources are the same", async () => {
    const known = { stacks: synthesized as never, held: 7 };
    const { said } = await gvfxDiff(["app"], {}, { planner, synthesizer: () => ({ ...fresh("now", log), known: () => known, synthesize: () => Promise.reject(new Error("synthesized")) }) });
    expect(log).toEqual(["plans app", "closed"]);
    expect(said).toContain("7 guardrails hold");
  });

  test("and plans those that differ again, once they are in place", async () => {
    const synthesizer = () => ({ ...fresh("now", log), before: (stack: string) => (stack === "app" ? "before" : stack === "cutover" ? undefined : "now") });
    await gvfxDiff(["data-plane", "app", "cutover"], {}, { planner, synthesizer });
    expect(log).toEqual(["plans data-plane", "plans app", "put in place", "plans app", "plans cutover", "closed"]);
  });

  test("a broken guardrail is told, whatever they are", async () => {
    const synthesizer = () => ({ ...fresh("before", log), synthesize: async () => { throw new Error("[a-rule] is broken"); } });
    const { said, exit } = await gvfxDiff(["app"], {}, { planner, synthesizer });
    expect([exit, log]).toEqual([1, ["plans app", "closed"]]);
    expect(said).toContain("[a-rule] is broken");
  });
});

describe("a stack that had no change is planned without a file first", () => {
  const asked: (boolean | undefined)[] = [];
  beforeEach(() => void asked.splice(0));
  const planner = (json: unknown) => () => async (_stack: string, _file: string, options?: SavedPlanOptions) => (asked.push(options?.likelyUnchanged), json);
  const diff = (text: string, json: unknown, args: readonly string[] = []) => gvfxDiff(["app", ...args], {}, { planner: planner(json), synthesizer: () => ({ ...fresh(text), text: () => text }) });

  test("while its text is the same, and no longer once it had one", async () => {
    await diff("a", undefined);
    await diff("a", undefined);
    await diff("b", undefined);
    await diff("b", change("nomad_namespace", "x", ["create"], null, { name: "x" }));
    await diff("b", undefined);
    expect(asked).toEqual([false, true, false, true, false]);
  });

  test("but not with --save, whose file is what is applied, nor by what --from says", async () => {
    await diff("a", undefined);
    await diff("a", undefined, ["--save", join(folder, "kept")]);
    await gvfxDiff(["app", "--from", folder], {}, { synthesizer: () => ({ ...fresh("other"), text: () => "other" }) });
    await diff("other", undefined);
    expect(asked).toEqual([false, undefined, false]);
  });

  test("with a change after all, the same plan is made with its file, and told", async () => {
    const ran: string[] = [];
    const terraform = async (args: readonly string[]) => {
      ran.push(args.find((arg) => arg.startsWith("-out=")) ? `${args[0]} to a file` : args[0]);
      return { status: args[0] === "plan" ? 2 : 0, output: '{"a":1}' };
    };
    expect(await savedPlan(terraform, join(folder, "app.tfplan"), { likelyUnchanged: true })).toEqual({ a: 1 });
    expect(ran).toEqual(["plan", "plan to a file", "show"]);
    expect(await savedPlan(async () => ({ status: 0, output: "" }), join(folder, "none.tfplan"), { likelyUnchanged: true })).toBeUndefined();
    expect(existsSync(join(folder, "none.tfplan"))).toBe(false);
  });
});

describe("no secret is shown", () => {
  const SECRET = "hvs.not-for-anybody";
  test.each([
    ["an attribute that its provider calls sensitive", change("consul_acl_token", "x", ["update"], { token: "old" }, { token: SECRET }, { after_sensitive: { token: true } })],
    ["a sensitive member of a block", change("vultr_instance", "x", ["update"], { disk: [{ key: "old" }] }, { disk: [{ key: SECRET }] }, { after_sensitive: { disk: [{ key: true }] } })],
    ["a Nomad variable that is not the market's or the tuning's", change("nomad_variable", "x", ["update"], { path: "gvfx/other", items: { A: "old" } }, { path: "gvfx/other", items: { A: SECRET } })],
    ["a key that the app's contract calls secret, wherever it is", change("nomad_variable", "x", ["update"], { path: "gvfx/tuning/api", items: {} }, { path: "gvfx/tuning/api", items: { API_TOKEN: SECRET } })],
    ["what is created", change("consul_acl_token", "x", ["create"], null, { token: SECRET })],
    ["an output", { format_version: "1.2", output_changes: { "deployer-token": { actions: ["update"], before: "old", after: SECRET } } }],
  ])("%s", async (_what, plan) => {
    const comment = join(folder, "comment.md");
    const { said, exit } = await gvfxDiff(["app", "--json", "--comment", comment], { app: plan });
    expect(exit).toBe(2);
    expect(said + readFileSync(comment, "utf8")).not.toContain(SECRET);
  });
});

test("what a plan says can neither mention people nor end a list of the comment", async () => {
  const comment = join(folder, "comment.md");
  await gvfxDiff(["app", "--comment", comment], { app: change("nomad_variable", "x", ["update"], { path: "gvfx/tuning/api", items: { CORS_ORIGIN: "a" } }, { path: "gvfx/tuning/api", items: { CORS_ORIGIN: "@everyone\n# <img src=x> | `" } }) });
  const text = readFileSync(comment, "utf8");
  expect(text).toContain("&#64;everyone \\# \\<img src=x\\> \\| \\`");
});

test("a comment that would be too long is cut, and says by how much; what is red stays", async () => {
  const comment = join(folder, "comment.md");
  const many = Array.from({ length: 2_000 }, (_, n) => change("nomad_namespace", `x${n}`, ["delete"], { name: `a-long-name-of-a-namespace-${n}` }, null).resource_changes[0]);
  await gvfxDiff(["app", "--comment", comment], { app: { format_version: "1.2", resource_changes: [...many.slice(0, 100), ...many.slice(100).map((one) => ({ ...one, type: "null_resource", address: one.address.replace("nomad_namespace", "null_resource") }))] } });
  const text = readFileSync(comment, "utf8");
  expect(text.length).toBeLessThan(65_536);
  expect(text).toMatch(/… and \d+ more lines, too long for a comment/);
  expect(text.match(/> 🔴/g)).toHaveLength(100);
});

describe("--from reads plans that somebody else made", () => {
  test("of a stack with a file; one without has no change", async () => {
    writeFileSync(join(folder, "app.json"), JSON.stringify(change("nomad_namespace", "x", ["create"], null, { name: "x" })));
    const { said, exit } = await gvfxDiff(["data-plane", "app", "--from", folder]);
    expect([exit, /app: 1 created/.test(said), /data-plane: no change/.test(said)]).toEqual([2, true, true]);
  });

  test.each([
    ["no JSON", "{", /app\.json is no JSON.*terraform show -json <plan>/],
    ["another JSON", '{"resource_changes": 7}', /not what `terraform show -json <plan>` prints/],
  ])("%s is refused", async (_what, text, message) => {
    writeFileSync(join(folder, "app.json"), text);
    const { said, exit } = await gvfxDiff(["app", "--from", folder]);
    expect(exit).toBe(1);
    expect(said).toMatch(message);
  });
});

describe("the plan's file", () => {
  test("is its user's alone, before Terraform writes into it and after; without changes nothing is shown", async () => {
    const file = join(folder, "plans", "app.tfplan");
    const modes: number[] = [];
    const ran: string[] = [];
    const terraform = (status: number) => async (args: readonly string[]) => {
      modes.push(statSync(file).mode & 0o777);
      ran.push(args[0]);
      return { status: args[0] === "plan" ? status : 0, output: '{"a":1}' };
    };
    expect(await savedPlan(terraform(2), file)).toEqual({ a: 1 });
    expect(await savedPlan(terraform(0), file)).toBeUndefined();
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect(ran).toEqual(["plan", "show", "plan"]);
  });

  test("is kept where --save says, and nowhere else", async () => {
    const planner = () => async (_stack: string, file: string) => {
      await savedPlan(async () => ({ status: 0, output: "" }), file);
      return undefined;
    };
    await gvfxDiff(["app", "--save", join(folder, "kept")], {}, { planner });
    expect(existsSync(join(folder, "kept", "app.tfplan"))).toBe(true);
    await gvfxDiff(["app"], {}, { planner });
    expect(existsSync(join(".gvfx", "plans", "production", "app.tfplan"))).toBe(false);
  });
});
