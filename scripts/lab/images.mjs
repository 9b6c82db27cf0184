#!/usr/bin/env node
// Builds the lab's own images: the node, restic, Postgres and the doubles. `node scripts/lab/images.mjs [name...]`, default all.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const sources = { node: join(root, "lab/node"), restic: join(root, "lab/restic"), postgres: join(root, "lab/postgres") };
for (const name of readdirSync(join(root, "lab/doubles"))) {
  if (existsSync(join(root, "lab/doubles", name, "Dockerfile"))) sources[name] = join(root, "lab/doubles", name);
}

/** Names of the lab's own images, `gvfx-lab/<name>:lab`. */
export const LAB_IMAGES = Object.keys(sources);

/** Puts together the build context of an image in .gvfx/lab/build/<name>, and returns its folder. */
export async function buildContext(name) {
  const source = sources[name];
  if (!source) throw new Error(`"${name}" is no image of the lab; there are ${LAB_IMAGES.join(", ")}`);
  const context = join(root, ".gvfx/lab/build", name);
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  cpSync(join(source, "Dockerfile"), join(context, "Dockerfile"));
  if (existsSync(join(source, "files"))) cpSync(join(source, "files"), context, { recursive: true });
  const bundles = join(source, "bundle.json");
  for (const [target, entry] of existsSync(bundles) ? Object.entries(JSON.parse(readFileSync(bundles, "utf8"))) : []) {
    await build({ entryPoints: [join(source, entry)], absWorkingDir: root, outfile: join(context, target), bundle: true, platform: "node", format: "esm", target: "esnext", external: ["bun"], logLevel: "warning" });
  }
  return context;
}

/** Hash of every file of a build context. */
function contextHash(folder) {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort()) hash.update(relative(folder, file)).update("\0").update(readFileSync(file));
  return hash.digest("hex");
}

/**
 * Builds an image, unless the engine has it from the same context.
 * @param {(line: string) => void} [report] gets the build's output; it is thrown with the error when left out
 * @param {{ tag?: string, buildArgs?: Record<string, string> }} [variant] another tag, for example of a version that misbehaves on purpose
 * @returns whether it was built
 */
export async function buildImage(name, report, { tag = "lab", buildArgs = {} } = {}) {
  const context = await buildContext(name);
  const image = `gvfx-lab/${name}:${tag}`;
  const hash = createHash("sha256").update(contextHash(context)).update(JSON.stringify(buildArgs)).digest("hex");
  const present = spawnSync("docker", ["image", "inspect", "--format", '{{index .Config.Labels "gvfx.context"}}', image], { encoding: "utf8" });
  if (present.status === 0 && present.stdout.trim() === hash) return false;
  const output = [];
  const child = spawn("docker", ["build", "--label", `gvfx.context=${hash}`, ...Object.entries(buildArgs).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]), "--tag", image, context], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      output.push(text);
      if (report) for (const line of text.split("\n")) if (line.trim()) report(line);
    });
  }
  const code = await new Promise((done, failed) => child.once("error", failed).once("close", done));
  if (code !== 0) throw new Error(`docker build of ${image} failed (context ${context}):\n${output.join("").trim().split("\n").slice(-30).join("\n")}`);
  return true;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // --tag and --build-arg KEY=VALUE make a variant, for example a version that fails on purpose.
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { tag: { type: "string", default: "lab" }, "build-arg": { type: "string", multiple: true, default: [] } } });
  const buildArgs = Object.fromEntries(values["build-arg"].map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
  for (const name of positionals.length > 0 ? positionals : LAB_IMAGES) {
    const started = Date.now();
    const built = await buildImage(name, undefined, { tag: values.tag, buildArgs }).catch((error) => {
      console.error(`gvfx-lab/${name}:${values.tag}  ${error.message}`);
      process.exit(1);
    });
    console.log(`gvfx-lab/${name}:${values.tag}  ${built ? `built in ${((Date.now() - started) / 1000).toFixed(1)} s` : "as it was"}`);
  }
}
