/** `gvfx rotate`: keys, certificates and tokens of the cluster, each by its name. */
import { readFileSync } from "node:fs";
import { Argument, Command } from "commander";
import { nextOf, SHARED_KEYS, stepOf, type SharedKey } from "../../contracts/rotation";
import type { Environment } from "../../environments/schema";
import { uninterrupted } from "../command-line";
import type { Variables } from "../doctor/credentials";
import { leaseAccess, leaseCommands } from "../lease/access";
import { assessLease } from "../lease/assess";
import { lookAtLease } from "../lease/look";
import { deployerOf, type Deployer } from "../terraform/deployer";
import { authorityIsStale, followAuthority, managementWorld, rotationFile, writeAuthority } from "./access";
import { rotateManagementToken, type ManagementWorld } from "./management-token";
import { nameOf, rotateSharedKeys, type RotationFile } from "./shared-keys";
import { HOLDER_NAMES, rotateCertificates, rotateTokens, type HolderName } from "./tokens";

const SHARED = Object.fromEntries(SHARED_KEYS.map((key) => [nameOf(key), key])) as Readonly<Record<string, SharedKey>>;
const WHAT = ["certificates", ...Object.keys(SHARED), "management-token", ...HOLDER_NAMES] as const;

export interface RotationSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard error */
  readonly say?: (text: string) => void;
  /** @default standard output */
  readonly write?: (text: string) => void;
  readonly deployer?: (env: Environment) => Deployer;
  readonly file?: (env: Environment) => RotationFile;
  readonly management?: (env: Environment, deployer: Deployer) => ManagementWorld;
  /** Keeps the authority's file to what is deployed. @returns whether it was another before */
  readonly followAuthority?: (env: Environment, deployer: Deployer) => Promise<boolean>;
  /** Whether the authority's file is in use, and is not what foundation has. */
  readonly authorityIsStale?: (env: Environment, deployer: Deployer) => Promise<boolean>;
  /** Whether legacy holds the worker's lease. */
  readonly legacyHolds?: (env: Environment) => Promise<boolean>;
}

interface Flags {
  readonly writeOnly: boolean;
  readonly confirm?: string;
}

export function rotateCommand(environment: () => Environment, surroundings: RotationSurroundings = {}): Command {
  const { variables = process.env, say = (text) => void process.stderr.write(`${text}\n`), write = (text) => void process.stdout.write(`${text}\n`), file = rotationFile } = surroundings;
  const deployerFor = surroundings.deployer ?? ((env: Environment) => deployerOf(env));
  const managementFor = surroundings.management ?? ((env: Environment, deployer: Deployer) => managementWorld(env, deployer, variables));
  const stale = surroundings.authorityIsStale ?? authorityIsStale;
  const follow = surroundings.followAuthority ?? followAuthority;
  const deployed = async (env: Environment, deployer: Deployer, tell: (line: string) => void): Promise<void> => {
    if (await follow(env, deployer)) tell(`${env.nomad.authorityFile}: written anew`);
  };
  const legacyHolds = surroundings.legacyHolds ?? (async (env: Environment) => assessLease(await lookAtLease(leaseAccess(env, variables, (path) => readFileSync(path, "utf8")).sources), leaseCommands(env)).holder?.side === "legacy");

  return new Command("rotate")
    .description("give the cluster other keys, certificates and tokens, one node at a time; without a name, say which are in use")
    .addArgument(new Argument("[what...]", "what to rotate").choices(WHAT))
    .option("--write-only", "authority and gossip-key: write the next of the three steps to the rotation file, and let a pull request deploy it", false)
    .option("--confirm <environment>", "name of the environment, outside of a lab: its agents are restarted, one after the other")
    .addHelpText("after", HELP)
    .action(async (what: readonly string[], { writeOnly, confirm }: Flags) => {
      const env = environment();
      const rotations = file(env);
      if (what.length === 0) return write(statusText(rotations));
      const shared = what.flatMap((name) => SHARED[name] ?? []);
      if (writeOnly && shared.length < what.length) throw new Error(`--write-only is of ${Object.keys(SHARED).join(" and ")}, which are rotated in steps; the others are rotated by one deploy, which this command does`);
      if (!env.lab && !writeOnly && confirm !== env.name) throw new Error(`this deploys to "${env.name}" and restarts its Nomad agents, one after the other; when that is meant, add --confirm ${env.name}. In the lab: GVFX_ENV=lab npm run gvfx -- rotate ${what.join(" ")}`);
      const deployer = deployerFor(env);
      await uninterrupted(say, "the same command goes on", async (checkpoint) => {
        if (shared.length > 0) {
          const keys = [...new Set(shared)];
          if (writeOnly && keys.includes("authority") && nextOf(rotations.read().authority).step === "use" && (await stale(env, deployer))) throw new Error(`${env.nomad.authorityFile} is not what foundation has: once the next authority is used, data-plane, app and cutover would not know Nomad by it, and nothing was written. Write it anew, and commit it with this step: npm run gvfx -- authority`);
          await rotateSharedKeys(keys, { deployer, file: rotations, say, checkpoint, writeOnly, deployed: () => deployed(env, deployer, say) });
          const files = `${rotations.path}${keys.includes("authority") ? `, and ${env.nomad.authorityFile} where it is in use` : ""}`;
          say(writeOnly ? `commit ${files}; deploy foundation; npm run gvfx -- authority, where its file is in use; and repeat this command` : `done; commit ${files}. Whoever has the authority in a file of their own (NOMAD_CACERT) takes it anew: ${deployer.commandIn("foundation")} output -raw nomad-ca`);
        }
        if (what.includes("certificates")) await rotateCertificates({ deployer, say, checkpoint });
        // Before the management token, which cutover's are replaced with.
        const holders = [...new Set(what)].filter(isHolder);
        if (holders.length > 0) await rotateTokens(holders, { deployer, say, checkpoint, legacyHolds: () => legacyHolds(env) });
        if (what.includes("management-token")) {
          await rotateManagementToken({ deployer, file: rotations, world: managementFor(env, deployer), say, checkpoint });
          say(`commit ${rotations.path}`);
        }
      });
    });
}

