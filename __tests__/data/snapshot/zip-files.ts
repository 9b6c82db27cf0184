/** Snapshots for tests: made small, taken apart, put together otherwise. */
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { writeDataset } from "../../../scripts/data/dataset/write";
import { openArchive } from "../../../scripts/data/snapshot/archive";
import { contents } from "../../../scripts/data/snapshot/contents";
import type { SnapshotReport } from "../../../scripts/data/snapshot/types";

export type Files = Map<string, Buffer>;

let folder: string | undefined;
let made = 0;

/** A path that is there until the test file ends. */
export function temporary(name = "snapshot.zip"): string {
  folder ??= mkdtempSync(join(tmpdir(), "gvfx-snapshot-"));
  return join(folder, `${made++}-${name}`);
}

afterAll(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

/** About 40 kB, every kind of value in it, five tables and four files. */
export async function smallDataset(seed = 1, bytes = 20_000): Promise<string> {
  const path = temporary();
  await writeDataset(path, { seed, bytes });
  return path;
}

export async function unzip(path: string): Promise<Files> {
  const archive = await openArchive(path);
  const files: Files = new Map();
  for (const member of archive.members) {
    const chunks: Buffer[] = [];
    for await (const chunk of contents(archive, member)) chunks.push(chunk);
    files.set(member.name, Buffer.concat(chunks));
  }
  await archive.close();
  return files;
}

/** A sound archive of any contents. */
export async function zip(files: Iterable<readonly [string, Buffer | string]>): Promise<string> {
  const path = temporary();
  const archive = new ZipFile();
  for (const [name, content] of files) archive.addBuffer(Buffer.from(content), name, { mtime: new Date(0) });
  archive.end();
  await pipeline(archive.outputStream, createWriteStream(path));
  return path;
}

/** The lines of a member, without the empty one behind the last newline. */
export const linesIn = (files: Files, member: string): string[] => files.get(member)!.toString("utf8").split("\n").slice(0, -1);

/** The snapshot with one member's lines changed. */
export async function withLines(files: Files, member: string, change: (lines: string[]) => string[]): Promise<string> {
  const text = change(linesIn(files, member)).map((line) => `${line}\n`).join("");
  return zip(new Map([...files, [member, Buffer.from(text)]]));
}

/** Problems as "place: what", which tests match. */
export const told = ({ problems }: SnapshotReport): string[] => problems.map(({ place, what, more }) => `${place}: ${what}${more ? ` (+${more})` : ""}`);
