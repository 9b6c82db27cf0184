/** Why a deployment of a job failed: version, allocation, what happened, and the check that it had to pass. */
import { z } from "zod";
import { json, request, UnexpectedAnswer, type TransportOptions } from "../clients/http";

/** Nomad's HTTP API with a token that may read the namespace. */
export interface NomadAccess extends TransportOptions {
  readonly address: string;
  readonly token: string;
  readonly namespace: string;
}

export interface FailedAllocation {
  readonly id: string;
  readonly node: string;
  /** What the tasks went through, oldest first. */
  readonly events: readonly string[];
}

export interface FailedDeployment {
  readonly job: string;
  readonly version: number;
  /** What Nomad says of it, for example that it rolls back. */
  readonly description: string;
  readonly images: readonly string[];
  /** What had to pass, for example "GET /health of gvfx-api-alloc, every 5 s". */
  readonly checks: readonly string[];
  readonly allocations: readonly FailedAllocation[];
}

const deploymentsSchema = z.array(z.object({ ID: z.string(), JobVersion: z.number(), Status: z.string(), StatusDescription: z.string(), CreateIndex: z.number(), CreateTime: z.number().optional() }));
const allocationsSchema = z.array(
  z.object({
    ID: z.string(),
    NodeName: z.string(),
    ClientStatus: z.string(),
    DeploymentStatus: z.object({ Healthy: z.boolean().nullish() }).nullish(),
    TaskStates: z.record(z.string(), z.object({ Failed: z.boolean(), Restarts: z.number(), Events: z.array(z.object({ Type: z.string(), DisplayMessage: z.string() })) })).nullish(),
  }),
);
const versionsSchema = z.object({
  Versions: z.array(
    z.object({
      Version: z.number(),
      TaskGroups: z.array(
        z.object({
          Services: z.array(z.object({ Name: z.string(), Checks: z.array(z.object({ Type: z.string(), Path: z.string(), Interval: z.number() })).nullish() })).nullish(),
          Tasks: z.array(z.object({ Name: z.string(), Config: z.object({ image: z.string().optional() }).loose() })),
        }),
      ),
    }),
  ),
});

/** Events that say nothing about a failure. */
const ROUTINE: ReadonlySet<string> = new Set(["Received", "Task Setup", "Started", "Downloading Artifacts", "Driver", "Killing"]);
/** An allocation that is restarted says the same many times; the last ones tell the end. */
const MAX_EVENTS = 6;

/**
 * The job's newest deployment, when it failed; undefined when it did not, or there is none.
 * @param since milliseconds since 1970: one that began earlier is another deploy's. @default any
 */
export async function failedDeployment(nomad: NomadAccess, job: string, since?: number): Promise<FailedDeployment | undefined> {
  const ask = async (path: string): Promise<unknown> => {
    const answer = await request(`${nomad.address}${path}${path.includes("?") ? "&" : "?"}namespace=${nomad.namespace}`, { ca: nomad.ca, signal: nomad.signal, headers: { "x-nomad-token": nomad.token } });
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Nomad, asked for ${path},`);
    return json(answer, "Nomad");
  };
  const deployments = deploymentsSchema.parse(await ask(`/v1/job/${job}/deployments?all=true`)).sort((a, b) => b.CreateIndex - a.CreateIndex);
  const [newest, before] = deployments;
  // An auto-revert is a deployment of its own, of the next version, and hides the one that failed.
  const reverted = before?.Status === "failed" && /rolling back/i.test(before.StatusDescription) && newest.JobVersion === before.JobVersion + 1 ? before : undefined;
  const failed = newest?.Status === "failed" ? newest : reverted;
  if (failed && since !== undefined && failed.CreateTime !== undefined && failed.CreateTime / 1e6 < since) return undefined;
  if (!failed) return undefined;
  const allocations = allocationsSchema.parse(await ask(`/v1/deployment/allocations/${failed.ID}`));
  const { Versions } = versionsSchema.parse(await ask(`/v1/job/${job}/versions?diffs=false`));
  const groups = Versions.find((v) => v.Version === failed.JobVersion)?.TaskGroups ?? [];
  return {
    job,
    version: failed.JobVersion,
    description: failed.StatusDescription,
    images: [...new Set(groups.flatMap((group) => group.Tasks.flatMap((task) => task.Config.image ?? [])))],
    checks: groups.flatMap((group) => (group.Services ?? []).flatMap(({ Name, Checks }) => (Checks ?? []).map(({ Type, Path, Interval }) => `${Type === "http" ? `GET ${Path}` : Type} of ${Name}, every ${Interval / 1e9} s`))),
    allocations: allocations
      .filter((a) => a.DeploymentStatus?.Healthy === false || a.ClientStatus === "failed")
      .map((a) => ({ id: a.ID, node: a.NodeName, events: Object.entries(a.TaskStates ?? {}).flatMap(([task, { Events }]) => Events.filter(({ Type }) => !ROUTINE.has(Type)).slice(-MAX_EVENTS).map(({ Type, DisplayMessage }) => `${task}: ${Type}${DisplayMessage ? `: ${DisplayMessage}` : ""}`)) })),
  };
}

/** @param logs command that shows a job's logs, by job */
export function explanation({ job, version, description, images, checks, allocations }: FailedDeployment, logs: (job: string, allocation: string) => string): string {
  return [
    `${job} version ${version} was not taken: ${description}`,
    ...images.map((image) => `  image ${image}`),
    ...checks.map((check) => `  had to pass: ${check}`),
    ...allocations.flatMap(({ id, node, events }) => [`  allocation ${id.slice(0, 8)} on ${node}:`, ...events.map((event) => `    ${event}`)]),
    ...(allocations.length > 0 ? [`  what it said: ${logs(job, allocations[0].id)}`] : []),
  ].join("\n");
}

/** Jobs that a Terraform run could not bring to health, by its output. */
export function jobsThatFailed(output: string): string[] {
  return [...new Set([...output.matchAll(/with nomad_job\.([a-z0-9-]+),/g)].map(([, job]) => job))];
}