/** `gvfx authority`: for stacks that are planned by whoever may read no state of foundation. */
export function authorityCommand(environment: () => Environment, { write = (text: string) => void process.stdout.write(`${text}\n`), deployer: deployerFor = (env: Environment) => deployerOf(env) }: Pick<RotationSurroundings, "write" | "deployer"> = {}): Command {
  return new Command("authority")
    .description("write the authority of Nomad's certificates, which is public, to the environment's file: data-plane, app and cutover then read no state of foundation")
    .addHelpText("after", "\nAfter the first deploy of foundation; gvfx rotate authority keeps the file up to date. Reads foundation's outputs by Terraform.")
    .action(async () => {
      const env = environment();
      const changed = await writeAuthority(env, deployerFor(env));
      write(`${env.nomad.authorityFile}: ${changed ? "written; commit it" : "is what foundation has"}`);
    });
}

function isHolder(name: string): name is HolderName {
  return (HOLDER_NAMES as readonly string[]).includes(name);
}

function statusText(file: RotationFile): string {
  const rotation = file.read();
  return [
    ...SHARED_KEYS.map((key) => {
      const { accepted, used } = rotation[key];
      const step = stepOf(rotation[key]);
      return `${nameOf(key).padEnd(16)} generation ${used}${step === undefined ? "" : `, ${accepted.join(" and ")} are accepted: a rotation is under way (${step}); go on: gvfx rotate ${nameOf(key)}`}`;
    }),
    `${"management-token".padEnd(16)} generation ${rotation.managementToken}`,
    `written in ${file.path}; when certificates end: gvfx doctor`,
  ].join("\n");
}

const HELP = `
certificates      another key and certificate for every node; a deploy renews certificates by itself before they end
authority         the authority of Nomad's certificates: three deploys, in which both the old and the new one are accepted
gossip-key        the key of gossip among Nomad's servers, likewise; with "authority gossip-key" in the same three deploys
management-token  the secret that Nomad's ACLs were turned on with
consul-agents     the Consul tokens of every node's agents
deployer, operator, reader, guardian, cutover-operator, legacy-lease: the ACL tokens of these, which are void afterwards

Deploys foundation (or cutover) with Terraform, with the credentials that a deploy needs. A run that is broken off is
gone on with by the same command. Secrets that jobs read from Vault: gvfx secrets rotate.`;
