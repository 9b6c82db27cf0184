/** Copies the platform's images to the lab's registry, pins what the registry names, and has both nodes fetch them. */
import { imageReference, IMAGE_ROLES, type ImageLock, type ImageRole, type LockedImage } from "../../contracts/images";
import { containerName } from "../../constructs/lab/names";
import type { Environment, Lab } from "../../environments/schema";
import { readLock, updateLock } from "../images/lock";
import { Engine, EngineError } from "./engine";

/** How often the registry and a node's own engine are asked whether they are up: for a minute, which is three times what making all machines takes. */
const ENGINE_TRIES = 120;
const TRY_INTERVAL_MS = 500;

/** What data-plane runs: the first to be needed. The backend is among them, for the backup's program runs in it. */
export const DATA_PLANE_IMAGES: readonly ImageRole[] = ["convex", "postgres", "minio", "minioClient", "restic", "backend"];
export const OTHER_IMAGES: readonly ImageRole[] = IMAGE_ROLES.filter((role) => !DATA_PLANE_IMAGES.includes(role));

/** Repository as the operator's engine reaches the registry: on loopback, which every engine takes without TLS. */
export function operatorRepository(repository: string, { host }: Environment["images"]["registry"], lab: Lab): string {
  const published = lab.published.find((port) => port.machine === "registry");
  if (!published) throw new Error("the lab's registry is published on no loopback port, so that nothing can be pushed to it; add { machine: \"registry\", port: 5000, on: 15000 } to lab.published of the environment");
  return repository.replace(host, `127.0.0.1:${published.on}`);
}

export class LabRegistry {
  private readonly lockFile: string;
  private readonly nodeEngines = new Map<string, NodeEngine>();
  /** What each node still pulls. */
  private readonly pulls = new Map<string, Promise<void>>();

  /**
   * @param sources image of this machine's engine for each role
   * @param engine the operator's
   */
  constructor(private readonly env: Environment, private readonly lab: Lab, private readonly sources: Readonly<Record<ImageRole, string>> = lab.sources, private readonly engine = new Engine()) {
    if (!env.images.lockFile) throw new Error('the lab has no lock file of its own (images.lockFile), and would overwrite the committed one; set it, for example to ".gvfx/lab/images.lock.json"');
    this.lockFile = env.images.lockFile;
  }

  lock(): ImageLock {
    return readLock(this.lockFile);
  }

  /** Official images that this engine does not have yet are pulled; one that nobody has is named with the way to get it. */
  async fetchSources(onLine: (line: string) => void): Promise<void> {
    const { consul, openbao, registry } = this.lab.images;
    const missing: string[] = [];
    for (const image of new Set([...Object.values(this.sources), consul, openbao, registry])) {
      if (image.startsWith("gvfx-lab/") || (await this.imageId(image))) continue;
      onLine(`pulls ${image}`);
      if ((await this.engine.call(["pull", "--quiet", image])).status !== 0) missing.push(image);
    }
    if (missing.length > 0) throw new Error(`${missing.length} image${missing.length === 1 ? " is" : "s are"} neither in the engine nor to be had from a registry: ${missing.join(", ")}\nOn a machine that reaches them: docker pull <image> && docker save <image> -o image.tar; here: docker load -i image.tar. Other names: lab.sources and lab.images in environments/lab.ts`);
  }

  /**
   * Pushes what changed, and has both nodes pull each image as soon as it is there: no
   * deploy and no failover waits for a transfer then. Writes the lock file when all are pushed.
   * Registry and nodes may still be starting: they are waited for. `pulled` waits for the nodes.
   * @param roles images to push; what the lock file says of others stays. Default: all
   */
  async push(onLine: (line: string) => void, roles: readonly ImageRole[] = IMAGE_ROLES): Promise<string> {
    await this.answers();
    const before = this.lock();
    const entries: [ImageRole, LockedImage][] = [];
    const one = async (role: ImageRole): Promise<void> => {
      const image = await this.pushOne(role, before[role], onLine);
      entries.push([role, image]);
      this.pullOnNodes(imageReference(this.env.images[role], image), onLine);
    };
    const [first, ...others] = roles;
    // The first alone: it brings the base that the others share, which each would send otherwise.
    await one(first);
    const results = await Promise.allSettled(others.map(one));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
    updateLock(this.lockFile, new Map(entries));
    return `${entries.filter(([role, image]) => image !== before[role]).length} of ${roles.length} pushed`;
  }

