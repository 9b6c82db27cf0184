/** A stack with every identity of an environment and nothing else. */
import { ConsulProvider } from "@cdktf/provider-consul/lib/provider";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import { Testing, TerraformStack } from "cdktf";
import { TerraformData } from "../../constructs/state/terraform-data";
import { NomadAccess } from "../../constructs/access/nomad-access";
import { ConsulAgentTokens } from "../../constructs/consul/consul-agent-tokens";
import { ConsulWorkloads } from "../../constructs/consul/consul-workloads";
import { LegacyLease } from "../../constructs/consul/legacy-lease";
import { VaultWorkloads } from "../../constructs/secrets/vault-workloads";
import { loadEnvironment } from "../../environments/load";
import type { Environment } from "../../environments/schema";

export const production = loadEnvironment("production");
export const staging = loadEnvironment("staging");

export type Resources = Record<string, Record<string, Record<string, unknown>>>;

export function synthesize(env: Environment, caPem?: string): { readonly resource: Resources; readonly data: Resources; readonly text: string } {
  const stack = new TerraformStack(Testing.app(), "identities");
  new NomadProvider(stack, "nomad", { address: env.nomad.address });
  new ConsulProvider(stack, "consul", { address: env.consul.address });
  new VaultProvider(stack, "vault", { address: env.vault.address });
  const ready = new TerraformData(stack, "ready");
  const { namespace } = env.nomad;
  const appNodes = env.nodes.map((node) => node.name);
  const shared = { namespace, protect: env.protect, jwksCaPem: caPem, dependsOn: [ready] };
  new NomadAccess(stack, "access", shared);
  new VaultWorkloads(stack, "vault-workloads", { ...shared, kvMount: env.vault.kvMount, authPath: env.vault.authPath, raftSnapshots: env.dataPlane.backup.clusterSnapshots.vault.permitted, tokenPeriod: env.vault.tokenPeriod, consulDomain: env.consul.domain });
  new ConsulWorkloads(stack, "consul-workloads", { ...shared, domain: env.consul.domain, appNodes, guardianMode: env.cutover.guardianMode });
  new ConsulAgentTokens(stack, "agents", { appNodes, witness: env.witness.name });
  new LegacyLease(stack, "legacy-lease", { namespace, leaseNodes: appNodes, retired: env.legacy.retired });
  const text = Testing.synth(stack, true);
  return { ...(JSON.parse(text) as { resource: Resources; data: Resources }), text };
}

/** Resources of a type, in the order in which they are synthesized. */
export function all(resources: Resources, type: string): Record<string, unknown>[] {
  return Object.values(resources[type] ?? {});
}

/** The resource of a type whose `name` (or other field) is this. */
export function named(resources: Resources, type: string, name: string, field = "name"): Record<string, unknown> {
  const found = all(resources, type).filter((resource) => resource[field] === name);
  if (found.length !== 1) throw new Error(`${found.length} of ${type} with ${field} ${name}`);
  return found[0];
}
