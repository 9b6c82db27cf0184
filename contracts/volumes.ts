/** Static host volumes: what a node's agent declares, a job mounts, and a deployer's policy admits. */
import { JOBS, type JobName } from "./services";

/** Jobs that keep data on the data node. Convex is none of them: its data is in Postgres and MinIO. */
export const STATEFUL_JOBS: readonly JobName[] = [JOBS.postgres, JOBS.objectstore];

/**
 * Every job with a host volume. Each app node declares all of them: what is pinned to
 * one node today runs on the other after `dataPlane.node` was changed, which is when
 * that node is lost and foundation cannot be deployed to it. A volume that is empty
 * there is refused by its job (constructs/jobs/postgres.ts, objectstore.ts), and
 * backups stay off the data node by a constraint: one lost node must not take both.
 */
export const VOLUME_JOBS: readonly JobName[] = [...STATEFUL_JOBS, JOBS.backup];

/** Name of the host volume of a job. Host volumes belong to a node, not to a namespace. */
export function hostVolume(job: JobName): string {
  return job;
}
