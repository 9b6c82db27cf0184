/** The machines of the lab, and what in production exists already: Consul, Vault, a registry, the legacy host. */
import { DataDockerImage } from "@cdktf/provider-docker/lib/data-docker-image";
import { Network } from "@cdktf/provider-docker/lib/network";
import { DockerProvider } from "@cdktf/provider-docker/lib/provider";
import { RandomProvider } from "@cdktf/provider-random/lib/provider";
import { TlsProvider } from "@cdktf/provider-tls/lib/provider";
import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { ConsulServers } from "../constructs/lab/consul-servers";
import { LabAuthority } from "../constructs/lab/authority";
import type { LabLogin } from "../constructs/lab/login";
import { LabMachine } from "../constructs/lab/machine";
import { LabNodes, LabSsh } from "../constructs/lab/nodes";
import { OpenBao } from "../constructs/lab/openbao";
import { legacyMachine, registryMachine } from "../constructs/lab/outside";
import { configureBackend } from "../constructs/state/backend";
import { PlatformStack } from "../constructs/state/platform-stack";
import type { Environment, Lab } from "../environments/schema";

export interface LabStackProps {
  readonly environment: Environment;
  readonly lab: Lab;
}

export class LabStack extends PlatformStack {
  /** For foundation, which delivers to the nodes. */
  readonly login: LabLogin;

  constructor(scope: Construct, id: string, { environment, lab }: LabStackProps) {
    super(scope, id);
    const { nodes, witness } = environment;
    configureBackend(this, environment.backend);
    new DockerProvider(this, "docker");
    new RandomProvider(this, "random");
    new TlsProvider(this, "tls");

    const network = { lab, network: new Network(this, "network", { name: lab.network.name, ipamConfig: [{ subnet: lab.network.subnet }] }).name };
    const built = (name: "node" | "legacy" | "exchange") => new DataDockerImage(this, `${name}-image`, { name: lab.images[name] }).id;
    const nodeDns = nodes.map((node) => node.tailnetAddress);

    const authority = new LabAuthority(this, "authority");
    const consul = new ConsulServers(this, "consul", { ...network, environment, authority, dns: nodeDns });
    const openbao = new OpenBao(this, "vault", { ...network, environment, authority, dns: nodeDns });
    registryMachine(this, network, environment);

    const ssh = new LabSsh(this, "ssh", [...nodes.map((node) => node.name), witness.name, "legacy"]);
    const nodeImage = built("node");
    const { machines } = new LabNodes(this, "nodes", { ...network, environment, login: ssh, image: nodeImage, existing: { consulGossipKey: consul.gossipKey, caPem: authority.caPem } });

    new LabMachine(this, "exchange", { ...network, name: "exchange", address: lab.exchange.tailnetAddress, image: built("exchange") });
    legacyMachine(this, network, environment, { image: built("legacy"), login: ssh, nodes: machines });
    // Resolves names as split DNS lets a user's device do.
    new LabMachine(this, "device", { ...network, name: "device", address: lab.device.tailnetAddress, image: nodeImage, entrypoint: ["sleep", "infinity"], dns: nodeDns, container: { init: true } });

    this.login = { hostKeys: Object.fromEntries([...nodes, witness].map(({ name }) => [name, ssh.hostKeys[name]])), sshPrivateKey: ssh.privateKey };
    this.outputs({ ca: authority.caPem, ...Object.fromEntries(Object.entries(ssh.hostKeys).map(([machine, key]) => [`host-key-${machine}`, key])) }, false);
    this.outputs({ "consul-token": consul.managementToken, "vault-token": openbao.rootToken, "ssh-private-key": ssh.privateKey }, true);
  }

  private outputs(values: Readonly<Record<string, string>>, sensitive: boolean): void {
    for (const [name, value] of Object.entries(values)) new TerraformOutput(this, name, { value, sensitive }).overrideLogicalId(name);
  }
}
