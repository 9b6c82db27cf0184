/** How the operator's machine gets into the lab: addresses of the environment, credentials of the states that a deploy left. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../../environments/schema";

/** An API with its token and the authority of its certificate. */
export interface Endpoint {
  readonly address: string;
  readonly token: string;
  readonly caPem: string;
}

export interface LabAccess {
  readonly consul: Endpoint;
  readonly vault: Endpoint;
  /** Undefined until foundation is deployed. The token is the management token. */
  readonly nomad: Endpoint | undefined;
  /** OpenSSH private key that logs in to every machine of the lab. */
  readonly sshPrivateKey: string;
  /** Public host keys by machine. */
  readonly hostKeys: Readonly<Record<string, string>>;
}

type Outputs = Readonly<Record<string, { readonly value: unknown } | undefined>>;

/** Outputs of a deployed stack; undefined when it was never deployed, or was destroyed. */
export function stackOutputs(env: Environment, stack: string): Outputs | undefined {
  if (env.backend.kind !== "local") throw new Error(`the state of "${env.name}" is in HCP Terraform; the lab keeps its own in files (backend.kind = "local")`);
  const file = join(env.backend.folder, `${stack}.tfstate`);
  if (!existsSync(file)) return undefined;
  const { outputs = {} } = JSON.parse(readFileSync(file, "utf8")) as { outputs?: Outputs };
  return Object.keys(outputs).length > 0 ? outputs : undefined;
}

function text(outputs: Outputs, name: string): string {
  const value = outputs[name]?.value;
  if (typeof value !== "string") throw new Error(`the state has no output "${name}": it is from another version of the stack; deploy it again with: npm run lab`);
  return value;
}

/** @throws Error when LabStack is not deployed */
export function labAccess(env: Environment): LabAccess {
  const lab = stackOutputs(env, "lab");
  if (!lab) throw new Error("the lab is not up, so there is nothing to reach; start it with: npm run lab");
  const caPem = text(lab, "ca");
  const foundation = stackOutputs(env, "foundation");
  return {
    consul: { address: env.consul.address, token: text(lab, "consul-token"), caPem },
    vault: { address: env.vault.operatorAddress ?? env.vault.address, token: text(lab, "vault-token"), caPem },
    nomad: foundation && { address: env.nomad.address, token: text(foundation, "management-token"), caPem: text(foundation, "nomad-ca") },
    sshPrivateKey: text(lab, "ssh-private-key"),
    hostKeys: Object.fromEntries(Object.keys(lab).filter((name) => name.startsWith("host-key-")).map((name) => [name.slice("host-key-".length), text(lab, name)])),
  };
}

/** The environment with the host keys of a lab that is up; any other environment as it is. */
export function withLabHostKeys(env: Environment): Environment {
  if (!env.lab || !stackOutputs(env, "lab")) return env;
  const { hostKeys } = labAccess(env);
  const known = <T extends { readonly hostKey?: string }>(machine: string, ssh: T): T => ({ ...ssh, hostKey: ssh.hostKey ?? hostKeys[machine] });
  return {
    ...env,
    nodes: env.nodes.map((node) => ({ ...node, ssh: known(node.name, node.ssh) })),
    witness: { ...env.witness, ssh: known(env.witness.name, env.witness.ssh) },
    legacy: { ...env.legacy, host: { ...env.legacy.host, ssh: known("legacy", env.legacy.host.ssh) } },
  };
}
