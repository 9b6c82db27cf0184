/**
 * System jobs whose allocation has failed on a node that is well. Nomad does not place them again by itself
 * (docs/decisions/0011-system-jobs.md); the guardian does, where it runs.
 */
import { z } from "zod";
import { json, request, UnexpectedAnswer } from "../clients/http";
import type { NomadAccess } from "./explain";

export interface DeadAllocation {
  readonly job: string;
  readonly id: string;
  readonly node: string;
  /** What it died of, as far as Nomad says. */
  readonly reason: string;
}

const jobSchema = z.object({ Type: z.string(), Stop: z.boolean() });
const allocationsSchema = z.array(
  z.object({
    ID: z.string(),
    NodeID: z.string(),
    NodeName: z.string(),
    TaskGroup: z.string(),
    DesiredStatus: z.string(),
    ClientStatus: z.string(),
    CreateIndex: z.number(),
    TaskStates: z.record(z.string(), z.object({ Events: z.array(z.object({ Type: z.string(), DisplayMessage: z.string() })).nullish() })).nullish(),
  }),
);
const nodesSchema = z.array(z.object({ ID: z.string(), Status: z.string(), SchedulingEligibility: z.string(), Drain: z.boolean() }));

/** Has the scheduler place a job's failed allocations anew; the job itself is not changed. */
export function evaluationCommand(namespace: string, job: string): string {
  return `nomad job eval -namespace ${namespace} -force-reschedule ${job}`;
}

/**
 * The job's dead allocations; none when it is no system job, is stopped or is not deployed.
 * A node that is down or takes no work gets its allocation when it is back, and is not meant.
 * @throws UnexpectedAnswer when Nomad does not say, for example to a token that may not read
 */
export async function deadAllocations(nomad: NomadAccess, job: string): Promise<DeadAllocation[]> {
  const found = jobSchema.safeParse(await ask(nomad, `/v1/job/${job}`));
  if (!found.success || found.data.Type !== "system" || found.data.Stop) return [];
  const allocations = allocationsSchema.parse((await ask(nomad, `/v1/job/${job}/allocations`)) ?? []);
  const dead = allocations.filter(
    (it) => it.ClientStatus === "failed" && it.DesiredStatus === "run" && !allocations.some((other) => other.NodeID === it.NodeID && other.TaskGroup === it.TaskGroup && other.CreateIndex > it.CreateIndex),
  );
  if (dead.length === 0) return [];
  const nodes = nodesSchema.parse(await ask(nomad, "/v1/nodes"));
  return dead
    .filter(({ NodeID }) => nodes.some(({ ID, Status, SchedulingEligibility, Drain }) => ID === NodeID && Status === "ready" && SchedulingEligibility === "eligible" && !Drain))
    .map(({ ID, NodeName, TaskStates }) => ({ job, id: ID, node: NodeName, reason: reasonOf(TaskStates ?? {}) }));
}

export function deathText({ job, id, node, reason }: DeadAllocation, namespace: string): string {
  return [`${job} does not run on ${node}: allocation ${id.slice(0, 8)} failed, and Nomad does not place a system job again by itself`, `  ${reason}`, `  what mends it, with the operator's token: ${evaluationCommand(namespace, job)}`].join("\n");
}

function reasonOf(states: NonNullable<z.output<typeof allocationsSchema>[number]["TaskStates"]>): string {
  const [first] = Object.entries(states).flatMap(([task, { Events }]) => (Events ?? []).slice(-1).map(({ Type, DisplayMessage }) => `${task}: ${Type}${DisplayMessage ? `: ${DisplayMessage}` : ""}`));
  return first ?? "Nomad gives no reason";
}

/** @returns undefined when there is no such thing */
async function ask({ address, namespace, token, ...transport }: NomadAccess, path: string): Promise<unknown> {
  const answer = await request(`${address}${path}?namespace=${namespace}`, { ...transport, headers: { "x-nomad-token": token } });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, `Nomad, asked for ${path},`);
  return json(answer, "Nomad");
}
