/** Static host volumes: what a node's agent declares, a job mounts, and a deployer's policy admits. */
import { JOBS, type JobName } from "./services";

/** Jobs that keep data on the data node. Convex is none of them: its data is in Postgres and MinIO. */
export const STATEFUL_JOBS: readonly JobName[] = [JOBS.postgres, JOBS.objectstore];

/** Jobs with a host volume on an app node. Backups are on the node that does not hold the data: what is lost with one node is on the other. */
export function volumeJobs(holdsData: boolean): readonly JobName[] {
  return holdsData ? STATEFUL_JOBS : [JOBS.backup];
}

/** Every job with a host volume. */
export const VOLUME_JOBS: readonly JobName[] = [...volumeJobs(true), ...volumeJobs(false)];

/** Name of the host volume of a job. Host volumes belong to a node, not to a namespace. */
export function hostVolume(job: JobName): string {
  return job;
}
