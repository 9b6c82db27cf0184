/** Replaces ACL tokens that the stacks make: the next deploy's are others, and the old ones are void. */
import type { Deployer, StackId } from "../terraform/deployer";
import { mustBeDeployed } from "./shared-keys";

interface Holder {
  readonly stack: StackId;
  /** Construct paths of its tokens. */
  readonly paths: RegExp;
  /** Who has to be given the new one, and how; or that nobody has to. */
  readonly then: (deployer: Deployer) => string;
}

const given = (stack: StackId, output: string, who: string) => (deployer: Deployer): string => `${who}: ${deployer.commandIn(stack)} output -raw ${output}`;

export const HOLDERS = {
  deployer: { stack: "foundation", paths: /\/access\/token-deployer$/, then: given("foundation", "deployer-token", "NOMAD_TOKEN of whoever deploys data-plane and app, in HCP Terraform a variable of their workspaces") },
  operator: { stack: "foundation", paths: /\/access\/token-operator$/, then: given("foundation", "operator-token", "NOMAD_TOKEN of the operators") },
  reader: { stack: "foundation", paths: /\/access\/token-reader$/, then: given("foundation", "reader-token", "NOMAD_TOKEN of whoever looks and plans") },
  guardian: { stack: "foundation", paths: /\/access\/token-guardian$/, then: given("foundation", "guardian-token", "a guardian that runs outside the cluster; the job has an identity of its own") },
  "consul-agents": { stack: "foundation", paths: /\/consul-agents\/.+-token$/, then: () => "nobody has to be given them: every node has its new ones" },
  "cutover-operator": { stack: "cutover", paths: /\/operator\/.*token$/, then: (deployer) => `NOMAD_TOKEN and CONSUL_HTTP_TOKEN of whoever runs a cutover: ${deployer.commandIn("cutover")} output -raw operator-nomad-token, and operator-consul-token` },
  "legacy-lease": { stack: "cutover", paths: /\/legacy-lease\/.*token$/, then: given("cutover", "legacy-lease-token", "the legacy worker's settings (docs/legacy-lease.md)") },
} as const satisfies Readonly<Record<string, Holder>>;

export type HolderName = keyof typeof HOLDERS;
export const HOLDER_NAMES = Object.keys(HOLDERS) as readonly HolderName[];

export interface TokenOptions {
  readonly deployer: Deployer;
  readonly say: (line: string) => void;
  /** Called between two steps. @throws Error when it was interrupted */
  readonly checkpoint: () => void;
  /** Whether the worker's lease is held by legacy, with the token that would be void. */
  readonly legacyHolds: () => Promise<boolean>;
}

/**
 * Those of one stack in one deploy.
 * @throws Error when a stack has other changes, or a deploy fails
 */
export async function rotateTokens(names: readonly HolderName[], { deployer, say, checkpoint, legacyHolds }: TokenOptions): Promise<void> {
  if (names.includes("legacy-lease") && (await legacyHolds())) throw new Error("legacy's worker holds the lease with this very token: it would end within the lease's time, and nothing was done. Give the worker to Nomad first (gvfx lease give nomad), or stop it in a quiet moment");
  await deployer.synthesize();
  const holders = names.map((name) => ({ name, ...(HOLDERS[name] as Holder), addresses: deployer.addresses(HOLDERS[name].stack, HOLDERS[name].paths) }));
  const none = holders.filter(({ addresses }) => addresses.length === 0);
  if (none.length > 0) throw new Error(`no token of ${none.map(({ name }) => name).join(", ")} is made in this environment, and nothing was done${none.some(({ name }) => name === "legacy-lease") ? ": legacy is retired" : ""}`);
  const stacks = [...new Set(holders.map(({ stack }) => stack))];
  for (const stack of stacks) await mustBeDeployed(deployer, stack);
  for (const stack of stacks) {
    checkpoint();
    const own = holders.filter((holder) => holder.stack === stack);
    await deployer.apply(stack, { replace: own.flatMap(({ addresses }) => addresses) });
    for (const { name, addresses, then } of own) say(`${addresses.length === 1 ? "the token" : `${addresses.length} tokens`} of ${name} replaced, and the old void. ${then(deployer)}`);
  }
}

/** Gives every node another key and certificate, of the same authority. @throws Error when foundation has other changes, or the deploy fails */
export async function rotateCertificates({ deployer, say, checkpoint }: Pick<TokenOptions, "deployer" | "say" | "checkpoint">): Promise<void> {
  await deployer.synthesize();
  await mustBeDeployed(deployer, "foundation");
  checkpoint();
  const keys = deployer.addresses("foundation", /\/pki\/.+-key$/).filter((address) => !/\.pki_ca-key/.test(address));
  await deployer.apply("foundation", { replace: keys });
  say(`${keys.length} nodes have a new key and certificate, one after the other`);
}
