/** The data plane's jobs: stopped for as long as their volumes change places, and started again as they were. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { JOBS } from "../../../contracts/services";
import { Duration } from "../../../contracts/units";
import { json, request, UnexpectedAnswer, Unreachable, type TransportOptions } from "../../clients/http";
import { NomadOperator, type RegisteredJob } from "../../drill/nomad";
import type { Environment } from "../../../environments/schema";
import { workerKillTimeout } from "../../../contracts/singleton";
import { LONGEST_CALL } from "../../../contracts/http";
import { APP_JOBS, type JobFacts } from "./types";

/** Those that use the restored volumes, or what is in them. */
export const DATA_JOBS: readonly string[] = [JOBS.postgres, JOBS.objectstore, JOBS.convex];

/** Beyond the time in which a job is killed, or becomes healthy. */
const ROOM = Duration.seconds(60);

/** At most so long a job takes to stop: what it may take to end by itself, and room. */
export function stopTime(env: Pick<Environment, "dataPlane" | "lease">, id: string): Duration {
  const kill = id === JOBS.worker ? workerKillTimeout(env.lease) : id === JOBS.api ? LONGEST_CALL : env.dataPlane.killTimeout;
  return kill.plus(ROOM);
}

/** At most so long a job takes to become healthy. */
export function startTime({ rollout }: Pick<Environment, "rollout">): Duration {
  return rollout.healthyDeadline.plus(ROOM);
}

const POLL = Duration.seconds(1);

const allocationsSchema = z.array(
  z.object({
    ID: z.string(),
    ClientStatus: z.string(),
    DesiredStatus: z.string(),
    DeploymentStatus: z.object({ Healthy: z.boolean().nullish() }).nullish(),
    TaskStates: z.record(z.string(), z.object({ State: z.string(), Failed: z.boolean() })).nullish(),
  }),
);
type Allocation = z.infer<typeof allocationsSchema>[number];

const listedSchema = z.array(z.object({ ID: z.string(), Status: z.string() })).nullable();

/** Nomad, as far as a restore needs it. */
export interface DataJobs {
  facts(): Promise<readonly JobFacts[]>;
  /** Stops a job and waits until none of its allocations is left. @throws Error when one is left at the end of the time */
  stop(id: string, within: Duration): Promise<void>;
  /** Starts a job that was stopped, as it is registered, and waits until it is healthy. @throws Error when it is not */
  start(id: string, within: Duration): Promise<void>;
  /** Stops the runs of the backup that are under way, and waits for their end. @returns their ids */
  stopBackups(within: Duration): Promise<readonly string[]>;
}

export interface NomadAccess {
  /** Of several servers; each request goes to the first that answers. */
  readonly addresses: readonly string[];
  readonly namespace: string;
  readonly token: string;
  readonly transport?: TransportOptions;
}

/** The node that a job's constraints pin it to. */
export function pinnedNode(job: RegisteredJob): string | undefined {
  const constraints = z.array(z.object({ LTarget: z.string().nullish(), RTarget: z.string().nullish(), Operand: z.string().nullish() })).nullish();
  const all = [job.Constraints, ...job.TaskGroups.map((group) => group.Constraints)].flatMap((list) => constraints.parse(list) ?? []);
  return all.find(({ LTarget, Operand }) => LTarget === "${node.unique.name}" && (Operand === "=" || Operand === "==" || Operand === "is"))?.RTarget ?? undefined;
}

export class NomadDataJobs implements DataJobs {
  private readonly operator: NomadOperator;

  constructor(private readonly access: NomadAccess) {
    this.operator = new NomadOperator(access.addresses, access.namespace, access.token, access.transport);
  }

  facts(): Promise<readonly JobFacts[]> {
    return Promise.all(
      [...DATA_JOBS, ...APP_JOBS].map(async (id): Promise<JobFacts> => {
        const job = await this.operator.job(id);
        return { id, state: !job ? "absent" : job.Stop ? "stopped" : "running", node: job && pinnedNode(job) };
      }),
    );
  }

