/** The Consul tokens that each node's agents run with. */
import { AclPolicy } from "@cdktf/provider-consul/lib/acl-policy";
import { AclToken } from "@cdktf/provider-consul/lib/acl-token";
import { DataConsulAclTokenSecretId } from "@cdktf/provider-consul/lib/data-consul-acl-token-secret-id";
import { Construct } from "constructs";
import { consulAgentRules, dnsRules, nomadAgentRules, consulPolicyText, type ConsulRules } from "./consul-rules";

export interface ConsulAgentTokensProps {
  /** Consul node names of the nodes that run allocations. */
  readonly appNodes: readonly string[];
  /** Consul node name of the witness, whose Nomad agent is a server only. */
  readonly witness: string;
}

/** Secret ids of one node, each for one setting. They are in the state of this stack. */
export interface NodeTokens {
  /** `acl.tokens.agent` of the Consul agent. Never its `default`: that would lend it to requests without a token. */
  readonly agent: string;
  /** `acl.tokens.dns` of the Consul agent: what it answers DNS with. */
  readonly dns: string;
  /** `consul.token` of the Nomad agent. */
  readonly nomad: string;
}

const HOLDERS = {
  agent: "Consul agent",
  dns: "DNS answers of the Consul agent",
  nomad: "Nomad agent",
} as const;

export class ConsulAgentTokens extends Construct {
  private readonly tokens: ReadonlyMap<string, NodeTokens>;

  constructor(scope: Construct, id: string, props: ConsulAgentTokensProps) {
    super(scope, id);
    const nodes = [...props.appNodes, props.witness];
    this.tokens = new Map(
      nodes.map((node) => [
        node,
        {
          agent: this.token(node, "agent", consulAgentRules(node)),
          dns: this.token(node, "dns", dnsRules()),
          nomad: this.token(node, "nomad", nomadAgentRules(node, node !== props.witness)),
        },
      ]),
    );
  }

  /**
   * The tokens of a node.
   * @throws Error when there is no such node
   */
  tokensFor(node: string): NodeTokens {
    const tokens = this.tokens.get(node);
    if (!tokens) throw new Error(`there are no Consul tokens for node "${node}": its agents could not register; use one of ${[...this.tokens.keys()].join(", ")}`);
    return tokens;
  }

  private token(node: string, holder: keyof NodeTokens, rules: ConsulRules): string {
    const description = `${HOLDERS[holder]} on ${node}`;
    // Node names are unique in a Consul datacenter, so these names are too.
    const policy = new AclPolicy(this, `${node}-${holder}-policy`, { name: `${node}-${holder}`, description, rules: consulPolicyText(rules) });
    // A token that is replaced goes when the node has the new one: a plain replacement would leave its agents without in between.
    const token = new AclToken(this, `${node}-${holder}-token`, { description, policies: [policy.name], lifecycle: { createBeforeDestroy: true } });
    return new DataConsulAclTokenSecretId(this, `${node}-${holder}-secret`, { accessorId: token.accessorId }).secretId;
  }
}
