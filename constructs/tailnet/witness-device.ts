/** The witness as the tailnet sees it, once it has joined. */
import { ref, Token, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { DataTailscaleDevice } from "../../bindings/tailscale/data-tailscale-device";
import { Duration } from "../../contracts/units";
import { TerraformData } from "../state/terraform-data";

/** A new machine boots, updates its package lists, installs Tailscale and joins: some minutes. Past this, its console says what went wrong. */
const JOIN_DEADLINE = Duration.minutes(15);

export interface WitnessDeviceProps {
  /** Name under which the machine joins (`tailscale up --hostname`). */
  readonly hostname: string;
  /** When the key that it joins with was made, RFC 3339 (Tailnet.witnessAuthKeyCreatedAt). */
  readonly joinedAfter: string;
  /** Id of the machine: its address is taken anew when this changes, and only then. */
  readonly machineId: string;
  /** The machine itself: nothing is asked before it exists. */
  readonly dependsOn: ITerraformDependable[];
}

/** Waits until the witness has joined, and knows its address. */
export class WitnessDevice extends Construct {
  /** IPv4 address on the tailnet; a token. */
  readonly address: string;

  constructor(scope: Construct, id: string, { hostname, joinedAfter, machineId, dependsOn }: WitnessDeviceProps) {
    super(scope, id);
    const device = new DataTailscaleDevice(this, "device", {
      hostname,
      waitFor: JOIN_DEADLINE.toString(),
      dependsOn,
      lifecycle: {
        postcondition: [{
          // Tailscale keeps a machine that is gone, and a new one of the same name beside it.
          condition: `\${timecmp(self.created, ${joinedAfter}) >= 0}`,
          errorMessage: `The tailnet's device ${hostname} (\${join(" and ", self.addresses)}) joined on \${self.created}, before the key of the present witness was made: it is a former one, and certificates would name its address. Remove it in the admin console (Machines), then deploy again.`,
        }],
      },
    });
    const address = `[for address in data.tailscale_device.${device.friendlyUniqueId}.addresses : address if can(cidrnetmask("\${address}/32"))][0]`;
    // While the machine has a change to come, Terraform takes what it reads of it as unknown, and would replace every certificate that names the address.
    const record = new TerraformData(this, "address", {
      input: { address: `\${${address}}` },
      triggersReplace: { machine: machineId },
      lifecycle: {
        ignoreChanges: ["input"],
        postcondition: [{
          condition: `\${self.output.address == ${address}}`,
          errorMessage: `The witness ${hostname} has another tailnet address, \${${address}}, than the one that certificates and agents name, \${self.output.address}. Deploy with -replace for this address, so that they are made anew; one server at a time keeps the quorum.`,
        }],
      },
    });
    // A token, so that whoever writes it into a script is told apart from text that merely looks like an expression.
    this.address = Token.asString(ref(`terraform_data.${record.friendlyUniqueId}.output.address`));
  }
}
