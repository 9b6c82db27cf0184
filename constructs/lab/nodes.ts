/** The three Nomad machines: containers with an SSH server, a service manager and, on the app nodes, an engine of their own. */
import { PrivateKey } from "@cdktf/provider-tls/lib/private-key";
import type { ContainerConfig } from "@cdktf/provider-docker/lib/container";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../environments/schema";
import { LabMachine, type LabNetworkProps, type MachineFile } from "./machine";

export interface LabNodesProps extends LabNetworkProps {
  readonly environment: Environment;
  readonly login: LabSsh;
  /** Image id of the node. */
  readonly image: string;
  /** What the operator of the existing Consul and Vault would have placed on the nodes. */
  readonly existing: { readonly consulGossipKey: string; readonly caPem: string };
}

/** A container with its own engine and a Nomad client, without `privileged`, which needs CAP_SYS_RESOURCE of the host. What Docker masks in /proc, the node's own entry point unmasks. */
const NODE: Partial<ContainerConfig> = {
  capabilities: { add: ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_DAC_READ_SEARCH", "CAP_SYS_NICE", "CAP_IPC_LOCK"] },
  securityOpts: ["seccomp=unconfined", "apparmor=unconfined"],
  cgroupnsMode: "host",
  volumes: [{ hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" }],
  // A node made anew has none of what was delivered to it: a rebuilt image waits for the next lab.
  lifecycle: { ignoreChanges: ["image"] },
};

/** SSH and, where there is one, the engine answer. */
const BOOTED = "systemctl is-system-running";

export class LabNodes extends Construct {
  /** App nodes by name. */
  readonly machines: Record<string, LabMachine> = {};

  constructor(scope: Construct, id: string, { environment, login, image, existing, ...network }: LabNodesProps) {
    super(scope, id);
    const { consul, vault, nomad, nodes, witness } = environment;
    const files = (name: string): MachineFile[] => [
      ...login.filesOf(name, "/root"),
      { path: consul.gossipKeyFile, content: existing.consulGossipKey, mode: "0600" },
      { path: consul.caFile, content: existing.caPem },
      ...(vault.caFile ? [{ path: vault.caFile, content: existing.caPem }] : []),
    ];
    for (const { name, tailnetAddress, volumesRoot } of nodes) {
      this.machines[name] = new LabMachine(this, name, {
        ...network,
        name,
        address: tailnetAddress,
        image,
        env: { GVFX_LAB_ROLE: "app" },
        files: files(name),
        volumes: { "/var/lib/docker": "docker", [nomad.dataDir]: "nomad", [consul.dataDir]: "consul", [volumesRoot]: "volumes" },
        healthy: BOOTED,
        container: NODE,
      });
    }
    new LabMachine(this, witness.name, {
      ...network,
      name: witness.name,
      address: witness.tailnetAddress!,
      image,
      env: { GVFX_LAB_ROLE: "witness" },
      files: files(witness.name),
      volumes: { [nomad.dataDir]: "nomad", [consul.dataDir]: "consul" },
      healthy: BOOTED,
      container: NODE,
    });
  }
}

/** One key pair that logs in to every machine, and a host key for each. */
export class LabSsh extends Construct {
  /** OpenSSH private key. Sensitive. */
  readonly privateKey: string;
  /** Public host keys by machine. */
  readonly hostKeys: Record<string, string> = {};
  private readonly authorizedKey: string;
  private readonly hostPrivateKeys: Record<string, string> = {};

  constructor(scope: Construct, id: string, machines: readonly string[]) {
    super(scope, id);
    const operator = new PrivateKey(this, "operator", { algorithm: "ED25519" });
    this.privateKey = operator.privateKeyOpenssh;
    this.authorizedKey = operator.publicKeyOpenssh;
    for (const machine of machines) {
      // ECDSA: the type that Terraform's SSH compares first.
      const key = new PrivateKey(this, machine, { algorithm: "ECDSA", ecdsaCurve: "P256" });
      this.hostKeys[machine] = Fn.trimspace(key.publicKeyOpenssh);
      this.hostPrivateKeys[machine] = key.privateKeyOpenssh;
    }
  }

  /** The machine's host key, and the one key that its user admits. */
  filesOf(machine: string, home: string): MachineFile[] {
    return [
      { path: "/etc/ssh/ssh_host_ecdsa_key", content: this.hostPrivateKeys[machine], mode: "0600" },
      { path: `${home}/.ssh/authorized_keys`, content: this.authorizedKey, mode: "0600" },
    ];
  }
}
