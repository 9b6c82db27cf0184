/** A folder as a map from relative path to text: read, compare, bring up to date. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

/** Files below `dir` in a fixed order, so that output does not depend on the file system. */
export function readTree(dir) {
  if (!existsSync(dir)) return new Map();
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
  return new Map(paths.map((path) => [relative(dir, path).split(sep).join("/"), readFileSync(path, "utf8")]));
}

/** What would have to change for `dir` to hold exactly `files`. */
export function differences(dir, files) {
  const present = readTree(dir);
  const paths = [...new Set([...files.keys(), ...present.keys()])].sort();
  return paths
    .filter((path) => files.get(path) !== present.get(path))
    .map((path) => ({ path: `${dir}/${path}`, state: stateOf(path, files, present) }));
}

function stateOf(path, files, present) {
  if (!present.has(path)) return "missing";
  return files.has(path) ? "changed" : "stale";
}

/** Makes `dir` hold exactly `files`; returns the differences it found and removed. */
export function apply(dir, files) {
  const changes = differences(dir, files);
  for (const { path, state } of changes) {
    if (state === "stale") {
      rmSync(path);
      if (readdirSync(dirname(path)).length === 0) rmSync(dirname(path), { recursive: true });
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, files.get(path.slice(dir.length + 1)));
  }
  return changes;
}
