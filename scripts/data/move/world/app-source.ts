/** The app's Convex functions at the pinned revision: out of git's objects, so that nothing uncommitted is deployed. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { parseJson } from "../../../json";
import type { Environment } from "../../../../environments/schema";
import type { Variables } from "../../../doctor/credentials";
import type { AppSource } from "../world";

type Pinned = Environment["dataMove"]["app"];

const SETTINGS = "convex.json";
/** Where functions are when convex.json does not say it. */
const FUNCTIONS = "convex/";

export interface AppSourceOptions {
  /** A checkout to take it from instead. It must have the pinned commit; where the environment pins none, its own last commit is taken. */
  readonly checkout?: string;
  /** Where what was fetched is kept. */
  readonly cache: string;
  /** For git: its home, its agent. */
  readonly variables: Variables;
  readonly signal?: AbortSignal;
}

/** @throws Error when the checkout is none */
export async function appSource(pinned: Pinned, { checkout, cache, variables, signal }: AppSourceOptions): Promise<AppSource> {
  const git = gitIn(variables, signal);
  if (checkout !== undefined) return ofCheckout(pinned, resolve(checkout), git);
  return pinned.from === "folder" ? ofFolder(resolve(pinned.folder), pinned.folder) : ofRepository(pinned, cache, git);
}

type Git = (args: readonly string[]) => Promise<string>;

function gitIn(variables: Variables, signal: AbortSignal | undefined): Git {
  return async (args) => {
    try {
      // Nobody is there to be asked for a password.
      const { stdout } = await promisify(execFile)("git", [...args], { signal, maxBuffer: 2 ** 24, env: { ...variables, GIT_TERMINAL_PROMPT: "0" } as NodeJS.ProcessEnv });
      return stdout.trim();
    } catch (error) {
      const { code, stderr = "", message } = error as Error & { readonly code?: string | number; readonly stderr?: string };
      if (code === "ENOENT") throw new Error("there is no git program on this machine, by which the app's functions are taken at their revision; install it");
      throw new Error(`git ${args.find((arg) => !arg.startsWith("-") && !arg.includes("/")) ?? ""}: ${stderr.trim().split("\n").at(-1) || message}`);
    }
  };
}

async function ofCheckout(pinned: Pinned, folder: string, git: Git): Promise<AppSource> {
  const revision = pinned.from === "repository" ? pinned.revision : await git(["-C", folder, "rev-parse", "HEAD"]).catch((error: Error) => { throw new Error(`${folder} is no checkout of the app (${error.message}); name one by --app-source, or in GVFX_APP_SOURCE`); });
  return {
    name: `${revision} of ${folder}`,
    async check() {
      await git(["-C", folder, "cat-file", "-e", `${revision}^{commit}`]).catch((error: Error) => { throw new Error(`${folder} has not the commit ${revision} that the environment pins (dataMove.app.revision; ${error.message}); fetch it there: git -C ${folder} fetch origin ${revision}`); });
      const changed = await git(["-C", folder, "status", "--porcelain", "--", FUNCTIONS, SETTINGS]);
      if (changed !== "") throw new Error(`${folder} has changes in ${FUNCTIONS} or ${SETTINGS} that are not committed, and would not be deployed:\n${changed}\nCommit them and pin that commit, or discard them`);
      await functionsOf(git, folder, revision);
    },
    place: (to) => extract(git, folder, revision, to),
  };
}

function ofRepository({ repository, revision }: Extract<Pinned, { from: "repository" }>, cache: string, git: Git): AppSource {
  const ready = async (): Promise<void> => {
    if (!existsSync(join(cache, "HEAD"))) {
      await mkdir(cache, { recursive: true, mode: 0o700 });
      await git(["init", "--quiet", "--bare", cache]);
    }
    const has = (): Promise<boolean> => git(["-C", cache, "cat-file", "-e", `${revision}^{commit}`]).then(() => true, () => false);
    if (await has()) return;
    // Not every server gives a commit by its id: then all of its branches.
    await git(["-C", cache, "fetch", "--quiet", "--depth", "1", repository, revision]).catch(() => git(["-C", cache, "fetch", "--quiet", repository, "+refs/heads/*:refs/heads/*"]));
    if (!(await has())) throw new Error(`${repository} has no commit ${revision} on any branch (dataMove.app.revision); push it, or pin another`);
  };
  return {
    name: `${revision} of ${repository}`,
    async check() {
      await ready().catch((error: Error) => { throw new Error(`${error.message}. A checkout on this machine serves as well: --app-source FOLDER`); });
      await functionsOf(git, cache, revision);
    },
    place: async (to) => {
      await ready();
      await extract(git, cache, revision, to);
    },
  };
}

function ofFolder(folder: string, name: string): AppSource {
  return {
    name: `${name} of this repository`,
    async check() {
      if (!existsSync(join(folder, FUNCTIONS))) throw new Error(`${folder} has no folder ${FUNCTIONS} with Convex functions (dataMove.app.folder)`);
    },
    async place(to) {
      await rm(to, { recursive: true, force: true });
      await cp(folder, to, { recursive: true });
    },
  };
}

const settingsSchema = z.object({ functions: z.string().optional() });

/** Paths that a deploy reads. */
async function functionsOf(git: Git, repository: string, revision: string): Promise<string[]> {
  const at = (path: string): Promise<string> => git(["-C", repository, "ls-tree", "--name-only", revision, "--", path.replace(/\/$/, "")]);
  const settings = (await at(SETTINGS)) === "" ? undefined : parseJson(await git(["-C", repository, "show", `${revision}:${SETTINGS}`]));
  const functions = settings === undefined ? FUNCTIONS : (settingsSchema.parse(settings).functions ?? FUNCTIONS);
  if ((await at(functions)) === "") throw new Error(`the commit ${revision} has no folder ${functions} with Convex functions: it is of something else than the app`);
  return [functions, ...(settings === undefined ? [] : [SETTINGS])];
}

async function extract(git: Git, repository: string, revision: string, to: string): Promise<void> {
  const paths = await functionsOf(git, repository, revision);
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true, mode: 0o700 });
  const archive = join(to, "source.tar");
  await git(["-C", repository, "archive", "--format=tar", `--output=${resolve(archive)}`, revision, "--", ...paths]);
  await promisify(execFile)("tar", ["-xf", archive, "-C", to]);
  await rm(archive);
}
