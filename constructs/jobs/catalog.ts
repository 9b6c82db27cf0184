/** Every job of the platform, by the stack that deploys it. */
import type { ImageLock } from "../../contracts/images";
import type { JobKey } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { gatewayJob } from "../gateway/job";
import type { JobSpec } from "../nomad/spec";
import { apiJob, frontendJob, rlServiceJob } from "./app";
import { backupJob } from "./backup";
import { convexJob } from "./convex";
import { guardianJob } from "./guardian";
import { objectstoreJob } from "./objectstore";
import { postgresJob } from "./postgres";
import { imagesJob } from "./prepull";
import { workerJob } from "./worker";

export const JOB_BUILDERS: Readonly<Record<JobKey, (env: Environment, lock: ImageLock) => JobSpec>> = {
  postgres: postgresJob,
  objectstore: objectstoreJob,
  convex: convexJob,
  api: apiJob,
  frontend: frontendJob,
  rlService: rlServiceJob,
  worker: workerJob,
  gateway: gatewayJob,
  guardian: guardianJob,
  backup: backupJob,
  images: imagesJob,
};

/** Jobs that hold data or must stay single: the environment's `protect` keeps Terraform from destroying them. */
export const PROTECTED_JOBS: readonly JobKey[] = ["postgres", "objectstore", "convex", "worker"];
