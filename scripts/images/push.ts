/** Images go to a registry: a tag is never moved to another image, a broken push is tried again, and what the registry then has is asked of it. */
import type { LockedImage } from "../../contracts/images";
import type { RegistryClient } from "../clients/registry";
import type { Engine } from "../lab/engine";
import { homeOf } from "./reference";

export interface PushOptions {
  readonly engine: Pick<Engine, "call">;
  readonly registry: (host: string) => Pick<RegistryClient, "digest">;
  readonly say: (line: string) => void;
  readonly wait: (ms: number) => Promise<void>;
}

/** A connection that breaks, a registry that restarts. */
const TRIES = 4;
const FIRST_PAUSE_MS = 2_000;

/** Repository of a reference with a tag, and the tag. */
function split(reference: string): readonly [repository: string, tag: string] {
  const at = reference.lastIndexOf(":");
  return [reference.slice(0, at), reference.slice(at + 1)];
}

/**
 * Pushes an image of this machine's engine under a tag that is new, or that it has already.
 * @param reference repository with a tag, as the engine knows it
 * @returns for the lock file
 * @throws Error when the tag is another image's, the push fails, or the registry then has another one
 */
export async function pushImage(reference: string, { engine, registry, say, wait }: PushOptions): Promise<LockedImage> {
  const [repository, tag] = split(reference);
  const home = homeOf(repository);
  const client = registry(home.host);
  const own = await repoDigests(engine, reference, repository);
  if (own === undefined) throw new Error(`${reference} is not in this machine's engine; build it first: gvfx images build`);
  const there = await client.digest(home.repository, tag);
  if (there !== undefined) {
    if (own.includes(there)) {
      say(`${reference}: there already`);
      return { digest: there, source: tag };
    }
    throw new Error(`${reference} is in the registry as ${there.slice(0, 19)}…, and is another image here: a tag is never moved, since what runs under it would change unseen. Build from a commit of its own, or take what is there: gvfx images resolve`);
  }
  const pushed = await pushed4times(reference, { engine, say, wait });
  const digest = await client.digest(home.repository, tag);
  if (digest !== pushed) throw new Error(`the registry has ${digest === undefined ? "nothing" : `${digest.slice(0, 19)}…`} as ${reference}, and ${pushed.slice(0, 19)}… was pushed: somebody else pushed the same tag meanwhile, or the registry lost it; nothing was written to the lock file`);
  return { digest, source: tag };
}

/** Digests that the engine has seen of an image in a repository; undefined when it has no such image. */
async function repoDigests(engine: PushOptions["engine"], reference: string, repository: string): Promise<readonly string[] | undefined> {
  const { status, output } = await engine.call(["image", "inspect", "--format", "{{json .RepoDigests}}", reference]);
  if (status !== 0) return undefined;
  return ((JSON.parse(output.trim()) as string[] | null) ?? []).flatMap((name) => (name.startsWith(`${repository}@`) ? [name.slice(repository.length + 1)] : []));
}

/** @returns the digest that the engine says it pushed */
async function pushed4times(reference: string, { engine, say, wait }: Omit<PushOptions, "registry">): Promise<string> {
  for (let tries = 1; ; tries++) {
    const { status, output, complaint } = await engine.call(["push", reference]);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(output)?.[1];
    if (status === 0 && digest) return digest;
    const why = (complaint || output).trim().split("\n").at(-1) ?? `status ${status}`;
    if (tries === TRIES || /denied|unauthorized|authentication required/i.test(why)) throw new Error(`${reference} could not be pushed: ${why}${/denied|unauthorized|authentication required/i.test(why) ? `; log in: docker login ${homeOf(reference).host}` : `, ${TRIES} times`}`);
    const pause = FIRST_PAUSE_MS * 2 ** (tries - 1);
    say(`${reference}: ${why}; again in ${pause / 1_000} s (layers that are there are not sent again)`);
    await wait(pause);
  }
}
