/** What would be deployed, as one typed value: what the terminal and the page both show. */
import type { ImageLock } from "../../contracts/images";
import { JOB_KEYS } from "../../contracts/services";
import { RESOURCE_RULES } from "../../constructs/guardrails/guardrails";
import { JOB_RULES } from "../../constructs/guardrails/rules";
import type { Environment } from "../../environments/schema";
import { accessModel, type AccessModel } from "./model/access";
import { flows, otherParties, type Flow, type Party } from "./model/flows";
import { imageModels, type ImageModel } from "./model/images";
import { jobModel, jobSpecs, type JobModel } from "./model/jobs";
import { nodeModels, type NodeModel } from "./model/nodes";
import { secretModels, type SecretPathModel } from "./model/secrets";
import { stackModels, stackOfJob, type StackModel } from "./model/stacks";
import type { SynthesizedStack } from "./synthesized";
import { counted } from "./words";

export interface PlatformModel {
  readonly environment: string;
  readonly stacks: readonly StackModel[];
  readonly nodes: readonly NodeModel[];
  readonly jobs: readonly JobModel[];
  /** Jobs and everybody else that calls or is called. */
  readonly parties: readonly Party[];
  readonly flows: readonly Flow[];
  readonly access: AccessModel;
  readonly secrets: readonly SecretPathModel[];
  readonly images: readonly ImageModel[];
  /** A deploy of an image without a digest is refused. */
  readonly requireImageDigests: boolean;
  /** Rules that held: a breach of one fails synth, so that there would be nothing to show. */
  readonly rules: readonly { readonly id: string; readonly rule: string }[];
}

/** @param stacks what synth wrote, by stack id */
export function platformModel(environment: Environment, lock: ImageLock, stacks: Readonly<Record<string, SynthesizedStack>>): PlatformModel {
  const specs = jobSpecs(environment, lock);
  const deployed = DRAWN.flatMap((key) => {
    const stack = stackOfJob(specs[key].id, stacks);
    return stack ? [{ key, spec: specs[key], stack }] : [];
  });
  const ordered = deployed.map(({ spec }) => spec);
  const jobs = deployed.map(({ key, spec, stack }) => jobModel(environment, key, spec, stack));
  const jobParties = jobs.map((job): Party => ({ id: job.id, kind: "job", label: job.id, detail: job.kind === "replicated" ? counted(job.count, "copy", "copies") : job.copies }));
  return {
    environment: environment.name,
    stacks: stackModels(stacks),
    nodes: nodeModels(environment),
    jobs,
    parties: [...jobParties, ...otherParties(environment)],
    flows: flows(environment, ordered),
    access: accessModel(environment),
    secrets: secretModels(environment),
    images: imageModels(environment, lock, ordered),
    requireImageDigests: environment.requireImageDigests,
    rules: [...JOB_RULES, ...RESOURCE_RULES].map(({ id, rule }) => ({ id, rule })),
  };
}

/** From the users' side to the data: callers above the called. A job that the list does not know comes last. */
const FROM_USERS_TO_DATA = ["gateway", "frontend", "api", "rlService", "worker", "guardian", "convex", "backup", "postgres", "objectstore"];
const DRAWN = [...JOB_KEYS].sort((a, b) => rank(a) - rank(b));

function rank(key: string): number {
  const index = FROM_USERS_TO_DATA.indexOf(key);
  return index === -1 ? FROM_USERS_TO_DATA.length : index;
}
