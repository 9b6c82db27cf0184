/** The third voter: a small machine at Vultr that only the tailnet reaches. */
import { PrivateKey } from "@cdktf/provider-tls/lib/private-key";
import { Fn, Token, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { DataVultrFirewallGroup } from "../../bindings/vultr/data-vultr-firewall-group";
import { DataVultrOs } from "../../bindings/vultr/data-vultr-os";
import { FirewallGroup } from "../../bindings/vultr/firewall-group";
import { FirewallRule } from "../../bindings/vultr/firewall-rule";
import { Instance } from "../../bindings/vultr/instance";
import type { Environment } from "../../environments/schema";
import { assertPlain } from "./bundle";
import { cloudInit, TAILSCALE_PORT } from "./cloud-init";

export interface WitnessProps {
  readonly env: Environment;
  /** Single-use, preauthorized key with which the machine joins the tailnet; its tags become the machine's. */
  readonly tailnetAuthKey: string;
  /** What the machine needs before it can join: the tailnet's policy. @default none */
  readonly dependsOn?: ITerraformDependable[];
}

export class Witness extends Construct {
  readonly instance: Instance;
  /** Public SSH host key; known before the machine is made. */
  readonly hostKey: string;

  /** @throws Error when the environment does not ask Vultr for the machine */
  constructor(scope: Construct, id: string, { env, tailnetAuthKey, dependsOn }: WitnessProps) {
    super(scope, id);
    const { vultr, witness } = env;
    if (!vultr.enabled) throw new Error(`the environment "${env.name}" has vultr.enabled = false (${vultr.reason}); do not make a Witness, the machine exists already`);
    const description = `${env.name} witness`;

    const hostKey = new PrivateKey(this, "host-key", { algorithm: "ED25519" });
    this.hostKey = Fn.trimspace(hostKey.publicKeyOpenssh);

    const firewall = new FirewallGroup(this, "firewall", { description });
    // Vultr drops what no rule admits. No TCP at all: SSH and Nomad are reached over the tailnet.
    const rules = [["v4", "0.0.0.0"], ["v6", "::"]].map(([ipType, subnet]) =>
      new FirewallRule(this, `tailscale-${ipType}`, {
        firewallGroupId: firewall.id,
        protocol: "udp",
        ipType,
        subnet,
        subnetSize: 0,
        port: `${TAILSCALE_PORT}`,
        notes: "Tailscale between peers; without it they meet at a relay, which is slower",
      }),
    );
    // A rule that somebody adds by hand is in no state, so that no plan would show it: they are counted.
    new DataVultrFirewallGroup(this, "admitted", {
      filter: [{ name: "id", values: [firewall.id] }],
      dependsOn: rules,
      lifecycle: {
        postcondition: [{
          condition: `\${self.rule_count <= ${rules.length}}`,
          errorMessage: `Vultr's firewall group "${description}" has \${self.rule_count} rules, of which the platform made ${rules.length}: whatever the others admit reaches ${witness.name} from the internet, which must be reached over the tailnet alone. Remove them in Vultr's console (Network, Firewall), then deploy again.`,
        }],
      },
    });

    const os = new DataVultrOs(this, "os", { filter: [{ name: "name", values: [vultr.os] }] });
    const userData = cloudInit({
      hostname: witness.name,
      user: witness.ssh.user,
      sshPort: witness.ssh.port,
      authorizedKeys: vultr.sshAuthorizedKeys,
      versions: env.versions,
      hostPrivateKeyJson: Fn.jsonencode(hostKey.privateKeyOpenssh),
      hostPublicKeyJson: Fn.jsonencode(this.hostKey),
      tailnetAuthKeyJson: Fn.jsonencode(tailnetAuthKey),
    });
    assertPlain("the witness's user data", userData);

    this.instance = new Instance(this, "instance", {
      plan: vultr.plan,
      region: vultr.region,
      osId: Token.asNumber(os.id),
      hostname: witness.name,
      label: witness.name,
      tags: [env.name, "gvfx", "nomad-witness"],
      firewallGroupId: firewall.id,
      userData,
      enableIpv6: true,
      activationEmail: false,
      // It holds nothing that the other two servers do not hold too; a lost one is made anew.
      backups: "disabled",
      dependsOn,
      lifecycle: {
        preventDestroy: env.protect,
        // First boot only. Vultr replaces the machine when user data changes, and every new auth key or version would change it; what changes later comes with the bundle.
        ignoreChanges: ["user_data"],
      },
    });
  }
}
