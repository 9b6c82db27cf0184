#!/usr/bin/env node
// Builds the lab's own images: the node and the doubles. `node scripts/lab/images.mjs [name...]`, default all.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const sources = { node: join(root, "lab/node") };
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

/**
 * Builds an image; Docker's own cache makes an unchanged one a matter of a second.
 * @param {(line: string) => void} [report] gets the build's output; it is thrown with the error when left out
 */
export async function buildImage(name, report) {
  const context = await buildContext(name);
  const output = [];
  const child = spawn("docker", ["build", "--tag", `gvfx-lab/${name}:lab`, context], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      output.push(text);
      if (report) for (const line of text.split("\n")) if (line.trim()) report(line);
    });
  }
  const code = await new Promise((done, failed) => child.once("error", failed).once("close", done));
  if (code !== 0) throw new Error(`docker build of gvfx-lab/${name}:lab failed (context ${context}):\n${output.join("").trim().split("\n").slice(-30).join("\n")}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : LAB_IMAGES) {
    const started = Date.now();
    await buildImage(name);
    console.log(`gvfx-lab/${name}:lab  ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
}
