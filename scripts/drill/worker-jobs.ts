/** The two jobs of a drill in a lab: the platform's worker, and the plain one beside it. */
import { JOBS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import type { Engine } from "../lab/engine";
import type { Machine } from "../lab/machines";
import type { NomadAllocation, NomadClient } from "../lab/status/nomad";
import { isChanged, isTampered, original, plainJob } from "./job-variants";
import type { NomadOperator, RegisteredJob } from "./nomad";
import { PLAIN_JOB } from "./tick-record";

export const GROUP = "worker";
const TASK = "worker";

export interface WorkerTask {
  readonly job: string;
  readonly allocation: string;
  readonly node: Machine;
  /** Name of its container in the node's engine. */
  readonly container: string;
}

/** Nothing here can make it: only a deploy can. */
export class WorkerMissing extends Error {
  constructor() {
    super(`${JOBS.worker} is not registered; it is deployed by: npm run lab`);
    this.name = "WorkerMissing";
  }
}

export class WorkerJobs {
  constructor(private readonly env: Environment, private readonly nodes: readonly Machine[], private readonly engine: Engine, private readonly client: NomadClient, readonly operator: NomadOperator) {}

  /** @throws WorkerMissing */
  async leased(): Promise<RegisteredJob> {
    const job = await this.operator.job(JOBS.worker);
    if (!job) throw new WorkerMissing();
    return job;
  }

  /** The two as they are registered; the plain one may be missing. */
  async both(): Promise<RegisteredJob[]> {
    const plain = await this.operator.job(PLAIN_JOB);
    return [await this.leased(), ...(plain ? [plain] : [])];
  }

  /** Makes the plain job anew, beside the other one: without a memory of earlier restarts, which would delay the next one. */
  async placePlain(node: string): Promise<void> {
    await this.removePlain();
    await this.operator.register(plainJob(original(await this.leased()), this.env, node));
  }

  /** Whatever state it is in; nothing to do when there is none. */
  async removePlain(): Promise<void> {
    // A container that stands still cannot be ended.
    for (const { node, container } of await this.tasks(PLAIN_JOB)) await this.engine.inside(node.container).call(["unpause", container]);
    await this.operator.deregister(PLAIN_JOB, true);
  }

  /**
   * Takes back what a drill changed of the platform's worker.
   * @param versions a mere new version too; between two cases it may stay, for each change is a hand-over
   * @returns whether there was anything
   */
  async restoreLeased({ versions }: { readonly versions: boolean }): Promise<boolean> {
    const job = await this.leased();
    if (!(versions ? isChanged(job) : isTampered(job))) return false;
    await this.operator.register(original(job));
    return true;
  }

  async allocations(job?: string): Promise<NomadAllocation[]> {
    return (await this.client.allocations()).filter(({ jobId }) => (job === undefined ? jobId === JOBS.worker || jobId === PLAIN_JOB : jobId === job));
  }

  /** Allocations that run and should. */
  async current(job: string): Promise<NomadAllocation[]> {
    return (await this.allocations(job)).filter(({ status, desired }) => status === "running" && desired === "run");
  }

  async tasks(job: string): Promise<WorkerTask[]> {
    return (await this.current(job)).flatMap(({ id, node: name }) => {
      const node = this.nodes.find((it) => it.name === name);
      return node ? [{ job, allocation: id, node, container: `${TASK}-${id}` }] : [];
    });
  }

  async restart(allocation: string): Promise<void> {
    await this.client.restartAllocation(allocation);
  }

  /** The end of what a task of the platform's worker wrote; undefined when Nomad has it no more. */
  async log(allocation: string, stream: "stdout" | "stderr", bytes: number): Promise<string | undefined> {
    return this.client.taskLog(allocation, TASK, stream, bytes);
  }
}
