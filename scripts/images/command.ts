/** `gvfx images`: built from a commit, pushed once, and pinned by what the registry then has. */
import { readFileSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Command, Option } from "commander";
import { IMAGE_ROLES, type ImageRole, type LockedImage } from "../../contracts/images";
import type { Environment } from "../../environments/schema";
import { RegistryClient } from "../clients/registry";
import { readCredentials, type Variables } from "../doctor/credentials";
import { Engine } from "../lab/engine";
import { run } from "../lab/run";
import { lockFileOf, updateLock } from "./lock";
import { pushImage, type PushOptions } from "./push";
import { homeOf } from "./reference";
import { revisionTag } from "./revision";

/** The app's own: role, and the name that images/build.mjs builds it under. */
const APP: Readonly<Record<"backend" | "frontend" | "rlService", string>> = { backend: "backend", frontend: "frontend", rlService: "rl-service" };
type AppRole = keyof typeof APP;
const APP_ROLES = Object.keys(APP) as AppRole[];

export interface ImagesSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** @default standard error */
  readonly complain?: (text: string) => void;
  /** @default this machine's */
  readonly engine?: PushOptions["engine"];
  /** @default by TLS, with the operator's credentials for the environment's own registry */
  readonly registry?: (env: Environment, host: string) => ReturnType<PushOptions["registry"]>;
  /** @default images/build.mjs */
  readonly build?: (args: readonly string[]) => Promise<unknown>;
  /** @default the commit of the folder */
  readonly tagOf?: typeof revisionTag;
  readonly now?: () => Date;
  readonly wait?: (ms: number) => Promise<void>;
}

interface SourceFlags {
  readonly source?: string;
  readonly only?: readonly AppRole[];
  readonly allowDirty: boolean;
}

