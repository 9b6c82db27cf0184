/** The backend's image, built twice from one source by a real engine: two checkouts, other dates, another umask, nothing kept from the first. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describeUnless } from "../terraform/terraform";

const BUN = "oven/bun:1-debian";
const docker = (...args: string[]) => spawnSync("docker", args, { encoding: "utf8", timeout: 180_000 });

function missing(): string | undefined {
  if (spawnSync("docker", ["info"], { stdio: "ignore", timeout: 20_000 }).status !== 0) return "no Docker engine answers";
  return docker("image", "inspect", BUN).status === 0 ? undefined : `the image ${BUN} is not in the engine`;
}

describeUnless(missing(), "the backend's image", () => {
  const root = mkdtempSync(join(tmpdir(), "reproducible-"));
  const tags = ["gvfx-test/reproducible:first", "gvfx-test/reproducible:second"];
  afterAll(() => {
    docker("image", "rm", "--force", ...tags);
    rmSync(root, { recursive: true, force: true });
  });

  /** A checkout with a workspace like the app's, and no package that had to be downloaded. */
  function checkout(): string {
    const folder = join(root, "one");
    const files: Readonly<Record<string, string>> = {
      "package.json": JSON.stringify({ name: "app", private: true, workspaces: ["backend", "frontend", "packages/shared"] }),
      "tsconfig.base.json": "{}",
      "backend/package.json": JSON.stringify({ name: "tv-goldviewfx-backend", version: "1.0.0", dependencies: { "@app/shared": "workspace:*" } }),
      "backend/tsconfig.json": "{}",
      "backend/scripts/run.sh": "#!/bin/sh\n",
      "backend/src/api/server.ts": "console.log('up');\n",
      "frontend/package.json": JSON.stringify({ name: "frontend", version: "1.0.0" }),
      "packages/shared/package.json": JSON.stringify({ name: "@app/shared", version: "1.0.0" }),
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const locked = docker("run", "--rm", "--network", "none", "--volume", `${folder}:/app`, "--workdir", "/app", "--user", `${process.getuid!()}`, "--env", "HOME=/tmp", BUN, "bun", "install", "--lockfile-only");
    expect([locked.stderr, locked.status]).toEqual([expect.any(String), 0]);
    return folder;
  }
  const build = (source: string, tag: string): void => {
    const { status, stderr } = docker("build", "--no-cache", "--file", join(__dirname, "../../images/backend/Dockerfile"), "--build-arg", "REVISION=abc", "--tag", tag, source);
    expect([status, status === 0 ? "" : stderr.slice(-2_000)]).toEqual([0, ""]);
  };
  const layers = (tag: string): string[] => JSON.parse(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag).stdout) as string[];

  test("has the same layers", () => {
    const first = checkout();
    const second = join(root, "two");
    cpSync(first, second, { recursive: true });
    utimesSync(join(second, "backend/src/api/server.ts"), new Date("2024-05-06"), new Date("2024-05-06"));
    chmodSync(join(second, "backend/src/api/server.ts"), 0o600);
    build(first, tags[0]);
    build(second, tags[1]);
    expect(layers(tags[1])).toEqual(layers(tags[0]));
    expect(layers(tags[0]).length).toBeGreaterThan(layers(BUN).length);
  }, 300_000);

  test("runs as nobody who may write to it, and finds its packages", () => {
    const said = docker("run", "--rm", "--network", "none", tags[0], "sh", "-c", "id -u; cat /node_modules/@app/shared/package.json 2>/dev/null || ls -d /node_modules; touch /app/x 2>/dev/null && echo writable; bun run src/api/server.ts");
    expect(said.stdout).toMatch(/^1000\n[\s\S]*up\n$/);
    expect(said.stdout).not.toContain("writable");
  });

  test("planted: another source is another layer, and that one alone", () => {
    const second = join(root, "two");
    writeFileSync(join(second, "backend/src/api/server.ts"), `${readFileSync(join(second, "backend/src/api/server.ts"), "utf8")}console.log('more');\n`);
    build(second, tags[1]);
    const [before, after] = [layers(tags[0]), layers(tags[1])];
    expect(after.filter((layer) => !before.includes(layer))).toHaveLength(1);
  }, 300_000);
});
