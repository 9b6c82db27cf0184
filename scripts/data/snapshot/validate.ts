/** Everything that can be seen of a snapshot offline, in one pass over its bytes. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { silentProgress } from "../progress";
import { openArchive, type Archive } from "./archive";
import { checkersFor } from "./checkers";
import { snapshotMembers } from "./members";
import { Problems } from "./problems";
import { SnapshotError, type SnapshotOptions, type SnapshotReport } from "./types";
import { UniqueIds } from "./unique-ids";
import { validateFiles } from "./validate-files";
import { validateDocuments, type Reading } from "./validate-documents";
import { checkBytes, checkSchema, checkTableList } from "./validate-tables";

export interface ValidateOptions extends SnapshotOptions {
  /** Whether a snapshot without stored files is a problem. @default true: the app keeps its model artefacts there */
  readonly filesRequired?: boolean;
  /** Take a field that holds int64 and broken floats, but no whole float, as the app's own doing. @default false: it is the mark of a JSON tool */
  readonly acceptMixedNumbers?: boolean;
}

/**
 * Checks a snapshot and reports all that is wrong at once.
 * @throws SnapshotError when it cannot be read as a snapshot at all
 */
export async function validateSnapshot(path: string, options: ValidateOptions = {}): Promise<SnapshotReport> {
  const archive = await openArchive(path);
  try {
    return await validateArchive(archive, options);
  } finally {
    await archive.close();
  }
}

async function validateArchive(archive: Archive, { progress = silentProgress, signal, filesRequired = true, acceptMixedNumbers = false }: ValidateOptions): Promise<SnapshotReport> {
  const members = snapshotMembers(archive);
  const problems = new Problems();
  for (const problem of [...archive.problems, ...members.problems]) problems.add(problem.place, problem);
  const sha256 = await hashFile(archive, progress, signal);

  const total = archive.members.reduce((sum, { bytes }) => sum + bytes, 0);
  const step = progress.step("checking the snapshot", total);
  const reading: Reading = { archive, problems, signal, acceptMixedNumbers, advance: (bytes) => step.advance(bytes) };
  const checkers = checkersFor([...members.tables.values()].reduce((sum, { bytes }) => sum + bytes, 0));
  try {
    const ids = new UniqueIds();
    for (const note of members.notes) await checkBytes(reading, note);
    await checkTableList(reading, members);
    const tables = [];
    for (const [name, member] of [...members.tables].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await checkSchema(reading, name, members.schemas.get(name));
      const read = await validateDocuments(reading, member, ids, checkers);
      if (read) tables.push({ name, documents: read.documents, bytes: member.bytes, digest: read.digest });
    }
    const files = await validateFiles(reading, members, { ids, checkers, required: filesRequired });
    await ids.settle(reading, [...members.tables.values(), ...(members.storage ? [members.storage] : [])]);
    const found = problems.all();
    const count = found.reduce((sum, { more = 0 }) => sum + 1 + more, 0);
    if (count === 0) step.done(`${tables.length} tables, ${tables.reduce((sum, { documents }) => sum + documents, 0)} documents, ${files === undefined ? "no files" : `${files.count} files`}`);
    else step.failed(`${count} ${count === 1 ? "problem" : "problems"}`);
    return { path: archive.path, bytes: archive.bytes, sha256, tables, files, problems: found };
  } catch (error) {
    step.failed(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    await checkers.close();
  }
}

async function hashFile({ path, bytes }: Archive, progress: NonNullable<SnapshotOptions["progress"]>, signal: AbortSignal | undefined): Promise<string> {
  const step = progress.step("hashing the file", bytes);
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
      hash.update(chunk as Buffer);
      step.advance((chunk as Buffer).length);
    }
  } catch (error) {
    step.failed((error as Error).message);
    if (signal?.aborted) throw error;
    throw new SnapshotError(path, { place: "the file", what: `it cannot be read (${(error as Error).message})`, fix: "Copy it to a sound disk and try again" }, false);
  }
  const sha256 = hash.digest("hex");
  step.done(sha256);
  return sha256;
}
