/** The app: api, frontend and rl-service twice each, the worker once, and the gateway in front. */
import type { Construct } from "constructs";
import type { ImageLock } from "../contracts/images";
import type { Environment } from "../environments/schema";
import { gatewayJob } from "../constructs/gateway/job";
import { apiJob, frontendJob, rlServiceJob } from "../constructs/jobs/app";
import { imagesJob } from "../constructs/jobs/prepull";
import { AppVariables } from "../constructs/jobs/variables";
import { workerJob } from "../constructs/jobs/worker";
import { NomadJob } from "../constructs/nomad/job";
import { nomadProvider } from "../constructs/nomad/provider";
import { configureBackend } from "../constructs/state/backend";
import { PlatformStack } from "../constructs/state/platform-stack";

export interface AppStackProps {
  readonly environment: Environment;
  readonly images: ImageLock;
  /** PEM of the authority that signed the Nomad servers' certificates; foundation's output. */
  readonly nomadCaPem: string;
}

export class AppStack extends PlatformStack {
  constructor(scope: Construct, id: string, props: AppStackProps) {
    super(scope, id);
    const { environment, images } = props;
    const requireImageDigests = environment.requireImageDigests;

    configureBackend(this, environment.backend);
    nomadProvider(this, { environment, caPem: props.nomadCaPem });

    const variables = new AppVariables(this, "variables", { environment }).resources;
    const deploy = { preventDestroy: false, requireImageDigests, dependsOn: variables };

    // The data plane's images too. Nothing waits for it, and it for nothing.
    new NomadJob(this, "images", { job: imagesJob(environment, images), preventDestroy: false, requireImageDigests });
    const rlService = new NomadJob(this, "rl-service", { job: rlServiceJob(environment, images), ...deploy });
    const api = new NomadJob(this, "api", { job: apiJob(environment, images), ...deploy });
    const frontend = new NomadJob(this, "frontend", { job: frontendJob(environment, images), ...deploy });
    new NomadJob(this, "worker", { job: workerJob(environment, images), ...deploy, preventDestroy: environment.protect });
    new NomadJob(this, "gateway", { job: gatewayJob(environment, images), ...deploy, dependsOn: [rlService.resource, api.resource, frontend.resource] });
  }
}
