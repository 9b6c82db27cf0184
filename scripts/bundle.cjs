"use strict";
// Runs a TypeScript entry as one bundled file that is never stale: the bundle is
// used only while the content of everything that went into it is unchanged.
const { createHash } = require("node:crypto");
const { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { basename, dirname, join, resolve } = require("node:path");
const { Script } = require("node:vm");

const root = resolve(__dirname, "..");

/** Folders and files whose content decides what a bundle contains; new files in them count too. */
const SOURCES = ["main.ts", "synth.ts", "bindings", "constructs", "contracts", "environments", "runtime", "scripts", "stacks", "images.lock.json", "tsconfig.json", "package-lock.json"];

/** Paths of every source file, below the root. */
function sourceFiles() {
  const files = [];
  const walk = (path) => {
    for (const entry of readdirSync(`${root}/${path}`, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory()) walk(child);
      else if (/\.(ts|mjs|cjs|json|sh|css|html)$/.test(entry.name)) files.push(child);
    }
  };
  for (const source of SOURCES) {
    if (!existsSync(join(root, source))) continue;
    if (/\.[a-z]+$/.test(source)) files.push(source);
    else walk(source);
  }
  return files;
}

/** Hash of every source file's path and content. */
function sourcesHash(files) {
  const hash = createHash("sha256").update(process.version);
  for (const path of files) hash.update(`${path}\0`).update(readFileSync(join(root, path))).update("\0");
  return hash.digest("hex");
}

/**
 * Hash of files' sizes and times of change, which no program sets: a fifth of the time that it takes to read them.
 * npm writes the packages' files, so that of those this is all that is looked at.
 */
function stampsHash(paths) {
  const hash = createHash("sha256").update(process.version);
  for (const path of paths) {
    const stat = statSync(`${root}/${path}`, { bigint: true, throwIfNoEntry: false });
    hash.update(`${path}\0${stat ? `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}` : "absent"}\0`);
  }
  return hash.digest("hex");
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/**
 * A bundle of `entry` that matches the sources as they are now: its path, its text and the text's hash.
 * Where no file has been written since it was last found to match, it does; else contents decide.
 * @param {string} entry path below the repository's root, for example "main.ts"
 */
function freshBundle(entry) {
  const name = entry.replace(/[^a-z0-9]+/gi, "-").replace(/-ts$/, "");
  const folder = join(root, "dist", "bundle");
  const file = join(folder, `${name}.cjs`);
  const recordFile = join(folder, `${name}.json`);
  const files = sourceFiles();
  // Before anything is read: what is written meanwhile is seen the next time.
  const sourceStamps = stampsHash(files);
  const written = (record) => replaceFile(recordFile, JSON.stringify({ ...record, sourceStamps }));
  if (existsSync(file) && existsSync(recordFile)) {
    const record = JSON.parse(readFileSync(recordFile, "utf8"));
    const text = readFileSync(file);
    if (record.bundle === sha256(text) && record.packages === stampsHash(record.packageFiles)) {
      if (record.sourceStamps === sourceStamps) return { file, text, hash: record.bundle };
      if (record.sources === sourcesHash(files)) {
        written(record);
        return { file, text, hash: record.bundle };
      }
    }
  }
  const sources = sourcesHash(files);
  const { buildSync } = require("esbuild");
  const result = buildSync({
    entryPoints: [join(root, entry)], absWorkingDir: root, bundle: true, platform: "node", format: "cjs", target: "node20", outfile: file,
    write: false, metafile: true, minifySyntax: true, minifyWhitespace: true, logLevel: "error", legalComments: "none",
    external: ["esbuild", "playwright-core", "cdktf-cli", "typescript"],
  });
  const packageFiles = Object.keys(result.metafile.inputs).filter((path) => path.startsWith("node_modules/")).sort();
  const text = result.outputFiles[0].contents;
  const hash = sha256(text);
  mkdirSync(folder, { recursive: true });
  replaceFile(file, text);
  written({ sources, packageFiles, packages: stampsHash(packageFiles), bundle: hash });
  return { file, text, hash };
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
