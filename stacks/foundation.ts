/** From three machines and an existing Consul and Vault to a Nomad cluster that jobs can be deployed to. */
import { TerraformOutput, type ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import type { Rotation } from "../contracts/rotation";
import type { Environment } from "../environments/schema";
import { NomadAccess } from "../constructs/access/nomad-access";
import { AclBootstrap } from "../constructs/cluster/acl-bootstrap";
import { clusterNodes } from "../constructs/cluster/node";
import { ClusterPki } from "../constructs/cluster/pki";
import { foundationProviders } from "../constructs/cluster/providers";
import { NodeRollout } from "../constructs/cluster/rollout";
import { WitnessMachine } from "../constructs/cluster/witness-machine";
import { ConsulAgentTokens } from "../constructs/consul/consul-agent-tokens";
import { ConsulWorkloads } from "../constructs/consul/consul-workloads";
import { labLogin, type LabLogin } from "../constructs/lab/login";
import { nomadProvider } from "../constructs/nomad/provider";
import { VaultWorkloads } from "../constructs/secrets/vault-workloads";
import { configureBackend } from "../constructs/state/backend";
import { PlatformStack } from "../constructs/state/platform-stack";
import { Tailnet } from "../constructs/tailnet";
import { hasTailnet } from "../constructs/tailnet/policy";

export interface FoundationStackProps {
  readonly environment: Environment;
  /** Which generations of the cluster's keys are in use. */
  readonly rotation: Rotation;
  /** How the machines of a lab are logged in to. @default the environment's host keys, and the SSH agent of whoever deploys */
  readonly lab?: LabLogin;
}

export class FoundationStack extends PlatformStack {
  /** PEM of the authorities that sign the Nomad servers' certificates, two while they are rotated; public. */
  readonly nomadCaPem: string;

  constructor(scope: Construct, id: string, { environment, rotation, lab }: FoundationStackProps) {
    super(scope, id);
    const { nomad, consul, vault, protect } = environment;
    const namespace = nomad.namespace;
    const appNodes = environment.nodes.map((node) => node.name);

    configureBackend(this, environment.backend);
    foundationProviders(this, environment);

    const tailnet = hasTailnet(environment) ? new Tailnet(this, "tailnet", { environment }) : undefined;
    const machine = tailnet && environment.vultr.enabled ? new WitnessMachine(this, "witness", { environment, tailnet }) : undefined;
    const login = lab && labLogin(this, lab);
    const nodes = clusterNodes(environment, machine, login?.hostKeys);

    const pki = new ClusterPki(this, "pki", {
      nodes,
      region: nomad.region,
      consulDomain: consul.domain,
      caValidity: nomad.caValidity,
      certificateValidity: nomad.certificateValidity,
      certificateRenewal: nomad.certificateRenewal,
      rotation,
      protect,
    });
    this.nomadCaPem = pki.caCertPem;

    const agentTokens = new ConsulAgentTokens(this, "consul-agents", { appNodes, witness: environment.witness.name });
    const before: ITerraformDependable[] = [...(tailnet ? [tailnet.policy] : []), ...(machine ? [machine.trustConsul(nodes)] : [])];
    const rollout = new NodeRollout(this, "nodes", {
      env: environment,
      nodes,
      secrets: (node) => ({ certificate: pki.certificateOf(node), caCertPem: pki.caCertPem, gossipKeys: pki.gossipKeys, consul: agentTokens.tokensFor(node.name) }),
      sshPrivateKey: login?.sshPrivateKey,
      dependsOn: before,
    });

    const acl = new AclBootstrap(this, "acl", { address: nomad.address, caCertPem: pki.caCertPem, generation: rotation.managementToken, protect, dependsOn: [rollout.quorum] });
    nomadProvider(this, { environment, caPem: pki.establishedCaPem, token: acl.managementToken });

    const access = new NomadAccess(this, "access", { namespace, protect, dependsOn: [acl.done] });
    const workloads = { namespace, jwksCaPem: pki.caCertPem, protect, dependsOn: [acl.done] };
    new VaultWorkloads(this, "vault-workloads", { ...workloads, kvMount: vault.kvMount, authPath: vault.authPath, tokenPeriod: vault.tokenPeriod, consulDomain: consul.domain, raftSnapshots: environment.dataPlane.backup.clusterSnapshots.vault.permitted });
    new ConsulWorkloads(this, "consul-workloads", { ...workloads, domain: consul.domain, appNodes, guardianMode: environment.cutover.guardianMode });

    new TerraformOutput(this, "nomad-ca", { value: pki.caCertPem, description: "Authority of Nomad's certificates, for NOMAD_CACERT" }).overrideLogicalId("nomad-ca");
    // `terraform output -raw deployer-token`: what data-plane, app, pull requests and people work with. cutover writes ACL objects and needs the management token.
    for (const [role, token] of Object.entries(access.tokens)) new TerraformOutput(this, `${role}-token`, { value: token.secretId, sensitive: true, description: `Nomad token of the ${role}` }).overrideLogicalId(`${role}-token`);
    const management = new TerraformOutput(this, "management-token", { value: acl.managementToken, sensitive: true, description: "Nomad management token, for emergencies only" });
    management.overrideLogicalId("management-token");
    // The former one until Nomad has taken the next: a rotation that is broken off in between goes on with what Nomad knows. (cdktf's own dependsOn writes an expression here, which Terraform refuses.)
    management.addOverride("depends_on", [acl.address]);
  }
}
