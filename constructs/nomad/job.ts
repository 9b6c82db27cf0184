/** A Nomad job as a Terraform resource that waits until the deployment is healthy. */
import { Job } from "@cdktf/provider-nomad/lib/job";
import { TerraformLocal, type ITerraformDependable, type TerraformResourceLifecycle } from "cdktf";
import { Construct } from "constructs";
import { UNPINNED_DIGEST } from "../../contracts/images";
import { Duration } from "../../contracts/units";
import { renderJobJson } from "./render";
import { runsAtTimes, type GroupSpec, type JobSpec, type PeriodicGroup, type SysbatchGroup } from "./spec";

export interface NomadJobProps {
  readonly job: JobSpec;
  /** Terraform refuses to destroy the job. */
  readonly preventDestroy: boolean;
  /** Refuse to deploy an image that images.lock.json does not pin. @default true */
  readonly requireImageDigests?: boolean;
  /** What must hold before it is deployed, besides its images. @default nothing */
  readonly preconditions?: NonNullable<TerraformResourceLifecycle["precondition"]>;
  /** Applied before this job. */
  readonly dependsOn?: ITerraformDependable[];
}

export class NomadJob extends Construct {
  readonly resource: Job;

  constructor(scope: Construct, id: string, props: NomadJobProps) {
    super(scope, id);
    const { job } = props;
    const timeout = deployTimeout(job).toString();
    const unpinned = unpinnedImages(job);
    const preconditions = [...(props.preconditions ?? []), ...(unpinned.length > 0 && (props.requireImageDigests ?? true) ? refuseDeploy(this, job.id, unpinned) : [])];
    this.resource = new Job(this, "job", {
      jobspec: escapeTemplates(renderJobJson(job)),
      json: true,
      // The default returns before the deployment is healthy, and hides an auto-revert.
      detach: false,
      deregisterOnDestroy: true,
      purgeOnDestroy: true,
      timeouts: { create: timeout, update: timeout },
      dependsOn: props.dependsOn,
      lifecycle: {
        ...(props.preventDestroy ? { preventDestroy: true } : {}),
        ...(preconditions.length > 0 ? { precondition: preconditions } : {}),
      },
    });
    this.resource.overrideLogicalId(job.id);
  }
}

const MARGIN = Duration.minutes(5);

/**
 * How long an apply waits: longer than the deployment may take, or it would give up on
 * one that is about to succeed, or to revert. Copies are updated one after the other;
 * each may need the whole drain of the one before it, and then the time to get healthy.
 */
export function deployTimeout({ group }: JobSpec): Duration {
  // Nothing is deployed: the job is registered, and its next run is the new version.
  if (runsAtTimes(group)) return MARGIN;
  const drain = Duration.ms(Math.max(...group.tasks.map((task) => task.killTimeout.milliseconds)) + group.shutdownDelay.milliseconds);
  const step = drain.plus(group.update.healthyDeadline);
  const longest = step.isLongerThan(group.update.progressDeadline) ? step : group.update.progressDeadline;
  return longest.times(updateSteps(group)).plus(MARGIN);
}

function updateSteps(group: Exclude<GroupSpec, PeriodicGroup | SysbatchGroup>): number {
  switch (group.kind) {
    case "replicated":
      return group.count + group.canary.count;
    case "system":
      return group.nodes;
    case "singleton":
      return 1;
  }
}

/** Repositories of the job's images that have no digest yet. */
export function unpinnedImages(job: JobSpec): string[] {
  return [...new Set(job.group.tasks.map((task) => task.image).filter((image) => image.endsWith(UNPINNED_DIGEST)).map((image) => image.split("@")[0]))];
}

/**
 * timestamp() is unknown while planning and known while applying: the plan is
 * shown, the deploy is refused. The local is there because Terraform wants a
 * condition to refer to something.
 */
function refuseDeploy(scope: Construct, job: string, unpinned: readonly string[]): NonNullable<TerraformResourceLifecycle["precondition"]> {
  const images = new TerraformLocal(scope, "unpinned-images", [...unpinned]);
  return [
    {
      condition: `\${length(${images.fqn}) == 0 || timestamp() == ""}`,
      errorMessage: `${job} cannot be deployed: ${unpinned.join(", ")} ${unpinned.length === 1 ? "has" : "have"} no digest in images.lock.json. A tag can be moved to another image, so only digests are deployed. Pin what your registry has: gvfx images push for what was built, gvfx images resolve <role>=<tag> for what is there; review images.lock.json, and deploy again.`,
    },
  ];
}

/** Nomad's own \${…} inside a string would be Terraform interpolation. */
export function escapeTemplates(text: string): string {
  // Functions, because $ has a meaning of its own in a replacement text.
  return text.replace(/\$\{/g, () => "$${").replace(/%\{/g, () => "%%{");
}

export function unescapeTemplates(text: string): string {
  return text.replace(/\$\$\{/g, () => "${").replace(/%%\{/g, () => "%{");
}