  async stop(id: string, within: Duration): Promise<void> {
    await this.operator.deregister(id, false);
    await this.until(id, within, (allocations) => allocations.every(hasEnded), (left) => `${id} was told to stop, and still runs ${within} later (${left}); look: nomad job status -namespace ${this.access.namespace} ${id}`);
  }

  async stopBackups(within: Duration): Promise<readonly string[]> {
    const listed = listedSchema.parse(await this.ask(`/v1/jobs?prefix=${JOBS.backup}/&namespace=${this.access.namespace}`, "the runs of the backup")) ?? [];
    const running = listed.filter(({ Status }) => Status !== "dead").map(({ ID }) => ID);
    for (const id of running) await this.stop(id, within);
    return running;
  }

  async start(id: string, within: Duration): Promise<void> {
    const job = await this.operator.job(id);
    if (!job) throw new Error(`Nomad has no job ${id} any more: it was removed meanwhile; deploy it: npx cdktf deploy ${APP_JOBS.includes(id) ? "app" : "data-plane"}`);
    const before = new Set((await this.allocations(id)).map(({ ID }) => ID));
    if (job.Stop) await this.operator.register(job);
    const counts = ({ ID }: Allocation): boolean => !job.Stop || !before.has(ID);
    const deploys = job.TaskGroups.some(({ Update }) => Update != null);
    await this.until(id, within, (allocations) => allocations.some((allocation) => counts(allocation) && isHealthy(allocation, deploys)), (seen) => `${id} was started, and is not healthy ${within} later (${seen}); look: nomad job status -namespace ${this.access.namespace} ${id}`);
  }

  private async until(id: string, within: Duration, done: (allocations: readonly Allocation[]) => boolean, complaint: (seen: string) => string): Promise<void> {
    const end = Date.now() + within.milliseconds;
    for (;;) {
      const allocations = await this.allocations(id);
      if (done(allocations)) return;
      if (Date.now() > end) throw new Error(complaint(allocations.filter(({ DesiredStatus, ClientStatus }) => DesiredStatus === "run" || ClientStatus === "running").map(({ ID, ClientStatus }) => `allocation ${ID.slice(0, 8)}: ${ClientStatus}`).join(", ") || "no allocation"));
      await pause(POLL.milliseconds);
    }
  }

  private async allocations(id: string): Promise<readonly Allocation[]> {
    return allocationsSchema.parse((await this.ask(`/v1/job/${id}/allocations?namespace=${this.access.namespace}`, `the allocations of ${id}`)) ?? []);
  }

  /** @returns undefined when there is no such thing */
  private async ask(path: string, what: string): Promise<unknown> {
    let last: Error = new Error("no Nomad server is known");
    for (const address of this.access.addresses) {
      try {
        const answer = await request(`${address.replace(/\/$/, "")}${path}`, { ...this.access.transport, headers: { "x-nomad-token": this.access.token } });
        if (answer.status === 404) return undefined;
        if (answer.status === 200) return json(answer, what);
        last = new UnexpectedAnswer(answer.status, `Nomad, asked for ${what},`);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        last = error;
      }
    }
    throw last;
  }
}

/** One on a node that is gone for Nomad is told to stop when the node returns; there is no more to wait for. */
function hasEnded({ ClientStatus, DesiredStatus }: Allocation): boolean {
  return ["complete", "failed", "lost"].includes(ClientStatus) || (ClientStatus === "unknown" && DesiredStatus === "stop");
}

/** By its deployment where the job has them; otherwise every task runs, or has ended well. */
function isHealthy({ ClientStatus, DesiredStatus, DeploymentStatus, TaskStates }: Allocation, deploys: boolean): boolean {
  if (ClientStatus !== "running" || DesiredStatus !== "run") return false;
  if (deploys) return DeploymentStatus?.Healthy === true;
  const tasks = Object.values(TaskStates ?? {});
  return tasks.length > 0 && tasks.every(({ State, Failed }) => !Failed && State !== "pending");
}
