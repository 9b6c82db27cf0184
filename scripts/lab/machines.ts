/** The machines of the lab, from the environment. */
import { containerName } from "../../constructs/lab/names";
import type { Environment, Lab } from "../../environments/schema";

/** What a machine is there for. A `node` has an engine and a Nomad client besides its Nomad server. */
export type MachineRole = "node" | "witness" | "consul" | "vault" | "registry" | "exchange" | "legacy" | "device";

export interface Machine {
  readonly name: string;
  readonly container: string;
  readonly address: string;
  readonly role: MachineRole;
  /** Ports of the machine, and where on 127.0.0.1 they are published. */
  readonly published: readonly { readonly port: number; readonly on: number }[];
}

/** Every machine, nodes first, in the order in which people think of them. */
export function labMachines(env: Environment, lab: Lab): Machine[] {
  const machine = (name: string, role: MachineRole, address: string): Machine => ({
    name,
    container: containerName(name),
    address,
    role,
    published: lab.published.filter((entry) => entry.machine === at(name)).map(({ port, on }) => ({ port, on })),
  });
  // On a node it has the node's address, and so the node's published ports.
  const at = (name: string): string => (name === "legacy" ? (env.legacy.host.node ?? name) : name);
  return [
    ...env.nodes.map((node) => machine(node.name, "node", node.tailnetAddress)),
    ...(env.witness.tailnetAddress ? [machine(env.witness.name, "witness", env.witness.tailnetAddress)] : []),
    ...env.consul.servers.map((address, index) => machine(`consul-${index + 1}`, "consul", address)),
    ...env.vault.servers.map((address) => machine("openbao", "vault", address)),
    machine("registry", "registry", env.images.registry.host.replace(/:\d+$/, "")),
    machine("exchange", "exchange", lab.exchange.tailnetAddress),
    machine("legacy", "legacy", env.legacy.host.tailnetAddress),
    machine("device", "device", lab.device.tailnetAddress),
  ];
}

/** Machines that run a Nomad server. */
export function nomadServers(machines: readonly Machine[]): Machine[] {
  return machines.filter(({ role }) => role === "node" || role === "witness");
}

/** Where a machine's port is reached from here; undefined when it is not published. */
export function publishedAddress(machine: Machine, port: number): string | undefined {
  const entry = machine.published.find((published) => published.port === port);
  return entry && `127.0.0.1:${entry.on}`;
}
