/** The tailnet's part of the platform: policy, tags of the nodes, DNS, and the witness's way in. */
import { TerraformLocal, Token, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { Acl } from "../../bindings/tailscale/acl";
import { DataTailscaleAcl } from "../../bindings/tailscale/data-tailscale-acl";
import { DataTailscaleDevice } from "../../bindings/tailscale/data-tailscale-device";
import { DeviceKey } from "../../bindings/tailscale/device-key";
import { DeviceTags } from "../../bindings/tailscale/device-tags";
import { DnsSplitNameservers } from "../../bindings/tailscale/dns-split-nameservers";
import { TailnetKey } from "../../bindings/tailscale/tailnet-key";
import { Duration } from "../../contracts/units";
import type { AppNode } from "../../environments/schema";
import { MERGE, mergeLocals } from "./merge";
import { appNodeTags, renderedPolicy, tailnetPolicy, witnessTags, type TailnetEnvironment, type TailnetPolicy } from "./policy";
import { policyErrors } from "./policy-errors";
import { TerraformData } from "../state/terraform-data";

/** The machine is made in the same apply and joins within minutes; an hour covers a slow one, and a key left over is worthless soon after. */
const WITNESS_KEY_LIFE = Duration.hours(1);

export interface TailnetProps {
  /** `hasTailnet` narrows an environment to one that has a tailnet. */
  readonly environment: TailnetEnvironment;
}

/** Expects the tailscale provider in its stack. */
export class Tailnet extends Construct {
  /** The merged policy. Whatever carries one of its tags, or needs one of its paths, depends on it. */
  readonly policy: ITerraformDependable;
  /** Key with which the witness joins, once. A token: the value exists at apply only, and in the state. */
  readonly witnessAuthKey: string;
  /** When the key was made, RFC 3339: a witness that joined earlier is not the one that was just made. */
  readonly witnessAuthKeyCreatedAt: string;

  constructor(scope: Construct, id: string, { environment }: TailnetProps) {
    super(scope, id);
    const rules = tailnetPolicy(environment);
    this.node.addValidation({ validate: () => policyErrors(rules) });

    const policy = this.mergedPolicy(environment, rules);
    for (const node of environment.nodes) this.tag(environment, node, rules, policy);

    // Tailscale asks these on port 53 only; each node's redirects it to its Consul agent.
    new DnsSplitNameservers(this, "consul-dns", { domain: environment.consul.domain, nameservers: environment.nodes.map((node) => node.tailnetAddress), dependsOn: [policy] });

    const key = new TailnetKey(this, "witness-key", {
      description: `${environment.name} witness`.slice(0, 50),
      reusable: false,
      // The witness is a voter: it stays known to the tailnet while it is off.
      ephemeral: false,
      preauthorized: true,
      tags: witnessTags(environment),
      expiry: WITNESS_KEY_LIFE.seconds,
      // A used key counts as invalid: made again, it would replace the witness that used it.
      recreateIfInvalid: "never",
      dependsOn: [policy],
    });
    this.policy = policy;
    this.witnessAuthKey = key.key;
    this.witnessAuthKeyCreatedAt = key.createdAt;
  }

  private mergedPolicy(environment: TailnetEnvironment, rules: TailnetPolicy): Acl {
    const live = new DataTailscaleAcl(this, "live-policy");
    const source = `data.tailscale_acl.${live.friendlyUniqueId}`;
    const addresses = [...environment.nodes.map((node) => node.tailnetAddress), ...(environment.witness.tailnetAddress ? [environment.witness.tailnetAddress] : [])];
    const locals = mergeLocals({ json: `${source}.json`, hujson: `${source}.hujson`, policy: renderedPolicy(rules), ownedTags: rules.ownedTags, peerTags: [environment.tailnet.consulTag, environment.tailnet.vaultTag], nodeAddresses: addresses });
    for (const [name, value] of Object.entries(locals)) {
      const logicalId = MERGE[name as keyof typeof MERGE];
      new TerraformLocal(this, logicalId, value).overrideLogicalId(logicalId);
    }

    // The way back, should the operator ever want the policy as it was before the first deploy.
    const found = new TerraformData(this, "policy-as-found", { input: { hujson: live.hujson }, lifecycle: { ignoreChanges: ["input"] } });

    return new Acl(this, "policy", {
      acl: `\${local.${MERGE.policy}}`,
      // Merged above, so that nothing of the operator's is overwritten.
      overwriteExistingContent: true,
      // The reset would be to allow-all.
      resetAclOnDestroy: false,
      dependsOn: [found],
      lifecycle: {
        precondition: [
          { condition: `\${can(local.${MERGE.sections}.acls) || can(local.${MERGE.sections}.grants)}`, errorMessage: IMPLICIT_ALLOW_ALL },
          { condition: `\${length(local.${MERGE.wideRules}) == 0}`, errorMessage: WIDE_RULES },
        ],
      },
    });
  }

  private tag(environment: TailnetEnvironment, node: AppNode, rules: TailnetPolicy, policy: Acl): void {
    // Read at plan: a data source that waited for the policy would make the device unknown, and its tags be taken off and put on again.
    const device = new DataTailscaleDevice(this, `device-${node.name}`, {
      name: node.tailnetName,
      lifecycle: {
        postcondition: [{
          condition: `\${contains(self.addresses, "${node.tailnetAddress}")}`,
          errorMessage: `${node.tailnetName} is not ${node.tailnetAddress} on the tailnet but \${join(" and ", self.addresses)}. Certificates, DNS and the agents' addresses would name a machine that is not ${node.name}. Correct nodes[].tailnetAddress or nodes[].tailnetName of the environment.`,
        }],
      },
    });
    const owned = JSON.stringify(rules.ownedTags);
    const tags = new DeviceTags(this, `tags-${node.name}`, {
      deviceId: device.nodeId,
      // Tags that others put on the device stay, and with them whatever others grant to those.
      tags: Token.asList(`\${concat([for tag in data.tailscale_device.${device.friendlyUniqueId}.tags : tag if !contains(${owned}, tag)], ${JSON.stringify(appNodeTags(environment, node))})}`),
      dependsOn: [policy],
    });
    // Only a device that joins by a tagged key is spared key expiry; a node that was there before would drop out of the cluster when its key ends.
    new DeviceKey(this, `key-${node.name}`, { deviceId: device.nodeId, keyExpiryDisabled: true, dependsOn: [tags] });
  }
}

const IMPLICIT_ALLOW_ALL = [
  "The tailnet's policy has neither a \"grants\" nor an \"acls\" section, which to Tailscale means that every device may reach every other.",
  "With the platform's grants in it that would end, and with it every connection that others rely on.",
  "In the admin console (Access controls), write down what those others need as grants; if it is nothing, add \"grants\": []. Then deploy again.",
].join(" ");

const WIDE_RULES = [
  "The tailnet's policy has rules, outside the platform's own, that open its nodes:",
  `\${join(" ", local.${MERGE.wideRules})}`,
  "Rules only ever add up: with these, Postgres, Convex, Nomad and SSH are open to whoever they name, whatever the platform's grants say.",
  "In the admin console (Access controls), narrow each to the groups, tags or addresses that it is meant for, or move what it grants about the platform's tags into the environment. Then deploy again.",
  'For the default rule from "*" to "*", that is often {"src": ["autogroup:member"], "dst": ["autogroup:self"], "ip": ["*"]} and one grant for each machine that is shared.',
].join("\n");
