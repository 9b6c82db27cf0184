/**
 * The one token with which the hand-started worker holds the lease, so that the
 * hand-over excludes the other side by itself. It goes when legacy is retired:
 * from then on nothing outside Nomad can hold the lease.
 */
import { AclPolicy } from "@cdktf/provider-consul/lib/acl-policy";
import { AclToken } from "@cdktf/provider-consul/lib/acl-token";
import { DataConsulAclTokenSecretId } from "@cdktf/provider-consul/lib/data-consul-acl-token-secret-id";
import { Construct } from "constructs";
import { consulPolicy } from "../../contracts/identity";
import { legacyLeaseRules, consulPolicyText } from "./consul-rules";

export interface LegacyLeaseProps {
  /** Folder of the cutover's keys: the Nomad namespace. */
  readonly namespace: string;
  /** Consul node names on which the lease's session may be made. */
  readonly leaseNodes: readonly string[];
  /** Legacy is gone for good: no policy and no token. */
  readonly retired: boolean;
}

export class LegacyLease extends Construct {
  /** Secret id for the legacy worker's wrapper; undefined once legacy is retired. */
  readonly secretId: string | undefined;

  constructor(scope: Construct, id: string, props: LegacyLeaseProps) {
    super(scope, id);
    if (props.retired) return;
    const name = consulPolicy(props.namespace, "legacy-lease");
    const description = "Lease of the hand-started worker, until legacy is retired";
    const policy = new AclPolicy(this, "policy", { name, description, rules: consulPolicyText(legacyLeaseRules(props.namespace, props.leaseNodes)) });
    const token = new AclToken(this, "token", { description, policies: [policy.name] });
    this.secretId = new DataConsulAclTokenSecretId(this, "secret", { accessorId: token.accessorId }).secretId;
  }
}
