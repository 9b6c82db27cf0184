import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { danglingReferences, PlatformStack } from "../../constructs/state/platform-stack";
import { TerraformData } from "../../constructs/state/terraform-data";
import { IMAGE_ROLES, UNPINNED_DIGEST } from "../../contracts/images";
import { unescapeTemplates } from "../../constructs/nomad/job";
import type { ApiJob } from "../../constructs/nomad/api";
import { Duration } from "../../contracts/units";
import { JOBS } from "../../contracts/services";
import { parseEnvironment } from "../../environments/parse";
import { declareStacks, STACK_IDS, synthesizeGuarded } from "../../synth";
import { environment, example as production, pinned } from "../jobs/worked-example";
import { jobsOf, synthesizeStacks } from "./synthesized";

const stacks = synthesizeStacks(environment);

test.each(STACK_IDS)("%s in production", (id) => {
  expect(stacks[id]).toMatchSnapshot();
});

test("every group of every job carries node.class != witness", () => {
  const jobs = STACK_IDS.flatMap((id) => jobsOf(stacks[id]));
  expect(jobs.map((job) => job.ID).sort()).toEqual(Object.values(JOBS).sort());
  for (const group of jobs.flatMap((job) => job.TaskGroups)) {
    expect(group.Constraints).toContainEqual({ LTarget: "${node.class}", Operand: "!=", RTarget: "witness" });
  }
});

test("each stack depends on the one before", () => {
  const app = new App({ stackTraces: false });
  declareStacks(app, environment);
  const [foundation, dataPlane, application, cutover] = STACK_IDS.map((id) => app.node.findChild(id) as TerraformStack);
  expect(dataPlane.dependencies).toContain(foundation);
  expect(application.dependencies).toContain(dataPlane);
  expect(cutover.dependencies).toContain(application);
});

test("only scalars cross between stacks, and no secret does", () => {
  expect(Object.keys(stacks.foundation.output ?? {}).filter((name) => name.startsWith("cross-stack"))).toEqual([expect.stringMatching(/^cross-stack-output-tls_self_signed_cert.*cert_pem$/)]);
  for (const id of ["data-plane", "app", "cutover"] as const) {
    expect(Object.keys(stacks[id].data?.terraform_remote_state ?? {})).toHaveLength(1);
    expect(Object.keys(stacks[id].output ?? {}).filter((name) => name.startsWith("cross-stack"))).toEqual([]);
  }
});

test("a reference to another stack outside a provider fails synth, instead of pointing nowhere", () => {
  const outdir = mkdtempSync(join(tmpdir(), "gvfx-dangling-"));
  class Planted extends PlatformStack {}
  const app = new App({ outdir, stackTraces: false });
  const origin = new Planted(app, "origin");
  const made = new TerraformData(origin, "made", { input: { a: "b" } });
  const user = new Planted(app, "user");
  new TerraformData(user, "planted", { input: { id: made.id } });
  expect(() => synthesizeGuarded(app)).toThrow(/\[cross-stack\] user: refers to terraform_data\.made of origin/);
  rmSync(outdir, { recursive: true, force: true });
  expect(danglingReferences(STACK_IDS.map((id) => [id, JSON.stringify(stacks[id])]))).toEqual([]);
});

test("no secret, no machine path, no mutable image tag in what is synthesized", () => {
  expect(stacks.text).not.toMatch(/-----BEGIN [A-Z ]*PRIVATE KEY|tskey-|hvs\.|AKIA[0-9A-Z]{16}/);
  expect(stacks.text).not.toContain(process.cwd());
  expect(stacks.text).not.toMatch(/"\/(home|Users|work|tmp)\/(?!trader\/)/);
  for (const job of STACK_IDS.flatMap((id) => jobsOf(stacks[id]))) {
    for (const task of job.TaskGroups.flatMap((group) => group.Tasks)) expect(task.Config.image).toMatch(/@sha256:[0-9a-f]{64}$/);
  }
});

test("two syntheses are the same text", () => {
  expect(synthesizeStacks(environment).text).toBe(stacks.text);
});

test("a job waits for its deployment, longer than the deployment may take", () => {
  for (const job of STACK_IDS.flatMap((id) => Object.values(stacks[id].resource?.nomad_job ?? {}))) {
    expect(job).toMatchObject({ detach: false, json: true });
    const spec = JSON.parse(unescapeTemplates(job.jobspec as string)) as ApiJob;
    const [group] = spec.TaskGroups;
    // One copy's drain and its successor's start, the least that any deployment may take; and whatever deadline the job itself has.
    const longest = Math.max(group.Update?.ProgressDeadline ?? 0, (group.Update?.HealthyDeadline ?? 0) + Math.max(...group.Tasks.map((task) => task.KillTimeout)));
    for (const timeout of Object.values(job.timeouts as Record<string, string>)) expect(Duration.parse(timeout).nanoseconds).toBeGreaterThan(longest);
  }
});

test("stateful and singleton jobs cannot be destroyed in production, and can in an environment without protect", () => {
  const guarded = (all: typeof stacks) => STACK_IDS.flatMap((id) => Object.entries(all[id].resource?.nomad_job ?? {})).filter(([, job]) => (job.lifecycle as { prevent_destroy?: boolean } | undefined)?.prevent_destroy).map(([name]) => name).sort();
  expect(guarded(stacks)).toEqual([JOBS.convex, JOBS.objectstore, JOBS.postgres, JOBS.worker].sort());
  expect(guarded(synthesizeStacks(parseEnvironment("open", { ...production, protect: false })))).toEqual([]);
});

test("unpinned images: shown with a digest that no image has, and refused at deploy", () => {
  for (const id of ["data-plane", "app"] as const) {
    for (const job of Object.values(stacks[id].resource?.nomad_job ?? {})) {
      expect(job.jobspec).toContain(UNPINNED_DIGEST);
      expect(JSON.stringify(job.lifecycle)).toMatch(/cannot be deployed: .* no digest in images\.lock\.json/);
    }
  }
  const all = synthesizeStacks(environment, pinned);
  expect(all.text).not.toContain(UNPINNED_DIGEST);
  expect(all.text).not.toContain("cannot be deployed");
  expect(IMAGE_ROLES.every((role) => all.text.includes(pinned[role].digest!))).toBe(true);
});

test("provider addresses are literals", () => {
  for (const id of STACK_IDS) {
    for (const provider of Object.values(stacks[id].provider ?? {}).flat()) expect(String(provider.address ?? "")).not.toContain("${");
  }
});

test("the HCP backend: one workspace a stack, by name", () => {
  const hcp = synthesizeStacks(parseEnvironment("hcp", { ...production, backend: { kind: "hcp", hostname: "app.terraform.io", organization: "example-org", project: "gvfx", workspacePrefix: "gvfx-production" } }));
  for (const id of STACK_IDS) {
    expect(hcp[id].terraform).toMatchObject({ cloud: { hostname: "app.terraform.io", organization: "example-org", workspaces: { name: `gvfx-production-${id}`, project: "gvfx" } } });
  }
});
