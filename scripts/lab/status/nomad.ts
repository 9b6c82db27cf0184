/** Nomad's HTTP API, as far as the lab's commands ask it. Reads come from whichever server answers, and need no leader. */
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { json, request, UnexpectedAnswer, Unreachable, type Answer, type TransportOptions } from "../../clients/http";

export interface NomadServer {
  readonly name: string;
  readonly address: string;
  readonly alive: boolean;
  readonly leader: boolean;
}

export interface NomadNode {
  readonly name: string;
  readonly status: string;
  readonly eligible: boolean;
  readonly draining: boolean;
}

export interface NomadJob {
  readonly id: string;
  readonly type: "service" | "system" | "batch" | "sysbatch";
  readonly version: number;
  readonly stopped: boolean;
  readonly periodic: boolean;
  /** By group; a system job's groups have no count of their own. */
  readonly groups: readonly { readonly name: string; readonly count: number }[];
}

export interface NomadTask {
  readonly name: string;
  readonly state: "pending" | "running" | "dead";
  readonly failed: boolean;
  readonly restarts: number;
  /** What happened to it last. */
  readonly lastEvent: string;
}

export interface NomadAllocation {
  readonly id: string;
  readonly jobId: string;
  readonly group: string;
  readonly version: number;
  readonly node: string;
  /** What the scheduler wants: run, stop, evict. */
  readonly desired: string;
  readonly status: string;
  readonly tasks: readonly NomadTask[];
  readonly createdAt: number;
}

const peersSchema = z.object({ Members: z.array(z.object({ Name: z.string(), Addr: z.string(), Status: z.string() })) });
const nodesSchema = z.array(z.object({ Name: z.string(), Status: z.string(), SchedulingEligibility: z.string(), Drain: z.boolean() }));
const listSchema = z.array(z.object({ ID: z.string(), ParentID: z.string() }));
const jobSchema = z.object({
  ID: z.string(),
  Type: z.enum(["service", "system", "batch", "sysbatch"]),
  Version: z.number(),
  Stop: z.boolean(),
  Periodic: z.object({}).nullish(),
  TaskGroups: z.array(z.object({ Name: z.string(), Count: z.number() })),
});
const eventSchema = z.object({ Type: z.string(), DisplayMessage: z.string().optional() });
const allocationsSchema = z.array(
  z.object({
    ID: z.string(),
    JobID: z.string(),
    TaskGroup: z.string(),
    JobVersion: z.number(),
    NodeName: z.string(),
    DesiredStatus: z.string(),
    ClientStatus: z.string(),
    CreateTime: z.number(),
    TaskStates: z.record(z.string(), z.object({ State: z.enum(["pending", "running", "dead"]), Failed: z.boolean(), Restarts: z.number(), Events: z.array(eventSchema).nullish() })).nullish(),
  }),
);

/** A server that does not answer is passed over soon: the next one may. */
const TRY_NEXT_AFTER = Duration.seconds(3);

export class NomadClient {
  /** @param addresses of several servers; each request goes to the first that answers */
  constructor(private readonly addresses: readonly string[], private readonly namespace: string, private readonly token: string, private readonly transport: TransportOptions = {}) {}

  /** Address of the leader; undefined when there is none. */
  async leader(): Promise<string | undefined> {
    const answer = await this.send("/v1/status/leader");
    if (answer.status === 500) return undefined;
    return z.string().parse(this.read(answer, "Nomad's leader")) || undefined;
  }

  /** Servers as one of them sees the others; none is the leader while there is none. */
  async servers(): Promise<NomadServer[]> {
    const leader = await this.leader();
    const { Members } = peersSchema.parse(this.read(await this.send("/v1/agent/members"), "Nomad's servers"));
    return Members.map(({ Name, Addr, Status }) => ({ name: Name.replace(/\.[^.]*$/, ""), address: Addr, alive: Status === "alive", leader: leader?.startsWith(`${Addr}:`) ?? false }));
  }

  async nodes(): Promise<NomadNode[]> {
    return nodesSchema.parse(this.read(await this.send("/v1/nodes?stale"), "Nomad's nodes")).map((node) => ({ name: node.Name, status: node.Status, eligible: node.SchedulingEligibility === "eligible", draining: node.Drain }));
  }

  /** Ids of the jobs of the namespace, without the runs of periodic ones. */
  async jobIds(): Promise<string[]> {
    return listSchema.parse(this.read(await this.send(`/v1/jobs?stale&namespace=${this.namespace}`), "Nomad's jobs")).filter(({ ParentID }) => ParentID === "").map(({ ID }) => ID);
  }

  async job(id: string): Promise<NomadJob> {
    const job = jobSchema.parse(this.read(await this.send(`/v1/job/${encodeURIComponent(id)}?stale&namespace=${this.namespace}`), `Nomad's job ${id}`));
    return { id: job.ID, type: job.Type, version: job.Version, stopped: job.Stop, periodic: Boolean(job.Periodic), groups: job.TaskGroups.map(({ Name, Count }) => ({ name: Name, count: Count })) };
  }

  /** Every allocation of the namespace that Nomad still knows. */
  async allocations(): Promise<NomadAllocation[]> {
    const list = allocationsSchema.parse(this.read(await this.send(`/v1/allocations?stale&task_states=true&namespace=${this.namespace}`), "Nomad's allocations"));
    return list.map((it) => ({
      id: it.ID,
      jobId: it.JobID,
      group: it.TaskGroup,
      version: it.JobVersion,
      node: it.NodeName,
      desired: it.DesiredStatus,
      status: it.ClientStatus,
      createdAt: it.CreateTime,
      tasks: Object.entries(it.TaskStates ?? {}).map(([name, state]) => ({ name, state: state.State, failed: state.Failed, restarts: state.Restarts, lastEvent: lastOf(state.Events ?? []) })),
    }));
  }

  /** Ends an allocation's tasks and starts them again in place. */
  async restartAllocation(id: string): Promise<void> {
    this.read(await this.send(`/v1/client/allocation/${id}/restart?namespace=${this.namespace}`, "POST", "{}"), `restarting allocation ${id.slice(0, 8)}`);
  }

  /** The end of what a task wrote, also of one that is gone; undefined when Nomad has it no more. */
  async taskLog(allocation: string, task: string, stream: "stdout" | "stderr", bytes: number): Promise<string | undefined> {
    const answer = await this.send(`/v1/client/fs/logs/${allocation}?namespace=${this.namespace}&task=${encodeURIComponent(task)}&type=${stream}&plain=true&origin=end&offset=${bytes}`);
    return answer.status === 200 ? answer.text : undefined;
  }

  private read(answer: Answer, what: string): unknown {
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    return answer.text === "" ? undefined : json(answer, what);
  }

  private async send(path: string, method: "GET" | "POST" = "GET", body?: string): Promise<Answer> {
    let last: unknown = new Unreachable("other", "no Nomad server is published; see lab.published of the environment");
    for (const address of this.addresses) {
      try {
        return await request(address.replace(/\/$/, "") + path, { connectTimeout: TRY_NEXT_AFTER, ...this.transport, method, headers: { "x-nomad-token": this.token }, ...(body === undefined ? {} : { body }) });
      } catch (error) {
        // Only where nobody was there: a request that was heard is not sent again.
        if (!(error instanceof Unreachable) || error.reason === "interrupted" || (method === "POST" && error.reason === "timeout")) throw error;
        last = error;
      }
    }
    throw last;
  }
}

function lastOf(events: readonly z.output<typeof eventSchema>[]): string {
  const event = events.at(-1);
  return event ? [event.Type, event.DisplayMessage].filter(Boolean).join(": ") : "";
}
