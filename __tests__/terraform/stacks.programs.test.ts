/** The stacks under the real Terraform with the real providers, and the jobs under the real Nomad, where there are any. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { App, TerraformStack } from "cdktf";
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { NomadJob } from "../../constructs/nomad/job";
import { renderJobJson } from "../../constructs/nomad/render";
import { JOB_KEYS } from "../../contracts/services";
import { STACK_IDS, synthesize } from "../../synth";
import { environment, pinned, unpinned } from "../jobs/worked-example";
import { describeUnless, hasTerraform, TerraformFolder } from "./terraform";

const outdir = mkdtempSync(join(tmpdir(), "gvfx-stacks-"));
afterAll(() => rmSync(outdir, { recursive: true }));
synthesize(environment, outdir);

// The vultr provider wants a key to be set even to validate; it is not used.
const env = { ...process.env, VULTR_API_KEY: "validate-only", CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" };
const terraform = (folder: string, ...args: string[]) => spawnSync("terraform", [`-chdir=${folder}`, ...args], { env, encoding: "utf8", timeout: 60_000 });
const init = (id: string) => terraform(join(outdir, "stacks", id), "init", "-input=false", "-backend=false", "-no-color");

const skipped = !hasTerraform ? "terraform is not on PATH" : init("foundation").status !== 0 ? "terraform finds no providers" : undefined;

describeUnless(skipped, "the real providers accept", () => {
  test.each(STACK_IDS)("%s", (id) => {
    expect(init(id)).toMatchObject({ status: 0 });
    const result = terraform(join(outdir, "stacks", id), "validate", "-json");
    expect(JSON.parse(result.stdout)).toMatchObject({ valid: true, diagnostics: [] });
  });
});

describeUnless(skipped, "an image without a digest", () => {
  const folder = new TerraformFolder();
  afterAll(() => folder.remove());

  function write(images: typeof pinned, requireImageDigests: boolean): void {
    const appOut = mkdtempSync(join(tmpdir(), "gvfx-precondition-"));
    const app = new App({ outdir: appOut });
    const stack = new TerraformStack(app, "precondition");
    // Nothing answers there: whether a deploy is refused must be known before Nomad is asked.
    new NomadProvider(stack, "nomad", { address: "http://127.0.0.1:1" });
    new NomadJob(stack, "api", { job: JOB_BUILDERS.api(environment, images), preventDestroy: false, requireImageDigests });
    app.synth();
    const config = JSON.parse(readFileSync(join(appOut, "stacks", "precondition", "cdk.tf.json"), "utf8")) as { terraform: { backend?: unknown } };
    delete config.terraform.backend;
    folder.write("cdk.tf.json", config);
    rmSync(appOut, { recursive: true });
  }
  const REFUSED = /gvfx-api cannot be deployed:[\s\S]*no[\s\S]digest[\s\S]in[\s\S]images\.lock\.json/;

  test("is planned, and refused when it is deployed", async () => {
    write(unpinned, true);
    expect(await folder.run("init", "-input=false")).toMatchObject({ status: 0 });
    const plan = await folder.run("plan", "-input=false", "-detailed-exitcode");
    expect(plan).toMatchObject({ status: 2, output: expect.stringContaining("nomad_job.gvfx-api will be created") });
    const apply = await folder.run("apply", "-input=false", "-auto-approve");
    expect(apply.status).toBe(1);
    expect(apply.output).toMatch(REFUSED);
    expect(apply.output).not.toMatch(/connection refused/);
  });

  test("is no matter once it has one, nor where the environment does not ask for it", async () => {
    for (const [images, required] of [[pinned, true], [unpinned, false]] as const) {
      write(images, required);
      const apply = await folder.run("apply", "-input=false", "-auto-approve");
      expect(apply.output).not.toMatch(REFUSED);
      // It came as far as asking Nomad.
      expect(apply.output).toMatch(/connection refused/);
    }
  });
});

const nomad = spawnSync("nomad", ["version"], { encoding: "utf8" }).status === 0;

describeUnless(nomad ? undefined : "nomad is not on PATH", "nomad job validate accepts", () => {
  test.each(JOB_KEYS)("%s", (key) => {
    const file = join(outdir, `${key}.nomad.json`);
    writeFileSync(file, renderJobJson(JOB_BUILDERS[key](environment, pinned), 2));
    // An address at which nothing answers makes it validate by itself.
    const result = spawnSync("nomad", ["job", "validate", "-json", file], { env: { PATH: process.env.PATH, NOMAD_ADDR: "http://127.0.0.1:1" }, encoding: "utf8" });
    expect(`${result.stdout}${result.stderr}`).toMatch(/Job validation successful/);
    expect(result.stdout).not.toMatch(/Warning/);
  });
});