  /**
   * Waits until nodes have what was pushed so far.
   * @param nodes default: all
   */
  async pulled(nodes: readonly string[] = this.env.nodes.map(({ name }) => name)): Promise<void> {
    await Promise.all(nodes.map((node) => this.pulls.get(node)));
  }

  /** Pushes, and waits for both nodes. */
  async distribute(onLine: (line: string) => void): Promise<string> {
    const said = await this.push(onLine);
    await this.pulled();
    return said;
  }

  private pullOnNodes(reference: string, onLine: (line: string) => void): void {
    for (const { name } of this.env.nodes) {
      const engine = this.nodeEngines.get(name) ?? new NodeEngine(name, this.engine.inside(containerName(name)));
      this.nodeEngines.set(name, engine);
      // One after the other on each node: a layer that two images share is transferred once.
      const pull = (this.pulls.get(name) ?? engine.ready()).then(() => engine.pull(reference, onLine));
      this.pulls.set(name, pull);
      // Whoever waits for the node hears of it; until then it is nobody's.
      pull.catch(() => undefined);
    }
  }

  private async pushOne(role: ImageRole, known: LockedImage, onLine: (line: string) => void): Promise<LockedImage> {
    const source = this.sources[role];
    const id = await this.imageId(source);
    if (!id) throw new Error(`the image ${source} (${role}) is not in the engine; build the lab's images with: node scripts/lab/images.mjs`);
    const repository = operatorRepository(this.env.images[role], this.env.images.registry, this.lab);
    const named = `${source} ${id}`;
    if (known.digest && known.source === named && (await this.registryHas(repository, known.digest))) return known;
    onLine(`pushes ${role}`);
    const tag = `${repository}:${id.slice("sha256:".length, "sha256:".length + 12)}`;
    await this.engine.text(["tag", source, tag]);
    const output = await this.engine.text(["push", tag]);
    // The name was for the push alone; the image keeps its own.
    await this.engine.call(["image", "rm", "--no-prune", tag]);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(output)?.[1];
    if (!digest) throw new Error(`docker push of ${source} named no digest, so that ${role} cannot be pinned; it said:\n${output.trim()}`);
    return { digest, source: named };
  }

  private async imageId(image: string): Promise<string | undefined> {
    const { status, output } = await this.engine.call(["image", "inspect", "--format", "{{.Id}}", image]);
    return status === 0 ? output.trim() : undefined;
  }

  /** @throws Error when the registry does not answer in time */
  private async answers(): Promise<void> {
    const [host] = operatorRepository(`${this.env.images.registry.host}/`, this.env.images.registry, this.lab).split("/");
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
      if (answer?.ok) return;
      if (tries >= ENGINE_TRIES) throw new Error(`the lab's registry does not answer at ${host}, so that the nodes would have nothing to run; look at it with: npm run gvfx -- lab logs registry`);
      await new Promise((done) => setTimeout(done, TRY_INTERVAL_MS));
    }
  }

  private async registryHas(repository: string, digest: string): Promise<boolean> {
    const [host, ...path] = repository.split("/");
    const answer = await fetch(`http://${host}/v2/${path.join("/")}/manifests/${digest}`, { method: "HEAD", headers: { accept: "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json" } }).catch(() => undefined);
    return answer?.status === 200;
  }
}

/** The engine inside a node. */
class NodeEngine {
  private present: ReadonlySet<string> = new Set();

  constructor(private readonly node: string, private readonly engine: Engine) {}

  /** Waits until it answers, and looks what it has. */
  async ready(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.engine.text(["info"]);
        break;
      } catch (error) {
        if (tries >= ENGINE_TRIES || !(error instanceof EngineError)) throw new Error(`the engine inside ${this.node} does not answer, so it can run nothing; look at it with: npm run gvfx -- lab logs ${this.node} --unit docker`, { cause: error });
        await new Promise((done) => setTimeout(done, TRY_INTERVAL_MS));
      }
    }
    this.present = new Set(await this.engine.lines(["images", "--digests", "--format", "{{.Repository}}@{{.Digest}}"]));
  }

  async pull(reference: string, onLine: (line: string) => void): Promise<void> {
    if (this.present.has(reference)) return;
    onLine(`${this.node} pulls ${reference.split("@")[0]}`);
    await this.engine.text(["pull", "--quiet", reference]);
  }
}
