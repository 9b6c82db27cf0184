/** Who may reach what on the tailnet, in the words of its policy. */
import { hasTailnet, tailnetPolicy } from "../../../constructs/tailnet/policy";
import type { Environment } from "../../../environments/schema";

export type AccessModel =
  | {
      readonly enabled: true;
      readonly tailnet: string;
      readonly grants: readonly GrantModel[];
      /** Assertions that the tailnet evaluates each time its policy changes. */
      readonly tests: number;
      readonly devices: readonly { readonly name: string; readonly tags: readonly string[] }[];
      readonly groups: readonly { readonly name: string; readonly members: readonly string[] }[];
    }
  | { readonly enabled: false; readonly reason: string };

export interface GrantModel {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly ports: string;
  readonly via: readonly string[];
  readonly purpose: string;
}

export function accessModel(env: Environment): AccessModel {
  if (!hasTailnet(env)) return { enabled: false, reason: env.tailnet.enabled ? "" : env.tailnet.reason };
  const policy = tailnetPolicy(env);
  return {
    enabled: true,
    tailnet: env.tailnet.name,
    grants: policy.grants.map(({ src, dst, ip, via, purpose }) => ({ from: src, to: dst, ports: portsText(ip), via: via ?? [], purpose })),
    tests: policy.tests.length,
    devices: policy.devices,
    groups: Object.entries(policy.groups).map(([name, members]) => ({ name, members })),
  };
}

/** "tcp 3000 8787 53, udp 53" from ["tcp:3000", "tcp:8787", "tcp:53", "udp:53"]. */
function portsText(ip: readonly string[]): string {
  const byProtocol = new Map<string, string[]>();
  for (const entry of ip) {
    const [protocol, port] = entry.includes(":") ? entry.split(":") : ["", entry === "*" ? "every port" : entry];
    byProtocol.set(protocol, [...(byProtocol.get(protocol) ?? []), port]);
  }
  return [...byProtocol].map(([protocol, ports]) => [protocol, ...ports].filter(Boolean).join(" ")).join(", ");
}
