"use strict";
// Runs a TypeScript entry as one bundled file that is never stale: the bundle is
// used only while the content of everything that went into it is unchanged.
const { createHash } = require("node:crypto");
const { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { basename, dirname, join, relative, resolve } = require("node:path");
const { Script } = require("node:vm");

const root = resolve(__dirname, "..");

/** Folders and files whose content decides what a bundle contains; new files in them count too. */
const SOURCES = ["main.ts", "synth.ts", "bindings", "constructs", "contracts", "environments", "runtime", "scripts", "stacks", "images.lock.json", "tsconfig.json", "package-lock.json"];

/** Hash of every source file's path and content. */
function sourcesHash() {
  const hash = createHash("sha256").update(process.version);
  const add = (path) => hash.update(`${relative(root, path)}\0`).update(readFileSync(path)).update("\0");
  const walk = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) walk(child);
      else if (/\.(ts|mjs|cjs|json|sh|css|html)$/.test(entry.name)) add(child);
    }
  };
  for (const source of SOURCES) {
    const path = join(root, source);
    if (!existsSync(path)) continue;
    if (/\.[a-z]+$/.test(source)) add(path);
    else walk(path);
  }
  return hash.digest("hex");
}

/** Hash of the sizes and times of change of the installed packages' files that are in the bundle: npm writes them, and reading them all takes as long as all the sources. */
function packagesHash(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const stat = statSync(join(root, path), { bigint: true, throwIfNoEntry: false });
    hash.update(`${path}\0${stat ? `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}` : "absent"}\0`);
  }
  return hash.digest("hex");
}

/**
 * A bundle of `entry` that matches the sources as they are now: its path, its text and the text's hash.
 * @param {string} entry path below the repository's root, for example "main.ts"
 */
function freshBundle(entry) {
  const name = entry.replace(/[^a-z0-9]+/gi, "-").replace(/-ts$/, "");
  const folder = join(root, "dist", "bundle");
  const file = join(folder, `${name}.cjs`);
  const recordFile = join(folder, `${name}.json`);
  const sources = sourcesHash();
  if (existsSync(file) && existsSync(recordFile)) {
    const record = JSON.parse(readFileSync(recordFile, "utf8"));
    const text = readFileSync(file);
    const same = record.sources === sources && record.packages === packagesHash(record.packageFiles) && record.bundle === createHash("sha256").update(text).digest("hex");
    if (same) return { file, text, hash: record.bundle };
  }
  const { buildSync } = require("esbuild");
  const result = buildSync({
    entryPoints: [join(root, entry)], absWorkingDir: root, bundle: true, platform: "node", format: "cjs", target: "node20", outfile: file,
    write: false, metafile: true, minifySyntax: true, minifyWhitespace: true, logLevel: "error", legalComments: "none",
    external: ["esbuild", "playwright-core", "cdktf-cli", "typescript"],
  });
  const packageFiles = Object.keys(result.metafile.inputs).filter((path) => path.startsWith("node_modules/")).sort();
  const text = result.outputFiles[0].contents;
  const record = { sources, packageFiles, packages: packagesHash(packageFiles), bundle: createHash("sha256").update(text).digest("hex") };
  mkdirSync(folder, { recursive: true });
  replaceFile(file, text);
  replaceFile(recordFile, JSON.stringify(record));
  return { file, text, hash: record.bundle };
}

/** Written aside and renamed: two runs at once must not read half a file. */
function replaceFile(path, content) {
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, content);
  renameSync(aside, path);
}

/**
 * Runs an entry in this process, with V8's code cache: compiling the bundle is a
 * third of a run otherwise. V8 tells sources apart by length alone, so the cache
 * carries the bundle's hash in its name.
 */
function run(entry) {
  const { file, text, hash } = freshBundle(entry);
  // Whoever keeps what follows from the sources alone can tell whether they are the same.
  process.env.GVFX_BUNDLE = hash;
  const source = Buffer.from(text).toString("utf8");
  const cacheFile = file.replace(/\.cjs$/, `.${hash.slice(0, 16)}.cache`);
  const cachedData = existsSync(cacheFile) ? readFileSync(cacheFile) : undefined;
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, { filename: file, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  if (cachedData === undefined || script.cachedDataRejected) {
    process.once("exit", () => {
      for (const other of readdirSync(dirname(file))) if (other.endsWith(".cache") && other.startsWith(`${basename(file, ".cjs")}.`)) rmSync(join(dirname(file), other), { force: true });
      replaceFile(cacheFile, script.createCachedData());
    });
  }
}

module.exports = { freshBundle, run };
