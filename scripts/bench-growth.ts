/** Synthesizes an app stack with 1, 10 and 100 times the services and prints the milliseconds of each as JSON. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { App, TerraformStack } from "cdktf";
import { Guardrails } from "../constructs/guardrails/guardrails";
import { JOB_BUILDERS } from "../constructs/jobs/catalog";
import { NomadJob } from "../constructs/nomad/job";
import { nomadProvider } from "../constructs/nomad/provider";
import { parseImageLock } from "../contracts/images";
import { loadEnvironment } from "../environments/load";
import lockFile from "../images.lock.json";

const environment = loadEnvironment();
const images = parseImageLock(lockFile);

function synthesize(factor: number): number {
  const outdir = mkdtempSync(join(tmpdir(), "gvfx-growth-"));
  try {
    const start = performance.now();
    const app = new App({ outdir, stackTraces: false });
    const stack = new TerraformStack(app, "growth");
    nomadProvider(stack, { environment, caPem: "none" });
    for (let copy = 0; copy < factor; copy++) {
      for (const build of Object.values(JOB_BUILDERS)) {
        const job = build(environment, images);
        // Copies keep their id, by which the rules know whose variables a job may read; only Terraform's name differs.
        new NomadJob(stack, `${job.id}-${copy}`, { job, preventDestroy: true }).resource.overrideLogicalId(`${job.id}-${copy}`);
      }
    }
    Guardrails.on(stack, { protect: true, pairsOverridden: false });
    app.synth();
    return performance.now() - start;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

synthesize(1); // the first run compiles
const best = (factor: number) => Math.min(...Array.from({ length: 3 }, () => synthesize(factor)));
console.log(JSON.stringify({ jobs: Object.keys(JOB_BUILDERS).length, x1: best(1), x10: best(10), x100: best(100) }));
