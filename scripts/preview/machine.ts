/** What this machine has and lacks for more than a preview. Nothing is read but whether it is there. */
import { execFile } from "node:child_process";
import type { Environment } from "../../environments/schema";
import { counted } from "./words";

export interface MachineCheck {
  readonly name: string;
  readonly present: boolean;
  /** What was found, or what it is needed for and how to get it. */
  readonly detail: string;
}

export interface MachineReport {
  readonly checks: readonly MachineCheck[];
  readonly next: { readonly command: string; readonly why: string };
}

/** Write-only arguments, by which secrets stay out of the state, came with 1.11. */
export const LEAST_TERRAFORM = [1, 11] as const;

/** A program that does not answer by then is as good as missing to somebody who waits for a preview. */
const ANSWER_WITHIN_MS = 1_500;

export interface ProgramAnswer {
  readonly stdout: string;
  /** Why there is none: not installed, no answer in time, or what it said. */
  readonly failure: string | undefined;
}

/** Runs a program; a double in tests. */
export type RunProgram = (program: string, args: readonly string[]) => Promise<ProgramAnswer>;

/**
 * @param variables environment variables; only whether one is set is looked at
 * @param run how programs are asked. @default starts them
 */
export async function machineReport(env: Environment, variables: Readonly<Record<string, string | undefined>>, run: RunProgram = programsWith(variables)): Promise<MachineReport> {
  const [terraform, docker, ssh] = await Promise.all([terraformCheck(run), dockerCheck(run), sshCheck(variables, run)]);
  const credentials = [ssh, ...credentialsOf(env).map((credential) => credentialCheck(credential, variables))];
  const checks = [terraform, docker, ...credentials];
  return { checks, next: nextStep(terraform, credentials) };
}

async function terraformCheck(run: RunProgram): Promise<MachineCheck> {
  const name = "Terraform";
  const need = `${LEAST_TERRAFORM.join(".")} or later is needed to diff and deploy: https://developer.hashicorp.com/terraform/install`;
  const { stdout, failure } = await run("terraform", ["version", "-json"]);
  if (failure) return { name, present: false, detail: `${failure}; ${need}` };
  const version = /"terraform_version":\s*"([^"]+)"/.exec(stdout)?.[1] ?? "";
  const [major, minor] = version.split(".").map(Number);
  const enough = major > LEAST_TERRAFORM[0] || (major === LEAST_TERRAFORM[0] && minor >= LEAST_TERRAFORM[1]);
  return enough ? { name, present: true, detail: version } : { name, present: false, detail: `${version || "no version"} is installed; ${need}` };
}

async function dockerCheck(run: RunProgram): Promise<MachineCheck> {
  const name = "Docker engine";
  const { stdout, failure } = await run("docker", ["version", "--format", "{{.Server.Version}}"]);
  if (failure) return { name, present: false, detail: `${failure}; runs the lab (npm run lab) and builds images; no other deploy needs it: install Docker or start its engine` };
  return { name, present: true, detail: stdout.trim() };
}

async function sshCheck(variables: Readonly<Record<string, string | undefined>>, run: RunProgram): Promise<MachineCheck> {
  const name = "SSH agent";
  const purpose = "foundation delivers node bundles over SSH";
  if (!variables.SSH_AUTH_SOCK) return { name, present: false, detail: `${purpose}: eval $(ssh-agent) && ssh-add` };
  const { stdout, failure } = await run("ssh-add", ["-l"]);
  return failure ? { name, present: false, detail: `${purpose}, and the agent offers no key: ssh-add` } : { name, present: true, detail: counted(stdout.trim().split("\n").length, "key") };
}

interface Credential {
  /** Any one of these sets of variables. */
  readonly anyOf: readonly (readonly string[])[];
  readonly purpose: string;
}

/** Credentials that a deploy of this environment reads, in the order of the stacks. */
function credentialsOf(env: Environment): Credential[] {
  return [
    ...(env.vultr.enabled ? [{ anyOf: [["VULTR_API_KEY"]], purpose: `foundation makes ${env.witness.name} at Vultr` }] : []),
    ...(env.tailnet.enabled ? [{ anyOf: [["TAILSCALE_OAUTH_CLIENT_ID", "TAILSCALE_OAUTH_CLIENT_SECRET"], ["TAILSCALE_API_KEY"]], purpose: "foundation writes the tailnet policy, tags nodes and makes the witness's key" }] : []),
    { anyOf: [["CONSUL_HTTP_TOKEN"]], purpose: "foundation and cutover write Consul roles, policies and keys" },
    { anyOf: [["VAULT_TOKEN"]], purpose: "foundation writes Vault's auth method, roles and policies" },
    { anyOf: [["NOMAD_TOKEN"]], purpose: "foundation makes them: deployer-token for data-plane and app, management-token for cutover, which writes ACL policies" },
    ...(env.consul.address.startsWith("https:") ? [{ anyOf: [["CONSUL_CACERT"]], purpose: "file with the authority of Consul's certificate, where the system does not know it" }] : []),
    ...(env.vault.address.startsWith("https:") ? [{ anyOf: [["VAULT_CACERT"]], purpose: "file with the authority of Vault's certificate, where the system does not know it" }] : []),
    ...(env.backend.kind === "hcp" ? [{ anyOf: [[`TF_TOKEN_${env.backend.hostname.replace(/-/g, "__").replace(/\./g, "_")}`]], purpose: "every stack's state is in HCP Terraform" }] : []),
  ];
}

function credentialCheck({ anyOf, purpose }: Credential, variables: Readonly<Record<string, string | undefined>>): MachineCheck {
  const set = anyOf.find((names) => names.every((name) => variables[name]));
  if (set) return { name: set.join(" and "), present: true, detail: "set" };
  return { name: anyOf.map((names) => names.join(" and ")).join(", or "), present: false, detail: purpose };
}

function nextStep(terraform: MachineCheck, credentials: readonly MachineCheck[]): MachineReport["next"] {
  // NOMAD_TOKEN is what foundation makes: nobody has it before. An authority may be one that the system knows.
  const missing = [terraform, ...credentials].filter((check) => !check.present && check.name !== "NOMAD_TOKEN" && !check.name.endsWith("_CACERT"));
  if (missing.length > 0) return { command: "npm run gvfx -- doctor", why: "asks nodes, Consul, Vault, the registry and the tailnet what a deploy would find, and says how to mend it; changes nothing" };
  return { command: "npx cdktf diff foundation", why: "shows what the first stack would create; before its deploy: npm run gvfx -- doctor" };
}

/** Terraform would ask its maker for a newer version first: a preview speaks to nobody. */
function programsWith(variables: Readonly<Record<string, string | undefined>>): RunProgram {
  return (program, args) =>
    new Promise((resolve) => {
      execFile(program, args, { timeout: ANSWER_WITHIN_MS, windowsHide: true, env: { ...variables, CHECKPOINT_DISABLE: "1" } }, (error, stdout) => {
        if (!error) return resolve({ stdout, failure: undefined });
        resolve({ stdout, failure: error.code === "ENOENT" ? "not installed" : error.killed ? `no answer within ${ANSWER_WITHIN_MS / 1_000} s` : "installed, but does not answer" });
      });
    });
}