export function imagesCommand(environment: () => Environment, surroundings: ImagesSurroundings = {}): Command {
  const { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`), engine = new Engine(), tagOf = revisionTag, now = () => new Date(), wait = async (ms) => void (await pause(ms)) } = surroundings;
  const registryOf = surroundings.registry ?? ((env: Environment, host: string) => operatorRegistry(env, host, variables));
  const build = surroundings.build ?? ((args: readonly string[]) => run(process.execPath, ["images/build.mjs", ...args], { onLine: complain }));
  const push = (env: Environment): PushOptions => ({ engine, registry: (host) => registryOf(env, host), say: complain, wait });

  const command = new Command("images").description("the app's images from a commit to the registry, and the digests that a deploy takes");
  const sourced = (of: Command): Command =>
    of
      .requiredOption("--source <checkout>", "the app's checkout; its commit is the tag")
      .addOption(new Option("--only <role...>", "some of them").choices(APP_ROLES))
      .option("--allow-dirty", "take a checkout with changes, under a tag that says so", false);

  /** Writes what was found, and says what a deploy would change. */
  const pin = (env: Environment, entries: ReadonlyMap<ImageRole, LockedImage>): void => {
    const file = lockFileOf(env);
    const changed = updateLock(file, entries);
    for (const [role, { digest, source }] of entries) write(`${role}  ${env.images[role]}@${digest}  (${source})${changed.includes(role) ? "" : ", as before"}`);
    write(changed.length === 0 ? `${file} says so already` : `${file} has changed: review it, commit it, and see what a deploy does: gvfx diff`);
  };

  sourced(command.command("build"))
    .description("build the app's images from a checkout, tagged by its commit")
    .option("--ca-file <file>", "authorities to trust while packages are downloaded, where a proxy signs TLS anew")
    .option("--build-arg <KEY=value...>", "another base, UV_SYNC_ARGS, UV_VERSION")
    .action(async ({ source, only = APP_ROLES, allowDirty, caFile, buildArg = [] }: SourceFlags & { readonly caFile?: string; readonly buildArg?: readonly string[] }) => {
      const env = environment();
      const folder = absolute(source!);
      const tag = tagOf(folder, { allowDirty, now: now() });
      await build(["--source", folder, "--tag", tag, "--only", only.map((role) => APP[role]).join(","), "--catalog", JSON.stringify({ gold: env.markets.gold, crypto: env.markets.crypto }), ...(caFile === undefined ? [] : ["--ca-file", caFile]), ...buildArg.flatMap((given) => ["--build-arg", given])]);
      for (const role of only) {
        const { status, complaint } = await engine.call(["tag", `tv-goldviewfx-${APP[role]}:${tag}`, `${env.images[role]}:${tag}`]);
        if (status !== 0) throw new Error(`what was built of ${role} is not in the engine: ${complaint.trim()}`);
        write(`${env.images[role]}:${tag}`);
      }
    });

  sourced(command.command("push"))
    .description("push what was built, see that the registry has it, and pin it in the lock file")
    .addHelpText("after", "\nA tag that the registry has is never moved to another image. A push that breaks is tried again.\nThe engine logs in by `docker login`; what is there is asked with REGISTRY_USERNAME, REGISTRY_PASSWORD, REGISTRY_CACERT.\nNothing is pinned unless all are pushed.")
    .action(async ({ source, only = APP_ROLES, allowDirty }: SourceFlags) => {
      const env = environment();
      const tag = tagOf(absolute(source!), { allowDirty, now: now() });
      const entries = new Map<ImageRole, LockedImage>();
      for (const role of only) entries.set(role, await pushImage(`${env.images[role]}:${tag}`, push(env)));
      pin(env, entries);
    });

  command
    .command("resolve")
    .description("pin what a tag is in the registry now")
    .argument("<role=tag...>", `for example postgres=17-bookworm; roles: ${IMAGE_ROLES.join(", ")}`)
    .action(async (given: readonly string[]) => {
      const env = environment();
      const wanted = given.map((text) => wantedOf(text));
      const found = await Promise.all(
        wanted.map(async ({ role, tag }) => {
          const { host, repository } = homeOf(env.images[role]);
          return { role, tag, digest: await registryOf(env, host).digest(repository, tag) };
        }),
      );
      const missing = found.filter(({ digest }) => digest === undefined);
      if (missing.length > 0) throw new Error(`not in the registry, and nothing was pinned: ${missing.map(({ role, tag }) => `${env.images[role]}:${tag}`).join(", ")}`);
      pin(env, new Map(found.map(({ role, tag, digest }) => [role, { digest: digest!, source: tag }])));
    });

  command
    .command("mirror")
    .description("copy an image of somebody else's by its digest to where the environment says it is, and pin it")
    .addOption(new Option("--role <role>", "which image").choices(IMAGE_ROLES).makeOptionMandatory())
    .requiredOption("--from <image@digest>", "for example ghcr.io/get-convex/convex-backend@sha256:…")
    .addHelpText("after", "\nSet images.<role> of the environment to a repository of your registry first. An engine copies this machine's platform alone:\nof an image for several, the copy has a digest of its own, which is pinned.")
    .action(async ({ role, from }: { readonly role: ImageRole; readonly from: string }) => {
      const env = environment();
      const [, origin, digest] = /^(.+)@(sha256:[0-9a-f]{64})$/.exec(from) ?? [];
      if (!origin) throw new Error(`"${from}" names no digest: a tag may be another image tomorrow; write for example postgres@sha256:… (gvfx images resolve says it)`);
      const target = env.images[role];
      if (origin === target) throw new Error(`${target} is where it comes from, too; set images.${role} of the environment to a repository of your own registry (${env.images.registry.host}) first`);
      const reference = `${target}:${digest.slice("sha256:".length, "sha256:".length + 12)}`;
      for (const args of [["pull", from], ["tag", from, reference]]) {
        const { status, complaint } = await engine.call(args);
        if (status !== 0) throw new Error(`docker ${args[0]} of ${from} failed: ${complaint.trim().split("\n").at(-1)}`);
      }
      const pushed = await pushImage(reference, push(env));
      pin(env, new Map([[role, { digest: pushed.digest, source: `copy of ${from}` }]]));
    });
  return command;
}

function wantedOf(text: string): { readonly role: ImageRole; readonly tag: string } {
  const [role, tag, ...rest] = text.split("=");
  if (!tag || rest.length > 0) throw new Error(`"${text}" is no role with a tag; write for example postgres=17-bookworm`);
  if (!(IMAGE_ROLES as readonly string[]).includes(role)) throw new Error(`${role} is no image of the platform; roles: ${IMAGE_ROLES.join(", ")}`);
  return { role: role as ImageRole, tag };
}

/** A password goes to the registry that it is for, and to no other. */
function operatorRegistry(env: Environment, host: string, variables: Variables): RegistryClient {
  const own = host === env.images.registry.host;
  const { registry, registryCa } = readCredentials(variables, (path) => readFileSync(path, "utf8"));
  return new RegistryClient(host, own && registryCa !== undefined ? { ca: registryCa } : {}, own ? registry : undefined);
}
