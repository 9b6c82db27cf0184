/** Synthesizes the four stacks of an environment in memory of a test, and reads them back. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { unescapeTemplates } from "../../constructs/nomad/job";
import type { ApiJob } from "../../constructs/nomad/api";
import { parseImageLock, type ImageLock } from "../../contracts/images";
import type { Environment } from "../../environments/schema";
import lockFile from "../../images.lock.json";
import { declareStacks, STACK_IDS } from "../../synth";

export type StackId = (typeof STACK_IDS)[number];
/** Terraform JSON of a stack: resource type -> name -> arguments. */
export interface TerraformJson {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly data?: TerraformJson["resource"];
  readonly output?: Readonly<Record<string, unknown>>;
  readonly provider?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly terraform?: Readonly<Record<string, unknown>>;
}

export function synthesizeStacks(environment: Environment, images: ImageLock = parseImageLock(lockFile)): Record<StackId, TerraformJson> & { text: string } {
  const outdir = mkdtempSync(join(tmpdir(), "gvfx-synth-"));
  try {
    const app = new App({ outdir, stackTraces: false });
    declareStacks(app, environment, images);
    app.synth();
    const texts = STACK_IDS.map((id) => readFileSync(join(outdir, "stacks", id, "cdk.tf.json"), "utf8"));
    const stacks = Object.fromEntries(STACK_IDS.map((id, i) => [id, JSON.parse(texts[i])])) as Record<StackId, TerraformJson>;
    return { ...stacks, text: texts.join("\n") };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** The Nomad jobs of a stack, out of the synthesized JSON. */
export function jobsOf(stack: TerraformJson): ApiJob[] {
  return Object.values(stack.resource?.nomad_job ?? {}).map((job) => JSON.parse(unescapeTemplates(job.jobspec as string)) as ApiJob);
}
