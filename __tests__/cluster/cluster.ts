/** The worked example's cluster, and variations of it. */
import { RandomProvider } from "@cdktf/provider-random/lib/provider";
import { TlsProvider } from "@cdktf/provider-tls/lib/provider";
import { Testing, TerraformStack, Token } from "cdktf";
import { VultrProvider } from "../../bindings/vultr/provider";
import { clusterNodes, type AppClusterNode, type ClusterNode, type WitnessClusterNode } from "../../constructs/cluster/node";
import type { NodeSecrets } from "../../constructs/cluster/bundle";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import type { Environment, EnvironmentInput } from "../../environments/schema";

export const WITNESS_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE9mC3q1cVw0wXHqvQ0kzW7mQbW0cS2Zr6r5k3p1b8Ya";

/** Production, changed by `edit`. */
export function environment(edit: (input: EnvironmentInput) => void = () => undefined): Environment {
  const input = structuredClone(production);
  edit(input);
  return parseEnvironment("test", input);
}

/** A witness that exists already: nothing is made at Vultr, and every address is a literal. */
export function withExistingWitness(input: EnvironmentInput): void {
  input.vultr = { enabled: false, reason: "it exists" };
  input.witness = { ...input.witness, tailnetAddress: "100.64.0.13", ssh: { ...input.witness.ssh, hostKey: WITNESS_KEY } };
}

export const existing = (edit: (input: EnvironmentInput) => void = () => undefined): Environment =>
  environment((input) => {
    withExistingWitness(input);
    edit(input);
  });

export interface Cluster {
  readonly env: Environment;
  readonly all: readonly ClusterNode[];
  readonly server1: AppClusterNode;
  readonly server2: AppClusterNode;
  readonly witness: WitnessClusterNode;
}

export function cluster(env: Environment = existing()): Cluster {
  const all = clusterNodes(env);
  const [server1, server2, witness] = all;
  return { env, all, server1: server1 as AppClusterNode, server2: server2 as AppClusterNode, witness: witness as WitnessClusterNode };
}

/** Secrets that a test can look for. */
export function secretsOf(node: ClusterNode): NodeSecrets {
  return {
    certificate: { cert: `CERTIFICATE of ${node.name}\n`, key: `SECRET-KEY of ${node.name}\n` },
    caCertPem: "AUTHORITY\n",
    gossipKeys: ["SECRET-GOSSIP"],
    consul: { agent: `SECRET-agent-${node.name}`, dns: `SECRET-dns-${node.name}`, nomad: `SECRET-nomad-${node.name}` },
  };
}

export interface Synthesized {
  readonly text: string;
  readonly resource: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>;
  readonly data: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>;
  readonly locals: Readonly<Record<string, string>>;
}

/** Synthesizes a stack with validations, and the providers that clusters are made with. */
export function synthesize(build: (stack: TerraformStack) => void): Synthesized {
  const stack = new TerraformStack(Testing.app(), "foundation");
  new RandomProvider(stack, "random");
  new TlsProvider(stack, "tls");
  new VultrProvider(stack, "vultr", { apiKey: Token.asString(Token.nullValue()) });
  build(stack);
  const text = Testing.synth(stack, true);
  const { resource = {}, data = {}, locals = {} } = JSON.parse(text) as Partial<Synthesized>;
  return { text, resource, data, locals };
}

/** The one resource of a type whose Terraform name begins so. */
export function one(of: Synthesized["resource"], type: string, prefix: string): Record<string, unknown> {
  const found = Object.entries(of[type] ?? {}).filter(([id]) => id.startsWith(prefix));
  if (found.length !== 1) throw new Error(`${found.length} resources ${type}.${prefix}…, expected one; there are ${Object.keys(of[type] ?? {}).join(", ")}`);
  return found[0][1];
}
