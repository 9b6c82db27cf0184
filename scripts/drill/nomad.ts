/** Nomad as an operator with the management token uses it: jobs as they are registered, drains, stops, and who leads the servers. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { Duration } from "../../contracts/units";
import { json, request, UnexpectedAnswer, Unreachable, type Answer, type TransportOptions } from "../clients/http";

/** A job as Nomad gives and takes it. What a drill changes of it is named; the rest goes back as it came. */
export interface RegisteredJob {
  readonly ID: string;
  readonly Name: string;
  readonly Meta?: Readonly<Record<string, string>> | null;
  readonly Stop?: boolean;
  readonly TaskGroups: readonly RegisteredGroup[];
  readonly [key: string]: unknown;
}
export interface RegisteredGroup {
  readonly Name: string;
  readonly Count: number;
  readonly Tasks: readonly RegisteredTask[];
  readonly [key: string]: unknown;
}
export interface RegisteredTask {
  readonly Name: string;
  readonly Env?: Readonly<Record<string, string>> | null;
  readonly Config: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** Nomad understood, and said no. */
export class Refused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Refused";
  }
}

const peersSchema = z.object({ Servers: z.array(z.object({ ID: z.string(), Node: z.string(), Leader: z.boolean() })) });
const nodesSchema = z.array(z.object({ ID: z.string(), Name: z.string(), Drain: z.boolean().optional(), SchedulingEligibility: z.string().optional() }));
const allocationsSchema = z.array(z.object({ ID: z.string(), JobID: z.string(), NodeName: z.string(), ClientStatus: z.string(), DesiredStatus: z.string(), DeploymentStatus: z.object({ Healthy: z.boolean().nullish() }).nullish() }));
const stubsSchema = z.array(z.object({ ID: z.string() }));
const statusSchema = z.object({ Status: z.string() });
const deploymentSchema = z.object({ Status: z.string(), JobVersion: z.number() }).nullable();

const TRY_NEXT_AFTER = Duration.seconds(3);
/** An election, with room. */
const LEADER_WITHIN = Duration.seconds(30);
/** Longer than whatever moves in a drill takes to stop. */
const DRAIN_DEADLINE = Duration.minutes(2);

export class NomadOperator {
  constructor(private readonly addresses: readonly string[], private readonly namespace: string, private readonly token: string, private readonly transport: TransportOptions = {}) {}

  /** Undefined when there is none of that name, or it was purged. */
  async job(id: string): Promise<RegisteredJob | undefined> {
    const answer = await this.send(`/v1/job/${id}`);
    return answer.status === 404 ? undefined : (this.read(answer, `job ${id}`) as RegisteredJob);
  }

  /** @throws Refused */
  async register(job: RegisteredJob): Promise<void> {
    this.read(await this.send("/v1/jobs", "POST", { Job: { ...job, Stop: false } }), `registering ${job.ID}`);
  }

  async deregister(id: string, purge: boolean): Promise<void> {
    const answer = await this.send(`/v1/job/${id}?purge=${purge}`, "DELETE");
    if (answer.status !== 404) this.read(answer, `stopping ${id}`);
  }

  /** @throws Refused */
  async scale(id: string, group: string, count: number): Promise<void> {
    this.read(await this.send(`/v1/job/${id}/scale`, "POST", { Count: count, Target: { Group: group }, Message: "drill" }), `scaling ${id}`);
  }

  async stopAllocation(id: string): Promise<void> {
    this.read(await this.send(`/v1/allocation/${id}/stop`, "POST", {}), `stopping allocation ${id.slice(0, 8)}`);
  }

  /** Restarts an allocation's tasks in place. */
  async restartAllocation(id: string): Promise<void> {
    this.read(await this.send(`/v1/client/allocation/${id}/restart`, "POST", { AllTasks: true }), `restarting allocation ${id.slice(0, 8)}`);
  }

  /** Allocations that run, and whose deployment has not found them ill. */
  async running(): Promise<readonly { readonly id: string; readonly job: string; readonly node: string }[]> {
    const all = allocationsSchema.parse(this.read(await this.send("/v1/allocations"), "Nomad's allocations"));
    return all.filter(({ ClientStatus, DesiredStatus, DeploymentStatus }) => ClientStatus === "running" && DesiredStatus === "run" && DeploymentStatus?.Healthy !== false).map(({ ID, JobID, NodeName }) => ({ id: ID, job: JobID, node: NodeName }));
  }

  /** Allocations of a job that Nomad wants to run, whether or not they do. */
  async wanted(id: string): Promise<readonly { readonly id: string; readonly runs: boolean }[]> {
    const all = allocationsSchema.parse(this.read(await this.send(`/v1/job/${id}/allocations`), `allocations of ${id}`));
    return all.filter(({ DesiredStatus, ClientStatus }) => DesiredStatus === "run" && ["pending", "running", "unknown"].includes(ClientStatus)).map(({ ID, ClientStatus, DeploymentStatus }) => ({ id: ID, runs: ClientStatus === "running" && DeploymentStatus?.Healthy !== false }));
  }

  /** Has a periodic job run now. @returns id of the run's own job */
  async forcePeriodic(id: string): Promise<string> {
    const before = new Set(await this.runsOf(id));
    this.read(await this.send(`/v1/job/${id}/periodic/force`, "POST", {}), `running ${id}`);
    const run = (await this.runsOf(id)).find((one) => !before.has(one));
    if (run === undefined) throw new Refused(`${id} was not run: another run of it is not over`);
    return run;
  }

