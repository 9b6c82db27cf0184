/** What an act of an operator finds around it. */
import type { Duration } from "../../contracts/units";
import type { Engine } from "../lab/engine";
import type { Terraform } from "../lab/terraform";
import type { WorkerJobs } from "./worker-jobs";

export interface ActSurroundings {
  readonly jobs: WorkerJobs;
  readonly engine: Engine;
  readonly terraform: Pick<Terraform, "apply">;
  readonly workerNode: () => string;
  /** Folder of Nomad's data on a node. */
  readonly dataDir: string;
  readonly wait: (time: Duration) => Promise<void>;
  /** By how much the wall clock of the worker with a lease is ahead of its monotonic one, in milliseconds, as its newest tick says; undefined while none ticks. */
  readonly wallAhead: () => number | undefined;
}
