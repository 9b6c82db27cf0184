/** Doubles of Terraform over foundation and cutover, of Nomad's management tokens, and of the rotation file. */
import { FIRST_GENERATIONS, type Rotation } from "../../contracts/rotation";
import type { ManagementWorld } from "../../scripts/rotation/management-token";
import type { RotationFile } from "../../scripts/rotation/shared-keys";
import type { ApplyOptions } from "../../scripts/terraform/stack";
import type { Deployer, StackId } from "../../scripts/terraform/deployer";

export class FileDouble implements RotationFile {
  readonly path = "environments/example.rotation.json";
  rotation: Rotation = FIRST_GENERATIONS;
  read(): Rotation {
    return this.rotation;
  }
  write(rotation: Rotation): void {
    this.rotation = rotation;
  }
}

/** What Nomad has: its management tokens, and whether another may be made. */
export class NomadDouble implements ManagementWorld {
  readonly tokens = new Set<string>();
  opened = false;
  /** Nomad refuses to make one. */
  refuses = false;
  readonly said: string[] = [];
  async manages(token: string): Promise<boolean> {
    return this.tokens.has(token);
  }
  async resetIndex(): Promise<number> {
    return 17;
  }
  async open(index: number, token: string): Promise<void> {
    expect([index, this.tokens.has(token)]).toEqual([17, true]);
    this.opened = true;
    this.said.push("open");
  }
  async close(): Promise<void> {
    this.opened = false;
    this.said.push("close");
  }
  async removeOthers(token: string): Promise<number> {
    const others = [...this.tokens].filter((other) => other !== token);
    for (const other of others) this.tokens.delete(other);
    return others.length;
  }
}

/** Foundation as it is deployed: by which generations, and with which secret. */
export class DeployerDouble implements Deployer {
  readonly applies: { readonly stack: StackId; readonly rotation: Rotation; readonly options: ApplyOptions }[] = [];
  deployedRotation: Rotation;
  pending = false;
  /** The apply after so many fails, before it has done anything; or after its targets. */
  failAt: number | undefined;
  private synthesized: Rotation;
  /** Secrets in the state, by generation. */
  private secrets = new Set([1]);
  private output = "secret-1";

  constructor(private readonly file: FileDouble, private readonly nomad: NomadDouble) {
    this.deployedRotation = file.rotation;
    this.synthesized = file.rotation;
    nomad.tokens.add("secret-1");
  }

  async synthesize(): Promise<void> {
    this.synthesized = this.file.read();
  }
  async hasChanges(): Promise<boolean> {
    return this.pending || JSON.stringify(this.synthesized) !== JSON.stringify(this.deployedRotation);
  }
  async apply(stack: StackId, options: ApplyOptions = {}): Promise<void> {
    if (this.failAt === this.applies.length) {
      this.failAt = undefined;
      throw new Error("the deploy failed");
    }
    this.applies.push({ stack, rotation: this.synthesized, options });
    const { managementToken } = this.synthesized;
    if (!this.secrets.has(managementToken)) {
      // As Nomad does it: the provider's token must be known before all else is planned.
      if (!options.targets?.length) throw new Error("403: the provider has no token");
      this.secrets.add(managementToken);
    }
    if (options.targets?.length) {
      // The bytes are made, and then Nomad is asked to take them. The output follows what Nomad has taken.
      if (!this.nomad.opened || this.nomad.refuses) throw new Error("Nomad's ACLs were turned on before");
      this.nomad.tokens.add(`secret-${managementToken}`);
      this.output = `secret-${managementToken}`;
      return;
    }
    if (!this.nomad.tokens.has(`secret-${managementToken}`)) throw new Error("403: the provider's token is unknown");
    this.secrets = new Set([managementToken]);
    this.output = `secret-${managementToken}`;
    this.deployedRotation = this.synthesized;
  }
  addresses(stack: StackId, path: RegExp): readonly string[] {
    const { managementToken } = this.synthesized;
    const paths: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
      foundation: [
        ["foundation/pki/ca-key", "tls_private_key.pki_ca-key_1"],
        ["foundation/pki/server-1-key", "tls_private_key.pki_server-1-key_1"],
        ["foundation/pki/witness-key", "tls_private_key.pki_witness-key_1"],
        [`foundation/acl/secret${managementToken === 1 ? "" : `-${managementToken}`}`, `random_bytes.acl_secret_${managementToken}`],
        ["foundation/acl/bootstrap", "terraform_data.acl_bootstrap_1"],
        ["foundation/access/token-deployer", "nomad_acl_token.deployer"],
        ["foundation/consul-agents/server-1-agent-token", "consul_acl_token.one"],
        ["foundation/consul-agents/server-1-agent-policy", "consul_acl_policy.one"],
      ],
      cutover: [["cutover/operator/nomad-token", "nomad_acl_token.operator"], ["cutover/operator/consul-token", "consul_acl_token.operator"], ["cutover/legacy-lease/token", "consul_acl_token.legacy"]],
    };
    return (paths[stack] ?? []).flatMap(([at, address]) => (path.test(at) ? [address] : []));
  }
  async deployed(): Promise<readonly string[]> {
    return [...this.secrets].map((generation) => `random_bytes.acl_secret_${generation}`);
  }
  async outputs(): Promise<Readonly<Record<string, string>>> {
    return { "management-token": this.output, "nomad-ca": "PEM" };
  }
  commandIn(stack: StackId): string {
    return `terraform -chdir=cdktf.out/stacks/${stack}`;
  }
}
