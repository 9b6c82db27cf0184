/** Where a stack keeps its state: in files, or in HCP Terraform with one workspace a stack. */
import { CloudBackend, LocalBackend, NamedCloudWorkspace, type TerraformStack } from "cdktf";
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
  // By name, never by tags: only a named workspace's outputs can be read by the next stack.
  new CloudBackend(stack, { hostname: backend.hostname, organization: backend.organization, workspaces: new NamedCloudWorkspace(`${backend.workspacePrefix}-${id}`, backend.project) });
}
