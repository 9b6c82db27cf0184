/** Clients of the lab's Nomad, Consul and OpenBao, by whatever port each machine has on loopback. */
import type { Environment, Lab } from "../../../environments/schema";
import { CLUSTER_PORTS } from "../../../contracts/services";
import { Duration } from "../../../contracts/units";
import { ConsulClient } from "../../clients/consul";
import { VaultClient } from "../../clients/vault";
import type { LabAccess } from "../access";
import { labMachines, nomadServers, publishedAddress, type Machine } from "../machines";
import { NomadClient } from "./nomad";

/** Everything is on this machine: what takes longer is paused or cut off, and is told so. */
const ANSWER_TIMEOUT = Duration.seconds(6);
const CONNECT_TIMEOUT = Duration.seconds(3);

export interface LabClients {
  /** Undefined until foundation is deployed. */
  readonly nomad: NomadClient | undefined;
  /** By machine. */
  readonly consul: ReadonlyMap<string, { readonly address: string; readonly client: ConsulClient }>;
  readonly vault: VaultClient;
}

export function labClients(env: Environment, lab: Lab, access: LabAccess): LabClients {
  const machines = labMachines(env, lab);
  const bounds = { connectTimeout: CONNECT_TIMEOUT, answerTimeout: ANSWER_TIMEOUT };
  const consul = machines.filter(({ role }) => role === "consul").flatMap((machine) => {
    const address = publishedAddress(machine, CLUSTER_PORTS.consulHttps);
    return address ? [[machine.name, { address: `https://${address}`, client: new ConsulClient(`https://${address}`, { ca: access.consul.caPem, ...bounds }, access.consul.token) }] as const] : [];
  });
  return {
    nomad: access.nomad && new NomadClient(nomadAddresses(machines), env.nomad.namespace, access.nomad.token, { ca: access.nomad.caPem, ...bounds }),
    consul: new Map(consul),
    vault: new VaultClient(access.vault.address, { ca: access.vault.caPem, ...bounds }, access.vault.token),
  };
}

/** The API of every server that is published. */
export function nomadAddresses(machines: readonly Machine[]): string[] {
  return nomadServers(machines).flatMap((machine) => publishedAddress(machine, CLUSTER_PORTS.nomadHttp) ?? []).map((address) => `https://${address}`);
}
