/** The order of the system: four stacks, each after the one that it needs. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { App } from "cdktf";
import { Guardrails, RESOURCE_RULES, secretsInSynthesized } from "./constructs/guardrails/guardrails";
import { JOB_RULES } from "./constructs/guardrails/rules";
import { parseImageLock, UNPINNED_IMAGES, type ImageLock } from "./contracts/images";
import { FIRST_GENERATIONS, parseAuthority, parseRotation, type Rotation } from "./contracts/rotation";
import type { Environment } from "./environments/schema";
import lockFile from "./images.lock.json";
import { danglingReferences } from "./constructs/state/platform-stack";
import { AppStack } from "./stacks/app";
import { CutoverStack } from "./stacks/cutover";
import { DataPlaneStack } from "./stacks/data-plane";
import { FoundationStack } from "./stacks/foundation";
import { LabStack } from "./stacks/lab";

export { STACK_IDS } from "./contracts/stacks";

/** Declares the four stacks of an environment in an app, under the guardrails: so are stacks that are declared before or after. */
export function declareStacks(app: App, environment: Environment, images = imageLock(environment), rotation = rotationOf(environment)): void {
  const lab = environment.lab && new LabStack(app, "lab", { environment, lab: environment.lab });
  const foundation = new FoundationStack(app, "foundation", { environment, rotation, lab: lab?.login });
  if (lab) foundation.addDependency(lab);
  // Known, it is a text of each stack; else what foundation finds out crosses.
  const shared = { environment, images, nomadCaPem: authorityOf(environment) ?? foundation.nomadCaPem };

  const dataPlane = new DataPlaneStack(app, "data-plane", shared);
  dataPlane.addDependency(foundation);

  const application = new AppStack(app, "app", shared);
  application.addDependency(dataPlane);

  const cutover = new CutoverStack(app, "cutover", shared);
  cutover.addDependency(application);

  Guardrails.on(app, { protect: environment.protect, pairsOverridden: environment.markets.bingxOverride !== undefined });
}

/** The digests: the committed file's, or those of the environment's own, which pins nothing before it is written. */
export function imageLock({ images }: Environment): ImageLock {
  if (images.lockFile === undefined) return parseImageLock(lockFile);
  return existsSync(images.lockFile) ? parseImageLock(JSON.parse(readFileSync(images.lockFile, "utf8"))) : UNPINNED_IMAGES;
}

/** Which generations of the cluster's keys are in use, by the environment's file. @throws Error that lists what is wrong with it */
export function rotationOf({ nomad: { rotationFile } }: Environment): Rotation {
  return existsSync(rotationFile) ? parseRotation(readFileSync(rotationFile, "utf8"), rotationFile) : FIRST_GENERATIONS;
}

/** PEM of the authority of Nomad's certificates, where the environment's file is there. @throws Error when it holds something else */
export function authorityOf({ nomad: { authorityFile } }: Environment): string | undefined {
  return existsSync(authorityFile) ? parseAuthority(readFileSync(authorityFile, "utf8"), authorityFile) : undefined;
}

/** How many rules a synth that succeeds has held to. */
export function guardrailCount(): number {
  return JOB_RULES.length + RESOURCE_RULES.length;
}

/**
 * Writes the four stacks of an environment to `outdir` (default: CDKTF_OUTDIR, else cdktf.out).
 * @throws Error when a guardrail is broken; what was written is removed then
 */
export function synthesize(environment: Environment, outdir?: string): void {
  const app = new App({ outdir, stackTraces: false });
  declareStacks(app, environment);
  synthesizeGuarded(app);
}

/** Synthesizes an app, and leaves no stack behind when a guardrail is broken or a text holds a secret. */
export function synthesizeGuarded(app: App): void {
  const folder = join(app.outdir, "stacks");
  const texts = () => (existsSync(folder) ? readdirSync(folder) : []).map((stackId) => [stackId, join(folder, stackId, "cdk.tf.json")] as const).filter(([, file]) => existsSync(file));
  try {
    app.synth();
  } catch (error) {
    // Stacks that were written before the breach was found, and those of the last time: neither is what was asked for.
    for (const [, file] of texts()) rmSync(file);
    throw error;
  }
  const stacks = texts().map(([stackId, file]) => [stackId, readFileSync(file, "utf8")] as const);
  const violations = [...stacks.flatMap(([stackId, text]) => secretsInSynthesized(stackId, text)), ...danglingReferences(stacks)];
  if (violations.length === 0) return;
  rmSync(app.outdir, { recursive: true });
  throw new Error(violations.join("\n"));
}
