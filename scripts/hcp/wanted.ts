/** What HCP Terraform must have for an environment. Pure. */
import { existsSync } from "node:fs";
import { STACK_IDS } from "../../contracts/stacks";
import type { Environment } from "../../environments/schema";

export type StackId = (typeof STACK_IDS)[number];
export type HcpBackend = Extract<Environment["backend"], { kind: "hcp" }>;

/** A run that somebody confirms, on an agent that is on the tailnet. */
export const SETTINGS = {
  "execution-mode": "agent",
  "auto-apply": false,
  "auto-apply-run-trigger": false,
  "global-remote-state": false,
  "queue-all-runs": false,
  "file-triggers-enabled": false,
  "speculative-enabled": true,
  "terraform-version": "~> 1.11.0",
} as const;

/** Stacks that read another one's outputs: the authority of Nomad's certificates, unless the environment's file has it. */
const READERS: Readonly<Record<StackId, readonly StackId[]>> = { foundation: ["data-plane", "app", "cutover"], "data-plane": [], app: [], cutover: [] };

/** Whose apply makes a run of it, which then waits to be confirmed. Nothing leads to cutover: its runs are a person's. */
const TRIGGERED_BY: Readonly<Record<StackId, readonly StackId[]>> = { foundation: [], "data-plane": ["foundation"], app: ["data-plane"], cutover: [] };

export interface WantedVariable {
  readonly key: string;
  readonly purpose: string;
  /** Variables of the operator's shell from which it may be taken, the first that is set. */
  readonly from: readonly string[];
}

export interface WantedWorkspace {
  readonly stack: StackId;
  readonly name: string;
  /** Names of workspaces that may read its state. */
  readonly readers: readonly string[];
  /** Names of workspaces whose apply makes a run of it. */
  readonly triggeredBy: readonly string[];
  readonly variables: readonly WantedVariable[];
}

/**
 * Workspaces in the order of the stacks' dependencies.
 * @param authorityKnown whether the environment's file has the authority, so that no stack reads another one's state
 */
export function wantedWorkspaces(env: Environment, { workspacePrefix }: Pick<HcpBackend, "workspacePrefix">, authorityKnown = existsSync(env.nomad.authorityFile)): WantedWorkspace[] {
  const nameOf = (stack: StackId): string => `${workspacePrefix}-${stack}`;
  return STACK_IDS.map((stack) => ({ stack, name: nameOf(stack), readers: (authorityKnown ? [] : READERS[stack]).map(nameOf), triggeredBy: TRIGGERED_BY[stack].map(nameOf), variables: variablesOf(env, stack) }));
}

/** Credentials that a stack's providers read from the environment of a run. Each workspace has its own: a run of app cannot do what one of foundation can. */
function variablesOf(env: Environment, stack: StackId): WantedVariable[] {
  const one = (key: string, purpose: string): WantedVariable => ({ key, purpose, from: [`HCP_${stack.toUpperCase().replace("-", "_")}_${key}`, ...(key === "NOMAD_TOKEN" ? [] : [key])] });
  const consul = env.consul.aclsEnabled ? [one("CONSUL_HTTP_TOKEN", stack === "foundation" ? "writes ACL objects" : "writes the switches and ACL objects")] : [];
  switch (stack) {
    case "foundation":
      return [
        ...(env.vultr.enabled ? [one("VULTR_API_KEY", "makes the witness")] : []),
        ...(env.tailnet.enabled ? [one("TAILSCALE_OAUTH_CLIENT_ID", "writes the tailnet policy"), one("TAILSCALE_OAUTH_CLIENT_SECRET", "writes the tailnet policy")] : []),
        one("VAULT_TOKEN", "writes mounts, roles and policies"),
        ...consul,
      ];
    case "data-plane":
    case "app":
      return [one("NOMAD_TOKEN", "foundation's deployer-token")];
    case "cutover":
      return [one("NOMAD_TOKEN", "foundation's management-token: cutover writes ACL objects"), ...consul];
  }
}