  private async runsOf(id: string): Promise<readonly string[]> {
    return stubsSchema.parse(this.read(await this.send(`/v1/jobs?prefix=${encodeURIComponent(`${id}/periodic-`)}`), `runs of ${id}`)).map(({ ID }) => ID);
  }

  /** How a run of a batch job stands. */
  async batchStatus(id: string): Promise<"pending" | "complete" | "failed"> {
    const job = statusSchema.parse(this.read(await this.send(`/v1/job/${encodeURIComponent(id)}`), `run ${id}`));
    if (job.Status !== "dead") return "pending";
    // After it: what ended in between is over in both.
    const allocations = allocationsSchema.parse(this.read(await this.send(`/v1/job/${encodeURIComponent(id)}/allocations`), `run ${id}`));
    return allocations.some(({ ClientStatus }) => ClientStatus === "complete") ? "complete" : "failed";
  }

  /** Status of a job's newest deployment; undefined when it never had one. */
  async deployment(id: string): Promise<string | undefined> {
    return deploymentSchema.parse(this.read(await this.send(`/v1/job/${id}/deployment`), `deployment of ${id}`) ?? null)?.Status;
  }

  /** Names of Nomad's servers by raft id, and which leads. */
  async servers(): Promise<readonly { readonly id: string; readonly name: string; readonly leader: boolean }[]> {
    return peersSchema.parse(this.read(await this.send("/v1/operator/raft/configuration"), "Nomad's servers")).Servers.map(({ ID, Node, Leader }) => ({ id: ID, name: Node.replace(/\.[^.]*$/, ""), leader: Leader }));
  }

  async transferLeadership(raftId: string): Promise<void> {
    this.read(await this.send(`/v1/operator/raft/transfer-leadership?id=${raftId}`, "PUT", {}), "moving Nomad's leadership");
  }

  /** Moves everything but system jobs off a node, and lets nothing new on it. */
  async drain(node: string): Promise<void> {
    await this.setDrain(node, { DrainSpec: { Deadline: DRAIN_DEADLINE.nanoseconds, IgnoreSystemJobs: true }, MarkEligible: false });
  }

  /** Ends a drain, and lets allocations on the node again. */
  async open(node: string): Promise<void> {
    await this.setDrain(node, { DrainSpec: null, MarkEligible: true });
  }

  /** Opens what a drill that was killed has drained or closed. @returns the names */
  async openClosed(names: readonly string[]): Promise<readonly string[]> {
    const nodes = nodesSchema.parse(this.read(await this.send("/v1/nodes?stale"), "Nomad's nodes"));
    const closed = nodes.filter(({ Name, Drain, SchedulingEligibility }) => names.includes(Name) && (Drain || SchedulingEligibility === "ineligible")).map(({ Name }) => Name);
    for (const name of closed) await this.open(name);
    return closed;
  }

  /** Lets nothing new on a node; what runs there stays. */
  async close(node: string): Promise<void> {
    this.read(await this.send(`/v1/node/${await this.nodeId(node)}/eligibility`, "POST", { Eligibility: "ineligible" }), `closing ${node}`);
  }

  private async setDrain(node: string, body: object): Promise<void> {
    this.read(await this.send(`/v1/node/${await this.nodeId(node)}/drain`, "POST", body), `draining ${node}`);
  }

  private async nodeId(name: string): Promise<string> {
    const node = nodesSchema.parse(this.read(await this.send("/v1/nodes?stale"), "Nomad's nodes")).find(({ Name }) => Name === name);
    if (!node) throw new Error(`Nomad knows no client ${name}; see: npm run gvfx -- lab status`);
    return node.ID;
  }

  /** @throws Refused when Nomad explains why not */
  private read(answer: Answer, what: string): unknown {
    if (answer.status === 200) return answer.text === "" ? undefined : json(answer, what);
    if (answer.status >= 400 && answer.text.trim() !== "") throw new Refused(answer.text.trim().slice(0, 300));
    throw new UnexpectedAnswer(answer.status, what);
  }

  /** To whichever server answers; while they have no leader, again. All that is sent here may be sent twice. */
  private async send(path: string, method: "GET" | "POST" | "PUT" | "DELETE" = "GET", body?: unknown): Promise<Answer> {
    const end = Date.now() + LEADER_WITHIN.milliseconds;
    for (;;) {
      const answer = await this.once(path, method, body);
      const leaderless = answer instanceof Error || (answer.status === 500 && /no cluster leader|no path to region|leadership|connection refused|i\/o timeout|rpc error: (EOF|stream closed|session shutdown)/i.test(answer.text));
      if (!leaderless) return answer;
      if (Date.now() > end) {
        if (answer instanceof Error) throw answer;
        return answer;
      }
      await pause(500);
    }
  }

  private async once(path: string, method: "GET" | "POST" | "PUT" | "DELETE", body: unknown): Promise<Answer | Error> {
    let last: Error = new Unreachable("other", "no Nomad server is published; see lab.published of the environment");
    const url = `${path}${path.includes("?") ? "&" : "?"}namespace=${this.namespace}`;
    for (const address of this.addresses) {
      try {
        return await request(address.replace(/\/$/, "") + url, { connectTimeout: TRY_NEXT_AFTER, ...this.transport, method, headers: { "x-nomad-token": this.token }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      } catch (error) {
        if (!(error instanceof Unreachable) || error.reason === "interrupted") throw error;
        last = error;
      }
    }
    return last;
  }
}
