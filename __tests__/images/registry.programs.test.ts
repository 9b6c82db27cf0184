/** Images pushed by a real engine to a real registry, and what that then says. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RegistryClient } from "../../scripts/clients/registry";
import { imagesCommand } from "../../scripts/images/command";
import { Engine } from "../../scripts/lab/engine";
import type { ImageLock } from "../../contracts/images";
import { environment } from "../jobs/worked-example";
import { describeWithEngine } from "../lab/frontend/double-container";

const NAME = `gvfx-images-test-${process.pid}`;
const BUILT = "tv-goldviewfx-backend";

describeWithEngine("gvfx images against a registry", ["registry:2"], () => {
  const engine = new Engine();
  let folder: string;
  let host: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-images-"));
    await engine.text(["run", "--detach", "--name", NAME, "--publish", "127.0.0.1::5000", "registry:2"]);
    host = (await engine.text(["port", NAME, "5000"])).trim().split("\n")[0];
    for (let tries = 0; !(await fetch(`http://${host}/v2/`).then(({ ok }) => ok, () => false)); tries++) {
      if (tries === 100) throw new Error("the registry does not answer");
      await new Promise((done) => setTimeout(done, 200));
    }
  }, 120_000);
  afterAll(async () => {
    await engine.call(["rm", "--force", "--volumes", NAME]);
    for (const tag of ["one", "two"]) await engine.call(["image", "rm", "--force", `${BUILT}:${tag}-${NAME}`, `${host}/backend:${tag}-${NAME}`]);
    rmSync(folder, { recursive: true, force: true });
  });

  const lock = () => (JSON.parse(readFileSync(join(folder, "lock.json"), "utf8")) as ImageLock).backend;
  /** @param content makes the image another one */
  async function images(args: readonly string[], tag: string, content = tag): Promise<string> {
    const lines: string[] = [];
    const env = { ...environment, images: { ...environment.images, backend: `${host}/backend`, lockFile: join(folder, "lock.json") } };
    const build = () => engine.text(["build", "--tag", `${BUILT}:${tag}`, "-"], { input: `FROM scratch\nLABEL content="${content}"\n` });
    await imagesCommand(() => env, { variables: {}, write: (text) => lines.push(text), complain: (text) => lines.push(text), build, tagOf: () => tag }).parseAsync([...args, "--source", ".", "--only", "backend"], { from: "user" });
    return lines.join("\n");
  }

  test("what was built is pushed, pinned by the digest that the registry gives, and found there by it", async () => {
    const tag = `one-${NAME}`;
    await images(["build"], tag);
    await images(["push"], tag);
    expect(lock().source).toBe(tag);
    const client = new RegistryClient(host);
    expect(await client.digest("backend", tag)).toBe(lock().digest);
    expect(await client.digest("backend", lock().digest!)).toBe(lock().digest);
    expect(await client.digest("backend", "another")).toBeUndefined();
    expect(await images(["push"], tag)).toContain("there already");
  }, 120_000);

  test("the same tag of another image is refused, and the registry keeps what it has", async () => {
    const tag = `two-${NAME}`;
    await images(["build"], tag);
    await images(["push"], tag);
    const { digest } = lock();
    await images(["build"], tag, "changed since");
    await expect(images(["push"], tag)).rejects.toThrow(/a tag is never moved/);
    expect(await new RegistryClient(host).digest("backend", tag)).toBe(digest);
  }, 120_000);
});
