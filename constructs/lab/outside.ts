/** Machines that the platform meets and does not run: the registry that nodes pull from, and the host that it moves away from. */
import type { Construct } from "constructs";
import { CLUSTER_PORTS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { LabMachine, type LabNetworkProps } from "./machine";
import type { LabSsh } from "./nodes";

export function registryMachine(scope: Construct, network: LabNetworkProps, { images }: Environment): LabMachine {
  const address = images.registry.host.split(":")[0];
  return new LabMachine(scope, "registry", { ...network, name: "registry", address, image: network.lab.images.registry, volumes: { "/var/lib/registry": "data" } });
}

/** What a Linux host allows and Docker does not by itself: the lease gives the worker a PID namespace of its own, as a user without rights. */
const HOST = { securityOpts: ["seccomp=unconfined", "apparmor=unconfined"] };

/** The app as hand-started processes (doubles), with an SSH server. */
export function legacyMachine(scope: Construct, network: LabNetworkProps, { legacy }: Environment, made: { readonly image: string; readonly login: LabSsh; readonly nodes: Readonly<Record<string, LabMachine>> }): LabMachine {
  const { exchange, legacySshPort } = network.lab;
  const { node } = legacy.host;
  return new LabMachine(scope, "legacy", {
    ...network,
    name: "legacy",
    address: legacy.host.tailnetAddress,
    image: made.image,
    ...(node === undefined ? {} : { shares: made.nodes[node] }),
    env: {
      ...(node === undefined ? {} : { LEGACY_SSH_PORT: String(legacySshPort ?? CLUSTER_PORTS.ssh), LEGACY_PORT_FRONTEND: String(legacy.ports.frontend), LEGACY_PORT_API: String(legacy.ports.api), LEGACY_PORT_RL_SERVICE: String(legacy.ports.rlService), LEGACY_PORT_CONVEX: new URL(legacy.convexUrl).port }),
      LEGACY_ENV_BINGX_BASE_URL: `http://${exchange.tailnetAddress}:${exchange.port}`,
      LEGACY_ENV_BINGX_WS_URL: `ws://${exchange.tailnetAddress}:${exchange.port}/ws`,
    },
    files: made.login.filesOf("legacy", `/home/${legacy.host.ssh.user}`),
    container: HOST,
  });
}
