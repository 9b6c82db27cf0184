/** `gvfx render`: each job as a file that `nomad job validate -json` and `nomad job run -json` take. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { JOB_BUILDERS } from "../constructs/jobs/catalog";
import { renderJobJson } from "../constructs/nomad/render";
import type { Environment } from "../environments/schema";
import { imageLock } from "../synth";

/** File name and text of each job. */
export function renderedJobs(environment: Environment): { readonly file: string; readonly text: string }[] {
  const lock = imageLock(environment);
  return Object.values(JOB_BUILDERS)
    .map((build) => build(environment, lock))
    .map((job) => ({ file: `${job.id}.nomad.json`, text: `${renderJobJson(job, 2)}\n` }));
}

export function renderCommand(environment: () => Environment): Command {
  return new Command("render")
    .description("write each Nomad job as deploy/nomad/<job>.nomad.json")
    .option("--out <folder>", "folder to write to", "deploy/nomad")
    .action(({ out }: { out: string }) => {
      mkdirSync(out, { recursive: true });
      for (const { file, text } of renderedJobs(environment())) {
        writeFileSync(join(out, file), text);
        console.log(join(out, file));
      }
    });
}
