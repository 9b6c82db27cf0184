/** Where a job's tasks run: containers of the engine inside a node. */
import { JOBS, type JobName } from "../../../contracts/services";
import type { Machine } from "../machines";
import type { NomadAllocation } from "./nomad";

export interface RunningTask {
  readonly job: string;
  readonly group: string;
  readonly task: string;
  readonly allocation: string;
  readonly node: Machine;
  /** Name of the container in the node's own engine, as Nomad's Docker driver gives it. */
  readonly container: string;
}

/** Tasks that run now, of one job or of all; by job, node and task. */
export function runningTasks(allocations: readonly NomadAllocation[], machines: readonly Machine[], job?: string): RunningTask[] {
  return allocations
    .filter(({ jobId, status }) => status === "running" && (job === undefined || jobId === job))
    .flatMap((allocation) => {
      const node = machines.find(({ name }) => name === allocation.node);
      return node ? allocation.tasks.filter(({ state }) => state === "running").map(({ name }) => ({ job: allocation.jobId, group: allocation.group, task: name, allocation: allocation.id, node, container: `${name.replaceAll("/", "_")}-${allocation.id}` })) : [];
    })
    .sort((a, b) => key(a).localeCompare(key(b)));
}

function key({ job, node, task, allocation }: RunningTask): string {
  return [job, node.name, task, allocation].join(" ");
}

/** The job that a person means by "gvfx-api" or "api"; undefined when it is none. */
export function jobNamed(name: string): JobName | undefined {
  return Object.values(JOBS).find((job) => job === name || job === `gvfx-${name}`);
}
