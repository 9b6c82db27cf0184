/** An import into a running Convex: one that this machine began and that runs still is followed, an upload that broke off goes on. */
import { setTimeout as wait } from "node:timers/promises";
import { Duration } from "../../../contracts/units";
import { silentProgress } from "../progress";
import type { ConvexCli } from "./cli";
import { ConvexFailure } from "./api";
import type { ConvexInstance, ImportStatus } from "./instance";
import { UploadRecords, uploadSnapshot, type SnapshotFile, type UploadOptions } from "./upload";

/** An operator watches a line. */
const LOOK_EVERY = Duration.ms(500);
/** The backend changes its own line with every batch. */
const SAY_EVERY_MS = 5_000;

export interface TargetContents {
  /** Tables with documents, by name. */
  readonly tables: readonly { readonly name: string; readonly documents: number }[];
  /** Whether it has stored files; how many is not counted. */
  readonly hasFiles: boolean;
}

export interface ImportOptions extends Omit<UploadOptions, "records"> {
  /** Folder in which uploads are recorded, of one environment. */
  readonly recordFolder: string;
  /** Sees what the backend says of its work. */
  readonly say?: (line: string) => void;
  /** @default 500 ms */
  readonly lookEvery?: Duration;
  /**
   * Asked before an import begins that was not confirmed yet; whoever refuses throws.
   * Not asked for one that runs: the target is neither what it was nor what it will be.
   */
  readonly mayReplace?: (contents: TargetContents) => void;
}

export interface ImportResult {
  readonly importId: string;
  /** Documents, as the backend counts what it wrote. */
  readonly written: number;
  /** followed: it ran, or was over, when this began. */
  readonly how: "imported" | "followed";
  /** Parts of the upload that an earlier run had brought there. */
  readonly resumedParts: number;
}

/** The backend took the snapshot and could not import it. */
export class ImportFailed extends Error {
  override readonly name = "ImportFailed";
}

/** What a target has; empty tables of its schema do not count. */
export async function targetContents(instance: ConvexInstance): Promise<TargetContents> {
  const tables = [...(await instance.counts())].filter(([, documents]) => documents > 0).map(([name, documents]) => ({ name, documents }));
  for await (const _file of instance.files()) return { tables, hasFiles: true };
  return { tables, hasFiles: false };
}

/**
 * Replaces everything in the target by a snapshot. Safe to repeat after it was interrupted at any point.
 * @throws ImportFailed, or what `mayReplace` throws
 */
export async function importSnapshot(instance: ConvexInstance, snapshot: SnapshotFile, options: ImportOptions): Promise<ImportResult> {
  const records = new UploadRecords(options.recordFolder);
  const name = await instance.access.instanceName();
  const known = (await records.read(name, instance.access.address, snapshot))?.importId;
  const earlier = known === undefined ? undefined : await instance.importStatus(known);
  if (earlier && (earlier.state === "in_progress" || earlier.state === "completed")) {
    options.say?.(earlier.state === "completed" ? `import ${earlier.id} of this snapshot is over: it ended after an earlier run of this command` : `import ${earlier.id} of this snapshot runs already: it is followed`);
    return { ...(await follow(instance, earlier.id, snapshot, records, options)), how: "followed", resumedParts: 0 };
  }
  if (known !== undefined && earlier?.state !== "uploaded" && earlier?.state !== "waiting_for_confirmation") await records.remove(name, snapshot);
  await noOther(instance, known);
  options.mayReplace?.(await targetContents(instance));
  const { importId, resumedParts } = earlier && (await records.read(name, instance.access.address, snapshot)) ? { importId: earlier.id, resumedParts: 0 } : await uploadSnapshot(instance, snapshot, { ...options, records });
  return { ...(await follow(instance, importId, snapshot, records, options)), how: "imported", resumedParts };
}

/**
 * The same by the real CLI, which uploads in one go: an upload that breaks off begins anew.
 * @throws CliFailure, or what `mayReplace` throws
 */
export async function importByCli(instance: ConvexInstance, cli: ConvexCli, path: string, { mayReplace, progress = silentProgress }: Pick<ImportOptions, "mayReplace" | "progress">): Promise<void> {
  await noOther(instance, undefined);
  mayReplace?.(await targetContents(instance));
  const step = progress.step(`import at ${instance.access.side} by the convex CLI`);
  try {
    await cli.importSnapshot(path);
    step.done();
  } catch (error) {
    step.failed("see below");
    throw error;
  }
}

/** Two imports at once would each replace what the other wrote. */
async function noOther(instance: ConvexInstance, own: string | undefined): Promise<void> {
  const other = (await instance.imports()).find(({ id, state }) => state === "in_progress" && id !== own);
  if (other) throw new ConvexFailure("refused", `Convex of ${instance.access.side} is importing something else already (import ${other.id}${other.message ? `: ${other.message}` : ""}), which this machine did not begin; wait until it is over, then run this again`);
}

async function follow(instance: ConvexInstance, importId: string, snapshot: SnapshotFile, records: UploadRecords, { progress = silentProgress, say, signal, lookEvery = LOOK_EVERY }: ImportOptions): Promise<Pick<ImportResult, "importId" | "written">> {
  const { side } = instance.access;
  const name = await instance.access.instanceName();
  const step = progress.step(`import at ${side}`);
  let said: string | undefined;
  let passedAt = 0;
  const repeat = (message: string, passing: boolean): void => {
    if (message === said || (passing && Date.now() - passedAt < SAY_EVERY_MS)) return;
    said = message;
    if (passing) passedAt = Date.now();
    say?.(message);
  };
  try {
    for (;;) {
      const status = await instance.importStatus(importId);
      if (!status) throw new ImportFailed(`Convex of ${side} does not know import ${importId} any more; see which tables it has (gvfx data validate --against ${side} FILE), and import again`);
      if (status.message !== undefined && status.state !== "failed") repeat(status.message, status.state === "in_progress");
      if (status.state === "completed") {
        await records.remove(name, snapshot);
        step.done(`${(status.written ?? 0).toLocaleString("en-US")} documents`);
        return { importId, written: status.written ?? 0 };
      }
      if (status.state === "failed") {
        await records.remove(name, snapshot);
        throw new ImportFailed(`Convex of ${side} could not import ${snapshot.path}: ${status.message ?? "it does not say why; see its log"}`);
      }
      if (status.state === "waiting_for_confirmation") await confirm(instance, status);
      await wait(lookEvery.milliseconds, undefined, { signal });
    }
  } catch (error) {
    step.failed(signal?.aborted ? "interrupted: the backend may go on; run the same command to follow it" : "see below");
    throw error;
  }
}

/** A confirmation whose answer was lost was one: the next look shows it. */
async function confirm(instance: ConvexInstance, { id }: ImportStatus): Promise<void> {
  try {
    await instance.admin("/api/perform_import", { importId: id });
  } catch (error) {
    const now = await instance.importStatus(id);
    if (now?.state === "waiting_for_confirmation") throw error;
  }
}
