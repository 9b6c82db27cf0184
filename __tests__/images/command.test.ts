/** `gvfx images` over doubles of the engine and of a registry. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageLock } from "../../contracts/images";
import { imagesCommand, type ImagesSurroundings } from "../../scripts/images/command";
import { homeOf } from "../../scripts/images/reference";
import { revisionTag } from "../../scripts/images/revision";
import { environment } from "../jobs/worked-example";

const COMMIT = "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d";
const digestOf = (n: number) => `sha256:${String(n).repeat(64)}`;
const BACKEND = "registry.example.com/tv-goldviewfx-backend";

/** A double of the engine and of every registry: images by reference, digests by repository and tag. */
class World {
  readonly local = new Map<string, { digest: string; pushedTo: Set<string> }>();
  readonly remote = new Map<string, string>();
  readonly calls: string[] = [];
  readonly pauses: number[] = [];
  /** What a push says instead of working, one after the other. */
  readonly broken: string[] = [];
  /** What the registry keeps of a push instead. */
  keeps: string | undefined;

  engine = {
    call: async (args: readonly string[]) => {
      this.calls.push(args.slice(0, 3).join(" "));
      const answer = (status: number, output = "", complaint = "") => ({ status, output, complaint });
      if (args[0] === "image") {
        const image = this.local.get(args.at(-1)!);
        return image ? answer(0, JSON.stringify([...image.pushedTo].map((repository) => `${repository}@${image.digest}`))) : answer(1, "", "No such image");
      }
      if (args[0] === "tag") {
        const image = this.local.get(args[1]);
        if (!image) return answer(1, "", `No such image: ${args[1]}`);
        this.local.set(args[2], image);
        return answer(0);
      }
      if (args[0] === "pull") {
        this.local.set(args[1], { digest: digestOf(7), pushedTo: new Set() });
        return answer(0);
      }
      const why = this.broken.shift();
      if (why) return answer(1, "", why);
      const reference = args[1];
      const at = reference.lastIndexOf(":");
      const image = this.local.get(reference)!;
      image.pushedTo.add(reference.slice(0, at));
      const { host, repository } = homeOf(reference.slice(0, at));
      this.remote.set(`${host}/${repository}:${reference.slice(at + 1)}`, this.keeps ?? image.digest);
      return answer(0, `${reference.slice(at + 1)}: digest: ${image.digest} size: 1`);
    },
  };

  registry = (_env: unknown, host: string) => ({ digest: async (repository: string, reference: string) => this.remote.get(`${host}/${repository}:${reference}`) });
}

