/** The gated, reversible move from legacy to Nomad: switches, identities, and what a deploy may rely on. */
import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import type { ImageLock } from "../contracts/images";
import type { Environment } from "../environments/schema";
import { LegacyLease } from "../constructs/consul/legacy-lease";
import { consulProvider } from "../constructs/consul/provider";
import { Evidence } from "../constructs/cutover/evidence";
import { CutoverOperator } from "../constructs/cutover/operator";
import { CutoverSwitches } from "../constructs/cutover/switches";
import { guardianJob } from "../constructs/jobs/guardian";
import { NomadJob } from "../constructs/nomad/job";
import { nomadProvider } from "../constructs/nomad/provider";
import { configureBackend } from "../constructs/state/backend";
import { PlatformStack } from "../constructs/state/platform-stack";
import { TerraformData } from "../constructs/state/terraform-data";

export interface CutoverStackProps {
  readonly environment: Environment;
  readonly images: ImageLock;
  /** PEM of the authority that signed the Nomad servers' certificates; foundation's output. */
  readonly nomadCaPem: string;
}

export class CutoverStack extends PlatformStack {
  constructor(scope: Construct, id: string, props: CutoverStackProps) {
    super(scope, id);
    const { environment, images } = props;
    const { namespace } = environment.nomad;
    const appNodes = environment.nodes.map((node) => node.name);

    configureBackend(this, environment.backend);
    nomadProvider(this, { environment, caPem: props.nomadCaPem });
    consulProvider(this, environment);

    const switches = new CutoverSwitches(this, "switches", { namespace, protect: environment.protect });
    const operator = new CutoverOperator(this, "operator", { namespace, appNodes });
    const legacyLease = new LegacyLease(this, "legacy-lease", { namespace, leaseNodes: appNodes, retired: environment.legacy.retired });

    const evidence = new Evidence(this, "evidence", { namespace });
    new NomadJob(this, "guardian", {
      job: guardianJob(environment, images),
      preventDestroy: false,
      requireImageDigests: environment.requireImageDigests,
      // Rolling back to legacy loses nothing only once both share one Convex.
      preconditions: environment.cutover.guardianMode === "act" ? evidence.requires("data-move", 'Letting the guardian act (cutover.guardianMode = "act")') : [],
      // After the switches: it reads them in its first round.
      dependsOn: [switches.keys],
    });
    // `terraform output -raw …`: for whoever runs a cutover, and for the legacy worker's settings.
    this.token("operator-nomad-token", operator.nomadToken.secretId, "Nomad token of the cutover's operator");
    this.token("operator-consul-token", operator.consulSecretId, "Consul token of the cutover's operator, for gvfx lease");
    if (legacyLease.secretId !== undefined) this.token("legacy-lease-token", legacyLease.secretId, "Consul token with which the legacy worker holds the lease");
    if (environment.legacy.retired) {
      new TerraformData(this, "legacy-retired", { input: { host: environment.legacy.host.tailnetAddress }, lifecycle: { precondition: evidence.requires("watch", "Retiring legacy (legacy.retired)") } });
    }
  }
  private token(name: string, value: string, description: string): void {
    new TerraformOutput(this, name, { value, sensitive: true, description }).overrideLogicalId(name);
  }
}
