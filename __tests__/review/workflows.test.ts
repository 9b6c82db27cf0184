/** The pipelines as GitHub would read them: what each job may do, and with which credentials. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { STACK_IDS } from "../../contracts/stacks";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly "runs-on"?: string | readonly string[];
  readonly "timeout-minutes"?: number;
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly steps?: readonly Step[];
}
interface Workflow {
  readonly on: unknown;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const ROOT = join(__dirname, "../../.github");
const workflows = Object.fromEntries(readdirSync(join(ROOT, "workflows")).map((file) => [file, parse(readFileSync(join(ROOT, "workflows", file), "utf8")) as Workflow]));
const actions = Object.fromEntries(readdirSync(join(ROOT, "actions")).map((name) => [name, parse(readFileSync(join(ROOT, "actions", name, "action.yml"), "utf8")) as { readonly runs: { readonly steps: readonly Step[] } }]));
const jobs = Object.entries(workflows).flatMap(([file, { jobs: own }]) => Object.entries(own).map(([name, job]) => ({ file, name, job })));
const steps = [...jobs.flatMap(({ file, name, job }) => (job.steps ?? []).map((step) => ({ of: `${file} ${name}`, step }))), ...Object.entries(actions).flatMap(([name, { runs }]) => runs.steps.map((step) => ({ of: `action ${name}`, step })))];
/** Names of secrets in a piece of a workflow. */
const secretsIn = (value: unknown): string[] => [...JSON.stringify(value).matchAll(/secrets\.([A-Z_a-z]+)/g)].map(([, name]) => name);
const { diff, deploy, "deploy-stack": deployStack } = { diff: workflows["diff.yml"], deploy: workflows["deploy.yml"], "deploy-stack": workflows["deploy-stack.yml"] };

test("nothing is permitted to all jobs, and code of a pull request never runs with the rights of main", () => {
  for (const [file, { on, permissions }] of Object.entries(workflows)) {
    expect([file, Object.values(permissions).filter((may) => may !== "read")]).toEqual([file, []]);
    expect([file, JSON.stringify(on).includes("pull_request_target")]).toEqual([file, false]);
  }
});

test("a job has secrets by its environment alone, and a job that writes to pull requests has none", () => {
  for (const { file, name, job } of jobs) {
    if (secretsIn(job.steps ?? []).length > 0) expect([file, name, typeof job.environment]).toEqual([file, name, "string"]);
    if (job.permissions?.["pull-requests"] === "write") expect([file, name, secretsIn(job), job.environment]).toEqual([file, name, [], undefined]);
  }
  expect(jobs.filter(({ job }) => job.permissions?.["pull-requests"] === "write").map(({ name }) => name)).toEqual(["comment", "comment-protected"]);
});

test("what plans data-plane and app of a pull request reads; what plans the others is approved first, on a runner of one's own", () => {
  expect(diff.jobs.plan).toMatchObject({ environment: "review", permissions: { contents: "read", "id-token": "write" } });
  expect(new Set(secretsIn(diff.jobs.plan))).toEqual(new Set(["NOMAD_READER_TOKEN", "HCP_STATE_READER_TOKEN"]));
  expect(diff.jobs.plan.steps!.find(({ run }) => run?.includes("gvfx -- diff"))!.env).toMatchObject({ TF_FORCE_LOCAL_BACKEND: "1" });
  expect(diff.jobs["plan-protected"]).toMatchObject({ environment: "review-protected", "runs-on": ["self-hosted", "gvfx-protected"] });
  // A fork's pull request is given no environment: it would fail, or worse.
  for (const job of [diff.jobs.plan, diff.jobs["plan-protected"], diff.jobs.comment]) expect(job.if).toContain("head.repo.full_name == github.repository");
  const of = diff.jobs.touched.steps!.map(({ run }) => run ?? "").join("\n");
  for (const [output, stacks] of [["open", "data-plane,app"], ["protected", "foundation,cutover"], ["all", STACK_IDS.join(",")]]) expect(of).toContain(`\n${output}=$(touched ${stacks})\n`);
});

test("what is applied is the plan that was told, by another job, in another environment", () => {
  const { plan, apply } = deployStack.jobs;
  expect([plan.environment, apply.environment]).toEqual(["deploy-plan", "production"]);
  // Not the runner on which code of pull requests has run.
  for (const job of [plan, apply]) expect(job["runs-on"]).toEqual(["self-hosted", "gvfx-deploy"]);
  const saved = plan.steps!.map(({ run }) => run ?? "").join("\n");
  expect(saved).toMatch(/gvfx -- diff "\$STACK" --save plans --comment words\.md[\s\S]*GITHUB_STEP_SUMMARY/);
  const applied = apply.steps!.map(({ run }) => run ?? "").join("\n");
  expect(applied).toMatch(/terraform .* apply -input=false -no-color "\$PWD\/plan\.tfplan"/);
  expect(applied).not.toMatch(/auto-approve|terraform .* plan/);
  expect([secretsIn(plan).includes("HCP_APPLY_TOKEN"), apply.if]).toEqual([false, "needs.plan.outputs.status == '2'"]);
});

test("a plan leaves its machine encrypted", () => {
  const uploads = steps.filter(({ step }) => step.uses?.startsWith("actions/upload-artifact"));
  // plan.json is `gvfx diff --json`, in which no value that is secret is told.
  expect(uploads.map(({ step }) => step.with!.path).sort()).toEqual(["${{ inputs.stack }}.tfplan.gpg", "plan.json", "plan.json"]);
});

test("every stack is deployed after what it depends on, and cutover by a person alone", () => {
  expect(Object.keys(deploy.jobs)).toEqual([...STACK_IDS]);
  for (const stack of STACK_IDS) expect([stack, deploy.jobs[stack].with]).toEqual([stack, { stack }]);
  expect([deploy.jobs["data-plane"].needs, deploy.jobs.app.needs]).toEqual(["foundation", ["foundation", "data-plane"]]);
  expect(deploy.jobs.cutover.if).not.toContain("push");
  for (const job of Object.values(deploy.jobs)) expect(job.if).toContain("vars.GVFX_DEPLOY == 'on'");
});

test("no job waits for ever, and no checkout leaves its token behind", () => {
  for (const { file, name, job } of jobs) if (job.steps) expect([file, name, (job["timeout-minutes"] ?? Infinity) <= 90]).toEqual([file, name, true]);
  for (const { of, step } of steps) if (step.uses?.startsWith("actions/checkout") && !of.startsWith("ci.yml")) expect([of, step.with?.["persist-credentials"]]).toEqual([of, false]);
});

test("a failure ends its step: none is within the words of an echo", () => {
  for (const { of, step } of steps) expect([of, /(echo|printf)[^\n]*\$\((?!jq )/.test(step.run ?? "")]).toEqual([of, false]);
});

test("what people name is no part of a script, and every script is sound", () => {
  for (const { of, step } of steps) {
    if (step.run === undefined) continue;
    // In the script it would be read by the shell; in a variable it is a text.
    expect([of, step.run.includes("${{")]).toEqual([of, false]);
    expect([of, spawnSync("bash", ["-n"], { input: step.run, encoding: "utf8" }).stderr]).toEqual([of, ""]);
  }
});
