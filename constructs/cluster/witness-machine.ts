/** The witness as Vultr makes it and the tailnet knows it. */
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../environments/schema";
import type { Tailnet } from "../tailnet";
import { WitnessDevice } from "../tailnet/witness-device";
import { ConsulTrust } from "./consul-trust";
import type { AppClusterNode, ClusterNode, MadeWitness, WitnessClusterNode } from "./node";
import { Witness } from "./witness";

export interface WitnessMachineProps {
  readonly environment: Environment;
  readonly tailnet: Tailnet;
}

export class WitnessMachine extends Construct implements MadeWitness {
  /** IPv4 address on the tailnet, read back once it has joined; a token. */
  readonly address: string;
  readonly hostKey: string;
  private readonly witness: Witness;
  private readonly device: WitnessDevice;

  constructor(scope: Construct, id: string, private readonly props: WitnessMachineProps) {
    super(scope, id);
    const { environment, tailnet } = props;
    this.witness = new Witness(this, "machine", { env: environment, tailnetAuthKey: tailnet.witnessAuthKey, dependsOn: [tailnet.policy] });
    this.hostKey = this.witness.hostKey;
    this.device = new WitnessDevice(this, "device", {
      hostname: environment.witness.name,
      joinedAfter: tailnet.witnessAuthKeyCreatedAt,
      machineId: this.witness.instance.id,
      dependsOn: [this.witness.instance],
    });
    this.address = this.device.address;
  }

  /** Gives the machine what it needs to speak to the existing Consul, from a node that has it. */
  trustConsul(nodes: readonly ClusterNode[]): ITerraformDependable {
    return new ConsulTrust(this, "consul-trust", {
      env: this.props.environment,
      from: nodes.filter((node): node is AppClusterNode => node.role === "app"),
      to: nodes.find((node): node is WitnessClusterNode => node.role === "witness")!,
      machineId: this.witness.instance.id,
      dependsOn: [this.witness.instance],
    }).delivered;
  }
}
