/** `gvfx hcp`: HCP Terraform, or Terraform Enterprise, made ready for an environment. */
import { Command } from "commander";
import type { Environment } from "../../environments/schema";
import { UnexpectedAnswer } from "../clients/http";
import type { Variables } from "../doctor/credentials";
import { HcpClient } from "./client";
import { initializeHcp } from "./init";
import { wantedWorkspaces, type HcpBackend } from "./wanted";

export interface HcpSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** @default by TLS at the backend's host */
  readonly client?: (backend: HcpBackend, token: string) => HcpClient;
}

export function hcpCommand(environment: () => Environment, { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), client = (backend, token) => new HcpClient(`https://${backend.hostname}`, backend.organization, token) }: HcpSurroundings = {}): Command {
  const command = new Command("hcp").description("HCP Terraform, where an environment keeps its states there");
  command
    .command("init")
    .description("make project and workspaces, share states in the direction of the stacks, let applies of foundation and data-plane make runs, give variables")
    .requiredOption("--agent-pool <name>", "whose agents are on the tailnet")
    .option("--plan", "say what would be done, and do nothing", false)
    .addHelpText("after", "\nReads TFE_TOKEN: a token that may manage workspaces. Credentials of runs are taken from variables of this shell, for each\nworkspace HCP_<STACK>_<KEY>, for example HCP_APP_NOMAD_TOKEN; what is there is left as it is.\nExit status: 0 when all is there, 1 when variables are missing, 2 with --plan when something would be changed.")
    .action(async ({ agentPool, plan }: { readonly agentPool: string; readonly plan: boolean }) => {
      const env = environment();
      const { backend } = env;
      if (backend.kind !== "hcp") throw new Error(`"${env.name}" keeps its states in files; for HCP Terraform write backend: { kind: "hcp", hostname, organization, project, workspacePrefix } in its environment file`);
      const token = variables.TFE_TOKEN?.trim();
      if (!token) throw new Error(`TFE_TOKEN is not set: a token of ${backend.organization} at ${backend.hostname} that may manage workspaces (a team's, or a user's)`);
      const { changes, missing } = await initializeHcp({ client: client(backend, token), project: backend.project, agentPool, workspaces: wantedWorkspaces(env, backend), variables, dryRun: plan, say: write }).catch((error: unknown) => {
        if (error instanceof UnexpectedAnswer && [401, 403, 404].includes(error.status)) throw new Error(`${error.message}: TFE_TOKEN is not one of ${backend.organization}, or may not do this (it answers 404 to who may not see)`, { cause: error });
        throw error;
      });
      for (const { workspace, variable } of missing) write(`missing in ${workspace}: ${variable.key} (${variable.purpose}): set ${variable.from.join(" or ")}, and run this again`);
      write(changes === 0 ? "everything else is as it must be" : plan ? `${changes} changes would be made` : `${changes} changes made`);
      process.exitCode = plan && changes > 0 ? 2 : missing.length > 0 ? 1 : 0;
    });
  return command;
}
