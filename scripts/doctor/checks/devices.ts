/** Which devices of the tailnet the platform stands on, and whether each is as it must be. */
import { legacyHasOwnHost, type TailnetEnvironment } from "../../../constructs/tailnet/policy";
import type { TailnetDevice } from "../../clients/tailscale";
import { fail, pass, type Outcome } from "../check";

export interface ExpectedDevice {
  readonly id: string;
  readonly title: string;
  readonly addresses: readonly string[];
  /** Full name that the one device must have. */
  readonly name?: string;
  /** Tag that grants name it by. */
  readonly tag?: string;
}

/** Nodes one by one; the servers of Consul and of Vault each together. */
export function expectedDevices(env: TailnetEnvironment): ExpectedDevice[] {
  const { nodes, consul, vault, legacy, tailnet } = env;
  return [
    ...nodes.map((node) => ({ id: node.name, title: node.name, addresses: [node.tailnetAddress], name: node.tailnetName })),
    { id: "consul", title: "Consul servers", addresses: consul.servers, tag: tailnet.consulTag },
    { id: "vault", title: "Vault servers", addresses: vault.servers, tag: tailnet.vaultTag },
    ...(legacyHasOwnHost(env) && !legacy.retired ? [{ id: "legacy", title: "legacy host", addresses: [legacy.host.tailnetAddress] }] : []),
  ];
}

interface Found {
  readonly address: string;
  readonly device: TailnetDevice | undefined;
}

function find({ addresses }: ExpectedDevice, devices: readonly TailnetDevice[]): Found[] {
  return addresses.map((address) => ({ address, device: devices.find((device) => device.addresses.includes(address)) }));
}

export function deviceOutcome(expected: ExpectedDevice, devices: readonly TailnetDevice[]): Outcome {
  const found = find(expected, devices);
  const absent = found.filter(({ device }) => !device).map(({ address }) => address);
  const named = expected.name === undefined ? undefined : devices.find((device) => device.name === expected.name);
  if (absent.length > 0) {
    return named
      ? fail(`${expected.name} has ${named.addresses.join(" and ")}, not ${absent.join(", ")}`, `Correct nodes[].tailnetAddress of ${expected.title} in the environment file to ${named.addresses[0] ?? "its address"}`)
      : fail(`no device of the tailnet has ${absent.join(", ")}`, "On the machine: tailscale up; tailscale ip -4. If it has another address, correct the environment file");
  }
  const [{ device }] = found;
  if (expected.name !== undefined && device?.name !== expected.name) return fail(`${expected.addresses[0]} is ${device?.name}, not ${expected.name}`, `Correct nodes[].tailnetName or nodes[].tailnetAddress of ${expected.title} in the environment file`);
  const waiting = found.filter(({ device }) => device?.authorized === false).map(({ device }) => device?.name);
  if (waiting.length > 0) return fail(`${waiting.join(", ")} waits for approval`, "In the admin console (Machines) approve it");
  return pass(found.map(({ address, device }) => `${device?.name} ${address}`).join(", "));
}

/** A device whose key ends leaves the tailnet at that moment, and with it the cluster. */
export function keyOutcome(expected: ExpectedDevice, devices: readonly TailnetDevice[]): Outcome {
  const found = find(expected, devices);
  const ending = found.flatMap(({ device }) => (device && !device.keyExpiryDisabled ? [`${device.name} at ${device.expires ?? "a time that is not known"}`] : []));
  if (ending.length > 0) return fail(`ends: ${ending.join(", ")}; the machine would then drop out`, "In the admin console (Machines), for each: … > Disable key expiry");
  const absent = found.filter(({ device }) => !device).map(({ address }) => address);
  return absent.length > 0 ? fail(`no device of the tailnet has ${absent.join(", ")}`, `Mend tailnet.${expected.id}.device first`) : pass("does not expire");
}

export function tagOutcome(expected: ExpectedDevice, tag: string, devices: readonly TailnetDevice[]): Outcome {
  const without = find(expected, devices).filter(({ device }) => !device?.tags?.includes(tag)).map(({ address, device }) => device?.name ?? address);
  return without.length > 0 ? fail(`${without.join(", ")} does not carry ${tag}: the platform's grants name it by that, and the nodes would not reach it`, `In the admin console (Machines): … > Edit ACL tags, or correct the tag in the environment file`) : pass("carried by all");
}
