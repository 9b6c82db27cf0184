/** The cutover operator's identity: preflight, ledger and switches, nothing else. */
import { AclPolicy as ConsulPolicy } from "@cdktf/provider-consul/lib/acl-policy";
import { AclToken as ConsulToken } from "@cdktf/provider-consul/lib/acl-token";
import { DataConsulAclTokenSecretId } from "@cdktf/provider-consul/lib/data-consul-acl-token-secret-id";
import { AclPolicy as NomadPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { AclRole as NomadRole } from "@cdktf/provider-nomad/lib/acl-role";
import { AclToken as NomadToken } from "@cdktf/provider-nomad/lib/acl-token";
import { Construct } from "constructs";
import { consulPolicy, nomadRole } from "../../contracts/identity";
import { cutoverOperatorRules as nomadRules, nomadPolicyText } from "../access/nomad-rules";
import { consulPolicyText, cutoverOperatorRules as consulRules } from "../consul/consul-rules";

export interface CutoverOperatorProps {
  readonly namespace: string;
  /** Consul node names of the nodes that run allocations. */
  readonly appNodes: readonly string[];
}

const DESCRIPTION = "Runs a cutover: reads everything in the namespace, writes the ledger and the switches";

export class CutoverOperator extends Construct {
  readonly nomadToken: NomadToken;
  readonly consulToken: ConsulToken;
  /** Secret id of `consulToken`. Sensitive. */
  readonly consulSecretId: string;

  constructor(scope: Construct, id: string, props: CutoverOperatorProps) {
    super(scope, id);
    const name = nomadRole(props.namespace, "cutover-operator");
    const nomadPolicy = new NomadPolicy(this, "nomad-policy", { name, description: DESCRIPTION, rulesHcl: nomadPolicyText(nomadRules(props.namespace)) });
    const role = new NomadRole(this, "nomad-role", { name, description: DESCRIPTION, policy: [{ name: nomadPolicy.name }] });
    this.nomadToken = new NomadToken(this, "nomad-token", { name, type: "client", role: [{ id: role.id }] });

    const policy = new ConsulPolicy(this, "consul-policy", { name: consulPolicy(props.namespace, "cutover-operator"), description: DESCRIPTION, rules: consulPolicyText(consulRules(props.namespace, props.appNodes)) });
    this.consulToken = new ConsulToken(this, "consul-token", { description: `${name}: ${DESCRIPTION}`, policies: [policy.name] });
    this.consulSecretId = new DataConsulAclTokenSecretId(this, "consul-secret", { accessorId: this.consulToken.accessorId }).secretId;
  }
}
