/** images.lock.json: read, and written with what a registry has, so that a deploy is a change of digests that people review. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseImageLock, UNPINNED_IMAGES, type ImageLock, type ImageRole, type LockedImage } from "../../contracts/images";
import type { Environment } from "../../environments/schema";

/** The committed file, where an environment has none of its own. */
const COMMITTED = "images.lock.json";

export function lockFileOf({ images }: Pick<Environment, "images">): string {
  return images.lockFile ?? COMMITTED;
}

/** @throws Error that lists every wrong entry */
export function readLock(file: string): ImageLock {
  return existsSync(file) ? parseImageLock(JSON.parse(readFileSync(file, "utf8"))) : UNPINNED_IMAGES;
}

/** Replaces the entries of some images; written aside and renamed, so that the file is whole at any moment. @returns roles whose digest is another than before */
export function updateLock(file: string, entries: ReadonlyMap<ImageRole, LockedImage>): ImageRole[] {
  const before = readLock(file);
  const after: ImageLock = { ...before, ...Object.fromEntries(entries) };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(after, null, 2)}\n`);
  renameSync(`${file}.new`, file);
  return [...entries.keys()].filter((role) => before[role].digest !== after[role].digest);
}
