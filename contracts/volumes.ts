/** Static host volumes: what a node's agent declares, a job mounts, and a deployer's policy admits. */
import { JOBS, type JobName } from "./services";

/** Jobs that keep data on the data node. Convex is none of them: its data is in Postgres and MinIO. */
export const STATEFUL_JOBS: readonly JobName[] = [JOBS.postgres, JOBS.objectstore];

/** Name of the host volume of a stateful job. Host volumes belong to a node, not to a namespace. */
export function hostVolume(job: JobName): string {
  return job;
}
