/** What checks look through: one client a service, one look a node, shared by every check of it. */
import { ConsulClient } from "../clients/consul";
import { RegistryClient, type RegistryCredentials } from "../clients/registry";
import { TAILSCALE_API, TailscaleClient, type TailnetDevice, type TailscaleCredentials } from "../clients/tailscale";
import { VaultClient } from "../clients/vault";
import { VULTR_API, VultrClient } from "../clients/vultr";
import type { Environment } from "../../environments/schema";
import type { NodeFacts } from "./probe/facts";
import { probePlan, type ProbedNode } from "./probe/plan";
import { probeNode } from "./probe/probe";

/** Whatever the operator has; each that is missing leaves checks inconclusive. */
export interface Credentials {
  readonly consulToken?: string;
  readonly vaultToken?: string;
  /** PEM of the authority of Consul's certificates. */
  readonly consulCa?: string;
  readonly vaultCa?: string;
  readonly registryCa?: string;
  readonly tailscale?: TailscaleCredentials;
  readonly vultrKey?: string;
  readonly registry?: RegistryCredentials;
}

/** Addresses of the two services on the internet; others in tests. */
export interface ApiAddresses {
  readonly tailscale: string;
  readonly vultr: string;
}

export const API_ADDRESSES: ApiAddresses = { tailscale: TAILSCALE_API, vultr: VULTR_API };

export interface DoctorContext {
  readonly env: Environment;
  readonly credentials: Credentials;
  readonly consul: ConsulClient;
  /** The Vault server at one of `vault.servers`, or at `vault.address`. */
  vault(server?: string): VaultClient;
  readonly registry: RegistryClient;
  readonly vultr: VultrClient;
  /** Undefined without credentials. */
  readonly tailscale: TailscaleClient | undefined;
  devices(tailscale: TailscaleClient): Promise<TailnetDevice[]>;
  facts(node: ProbedNode): Promise<NodeFacts>;
}

export interface ContextOptions {
  /** Ends every request and login. */
  readonly signal: AbortSignal;
  /** @default the services' own */
  readonly apis?: ApiAddresses;
  /** Environment of the ssh program. @default that of this process */
  readonly sshVariables?: Readonly<Record<string, string | undefined>>;
  /** File of the key to log in to nodes with, the only one that is tried. @default what the operator's ssh finds */
  readonly identityFile?: string;
}

export function createContext(env: Environment, credentials: Credentials, { signal, apis = API_ADDRESSES, sshVariables, identityFile }: ContextOptions): DoctorContext {
  const looks = new Map<string, Promise<NodeFacts>>();
  let devices: Promise<TailnetDevice[]> | undefined;
  const { tailnet } = env;
  return {
    env,
    credentials,
    consul: new ConsulClient(env.consul.address, { signal, ca: credentials.consulCa }, credentials.consulToken),
    vault: (server) => vaultAt(env, credentials, signal, server),
    registry: new RegistryClient(env.images.registry.host, { signal, ca: credentials.registryCa }, credentials.registry),
    vultr: new VultrClient(credentials.vultrKey, { signal }, apis.vultr),
    tailscale: tailnet.enabled && credentials.tailscale ? new TailscaleClient(tailnet.name, credentials.tailscale, { signal }, apis.tailscale) : undefined,
    devices: (tailscale) => (devices ??= tailscale.devices()),
    facts: (node) => {
      const look = looks.get(node.name) ?? probeNode({ ...node, ...(identityFile === undefined ? {} : { identityFile }) }, probePlan(env, node), { signal, ...(sshVariables ? { variables: sshVariables } : {}) });
      looks.set(node.name, look);
      return look;
    },
  };
}

function vaultAt(env: Environment, credentials: Credentials, signal: AbortSignal, server?: string): VaultClient {
  const address = new URL(env.vault.address);
  const named = /[a-z]/i.test(address.hostname);
  const serverName = server !== undefined && named ? address.hostname : undefined;
  if (server !== undefined) address.hostname = server;
  return new VaultClient(address.href, { signal, ca: credentials.vaultCa, ...(serverName ? { serverName } : {}) }, credentials.vaultToken);
}
