/** Where a stack keeps its state: in files, or in HCP Terraform with one workspace a stack. */
import { DataTerraformRemoteState, LocalBackend, TerraformBackend, type TerraformRemoteState, type TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { Environment } from "../../environments/schema";

/** cdktf runs Terraform in cdktf.out/stacks/<stack>: paths are relative to there, so that no machine's path is in the output. */
const FROM_STACK_FOLDER = "../../..";

export function configureBackend(stack: TerraformStack, backend: Environment["backend"]): void {
  const id = stack.node.id;
  if (backend.kind === "local") {
    const folder = backend.folder.startsWith("/") ? backend.folder : `${FROM_STACK_FOLDER}/${backend.folder}`;
    new LocalBackend(stack, { path: `${folder}/${id}.tfstate` });
    return;
  }
  new HcpBackend(stack, { hostname: backend.hostname, organization: backend.organization, project: backend.project, workspace: `${backend.workspacePrefix}-${id}` });
}

interface HcpBackendProps {
  readonly hostname: string;
  readonly organization: string;
  readonly project: string;
  /** By name, never by tags: only a named workspace's outputs can be read by the next stack. */
  readonly workspace: string;
}

/**
 * The `cloud` block. cdktf has a class for it, which runs `terraform version` when
 * it validates: synth would need Terraform, for a minimum (1.1) that is long past.
 */
class HcpBackend extends TerraformBackend {
  constructor(scope: Construct, private readonly hcp: HcpBackendProps) {
    super(scope, "backend", "cloud");
  }

  override toTerraform(): unknown {
    const { hostname, organization, project, workspace } = this.hcp;
    return { terraform: { cloud: { hostname, organization, workspaces: { name: workspace, project } } } };
  }

  override toMetadata(): unknown {
    // What cdktf-cli looks at to know that runs happen elsewhere; any other host is an Enterprise installation.
    return { ...(super.toMetadata() as object), cloud: this.hcp.hostname === "app.terraform.io" ? "tfc" : "tfe" };
  }

  override getRemoteStateDataSource(scope: Construct, name: string, _fromStack: string): TerraformRemoteState {
    const { hostname, organization, workspace } = this.hcp;
    return new DataTerraformRemoteState(scope, name, { hostname, organization, workspaces: { name: workspace } });
  }
}