let world: World;
let folder: string;
let lockFile: string;
beforeEach(() => {
  world = new World();
  folder = mkdtempSync(join(tmpdir(), "gvfx-images-"));
  lockFile = join(folder, "images.lock.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const lock = (): ImageLock => JSON.parse(readFileSync(lockFile, "utf8")) as ImageLock;

async function images(args: readonly string[], surroundings: ImagesSurroundings = {}): Promise<string> {
  const lines: string[] = [];
  await imagesCommand(() => ({ ...environment, images: { ...environment.images, lockFile } }), {
    variables: {},
    write: (text) => lines.push(text),
    complain: (text) => lines.push(text),
    engine: world.engine,
    registry: world.registry,
    build: async (of) => {
      for (const name of of[of.indexOf("--only") + 1].split(",")) world.local.set(`tv-goldviewfx-${name}:${COMMIT}`, { digest: digestOf(name.length % 9), pushedTo: new Set() });
    },
    tagOf: () => COMMIT,
    wait: async (ms) => void world.pauses.push(ms),
    ...surroundings,
  }).parseAsync([...args], { from: "user" });
  return lines.join("\n");
}

const built = () => images(["build", "--source", "/app"]);

test("built, pushed and pinned: the three images under the commit, each digest in the lock file as the registry has it", async () => {
  expect(await built()).toBe([`${BACKEND}:${COMMIT}`, `registry.example.com/tv-goldviewfx-frontend:${COMMIT}`, `registry.example.com/tv-goldviewfx-rl-service:${COMMIT}`].join("\n"));
  const said = await images(["push", "--source", "/app"]);
  expect(lock().backend).toEqual({ digest: world.local.get(`${BACKEND}:${COMMIT}`)!.digest, source: COMMIT });
  expect([lock().frontend.source, lock().rlService.source, lock().postgres.digest]).toEqual([COMMIT, COMMIT, null]);
  expect(said).toMatch(/has changed: review it, commit it, and see what a deploy does: gvfx diff/);
  // Again: nothing is sent, and nothing changes.
  const pushes = () => world.calls.filter((call) => call.startsWith("push")).length;
  expect(pushes()).toBe(3);
  expect(await images(["push", "--source", "/app"])).toMatch(/there already[\s\S]*says so already/);
  expect(pushes()).toBe(3);
});

test("the build gets the environment's pairs, and only what is asked for", async () => {
  let given: readonly string[] = [];
  await expect(images(["build", "--source", "/app", "--only", "frontend", "--build-arg", "NODE_IMAGE=node:22"], { build: async (args) => void (given = args) })).rejects.toThrow(/what was built of frontend is not in the engine/);
  expect(given).toEqual(["--source", "/app", "--tag", COMMIT, "--only", "frontend", "--catalog", JSON.stringify({ gold: environment.markets.gold, crypto: environment.markets.crypto }), "--build-arg", "NODE_IMAGE=node:22"]);
});

test("a tag that is another image in the registry is never moved, and nothing is pinned", async () => {
  await built();
  world.remote.set(`${BACKEND}:${COMMIT}`, digestOf(5));
  await expect(images(["push", "--source", "/app"])).rejects.toThrow(/is another image here: a tag is never moved/);
  expect(() => lock()).toThrow(/ENOENT/);
});

test("a push that breaks is tried again after a while; one that is refused is not", async () => {
  await built();
  world.broken.push("unexpected EOF", "received unexpected HTTP status: 502");
  await images(["push", "--source", "/app", "--only", "backend"]);
  expect([world.pauses, lock().backend.source]).toEqual([[2_000, 4_000], COMMIT]);

  world.broken.push("denied: requested access to the resource is denied");
  await expect(images(["push", "--source", "/app", "--only", "frontend"])).rejects.toThrow(/denied.*docker login registry\.example\.com/);
  world.broken.push("EOF", "EOF", "EOF", "EOF");
  await expect(images(["push", "--source", "/app", "--only", "frontend"])).rejects.toThrow(/EOF, 4 times/);
  expect(world.pauses).toHaveLength(5);
});

test("when the registry then has another image than was pushed, nothing is pinned", async () => {
  await built();
  world.keeps = digestOf(9);
  await expect(images(["push", "--source", "/app", "--only", "backend"])).rejects.toThrow(/the registry has sha256:999999999999… as .* was pushed: somebody else pushed the same tag/);
  expect(() => lock()).toThrow(/ENOENT/);
});

test("what was not built is not pushed", async () => {
  await expect(images(["push", "--source", "/app"])).rejects.toThrow(/is not in this machine's engine; build it first: gvfx images build/);
});

test("resolve pins what tags are now, all or none", async () => {
  world.remote.set("registry-1.docker.io/library/postgres:17-bookworm", digestOf(1));
  world.remote.set("registry-1.docker.io/minio/minio:RELEASE.1", digestOf(2));
  await images(["resolve", "postgres=17-bookworm", "minio=RELEASE.1"]);
  expect([lock().postgres, lock().minio]).toEqual([{ digest: digestOf(1), source: "17-bookworm" }, { digest: digestOf(2), source: "RELEASE.1" }]);
  await expect(images(["resolve", "postgres=17-bookworm", "haproxy=lts", "convex=none"])).rejects.toThrow(/not in the registry, and nothing was pinned: haproxy:lts, ghcr\.io\/get-convex\/convex-backend:none/);
  await expect(images(["resolve", "postgers=17"])).rejects.toThrow(/postgers is no image of the platform; roles: .*postgres/);
  await expect(images(["resolve", "postgres"])).rejects.toThrow(/no role with a tag; write for example/);
});

describe("mirror", () => {
  const from = `postgres@${digestOf(3)}`;
  const mirrored = { ...environment, images: { ...environment.images, postgres: "registry.example.com/mirror/postgres" } };
  const run = (args: readonly string[], env = mirrored) => {
    const lines: string[] = [];
    return imagesCommand(() => ({ ...env, images: { ...env.images, lockFile } }), { variables: {}, write: (text) => lines.push(text), complain: (text) => lines.push(text), engine: world.engine, registry: world.registry, wait: async () => undefined }).parseAsync(["mirror", ...args], { from: "user" });
  };

  test("copies by digest to where the environment says it is, and pins what is there", async () => {
    await run(["--role", "postgres", "--from", from]);
    expect(world.calls).toEqual([`pull ${from}`, `tag ${from} registry.example.com/mirror/postgres:333333333333`, "image inspect --format", "push registry.example.com/mirror/postgres:333333333333"]);
    expect(lock().postgres).toEqual({ digest: digestOf(7), source: `copy of ${from}` });
  });

  test("refuses a tag, and a copy onto itself", async () => {
    await expect(run(["--role", "postgres", "--from", "postgres:17"])).rejects.toThrow(/names no digest: a tag may be another image tomorrow/);
    await expect(run(["--role", "postgres", "--from", from], environment)).rejects.toThrow(/set images\.postgres of the environment to a repository of your own registry \(registry\.example\.com\)/);
  });
});

describe("the tag is the commit", () => {
  const ask = (head: string | undefined, status = "") => (_folder: string, [command]: readonly string[]) => (command === "rev-parse" ? head : status);
  const now = new Date("2026-03-04T05:06:07Z");

  test("of a clean checkout", () => expect(revisionTag("/app", { allowDirty: false, now, ask: ask(COMMIT) })).toBe(COMMIT));
  test("a checkout with changes is refused, and told by the first of them", () => expect(() => revisionTag("/app", { allowDirty: false, now, ask: ask(COMMIT, " M a.ts\n?? b.ts") })).toThrow(/2 changes that no commit has, the first M a\.ts: .*--allow-dirty/));
  test("unless it is allowed, under a tag of its own", () => expect(revisionTag("/app", { allowDirty: true, now, ask: ask(COMMIT, " M a.ts") })).toBe(`${COMMIT}-dirty-20260304050607`));
  test("a folder without a commit is refused", () => expect(() => revisionTag("/app", { allowDirty: true, now, ask: ask(undefined) })).toThrow(/no checkout of the app/));
});

test.each([
  ["postgres", "registry-1.docker.io", "library/postgres"],
  ["minio/minio", "registry-1.docker.io", "minio/minio"],
  ["ghcr.io/get-convex/convex-backend", "ghcr.io", "get-convex/convex-backend"],
  ["100.64.0.41:5000/backend", "100.64.0.41:5000", "backend"],
  ["localhost/a/b", "localhost", "a/b"],
])("%s is in %s", (image, host, repository) => expect(homeOf(image)).toEqual({ host, repository }));
