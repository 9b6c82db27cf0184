/** Postgres, MinIO and Convex, and their backup. */
import type { Construct } from "constructs";
import type { ImageLock } from "../contracts/images";
import type { Environment } from "../environments/schema";
import { backupJob } from "../constructs/jobs/backup";
import { convexJob } from "../constructs/jobs/convex";
import { objectstoreJob } from "../constructs/jobs/objectstore";
import { postgresJob } from "../constructs/jobs/postgres";
import { NomadJob } from "../constructs/nomad/job";
import { nomadProvider } from "../constructs/nomad/provider";
import { configureBackend } from "../constructs/state/backend";
import { PlatformStack } from "../constructs/state/platform-stack";

export interface DataPlaneStackProps {
  readonly environment: Environment;
  readonly images: ImageLock;
  /** PEM of the authority that signed the Nomad servers' certificates; foundation's output. */
  readonly nomadCaPem: string;
}

export class DataPlaneStack extends PlatformStack {
  constructor(scope: Construct, id: string, props: DataPlaneStackProps) {
    super(scope, id);
    const { environment, images } = props;
    const deploy = { preventDestroy: environment.protect, requireImageDigests: environment.requireImageDigests };

    configureBackend(this, environment.backend);
    nomadProvider(this, { environment, caPem: props.nomadCaPem });

    const postgres = new NomadJob(this, "postgres", { job: postgresJob(environment, images), ...deploy });
    const objectstore = new NomadJob(this, "objectstore", { job: objectstoreJob(environment, images), ...deploy });
    new NomadJob(this, "convex", { job: convexJob(environment, images), ...deploy, dependsOn: [postgres.resource, objectstore.resource] });
    // Not protected: it keeps nothing itself, and its volume outlives it.
    new NomadJob(this, "backup", { job: backupJob(environment, images), ...deploy, preventDestroy: false, dependsOn: [postgres.resource, objectstore.resource] });
  }
}
