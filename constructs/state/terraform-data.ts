/**
 * Terraform's built-in `terraform_data`. cdktf has a class for it, which runs
 * `terraform version` for each instance when it validates: synth would need Terraform,
 * and be slower for every one. The version that it asks for, 1.4, is below the oldest
 * that these stacks work with anyway.
 */
import { TerraformResource, type TerraformMetaArguments } from "cdktf";
import type { Construct } from "constructs";

export interface TerraformDataConfig extends TerraformMetaArguments {
  /** Kept in the state and given back as `output`. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Replaces the resource when it changes. */
  readonly triggersReplace?: Readonly<Record<string, unknown>>;
}

export class TerraformData extends TerraformResource {
  static readonly tfResourceType = "terraform_data";

  constructor(scope: Construct, id: string, private readonly config: TerraformDataConfig = {}) {
    super(scope, id, { ...config, terraformResourceType: TerraformData.tfResourceType, terraformGeneratorMetadata: { providerName: "terraform" } });
  }

  /** A token; known again at plan unless the resource is replaced. */
  get id(): string {
    return this.getStringAttribute("id");
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { input: this.config.input, triggers_replace: this.config.triggersReplace };
  }
}
