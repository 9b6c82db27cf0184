/** Every stored file of a running Convex against a snapshot's rows: none missing, none too many, and each fetched and hashed. */
import { silentProgress, type Progress } from "../progress";
import type { Problem, Snapshot } from "../snapshot/types";
import type { ArtifactFiles, FetchedFile } from "./artifacts";
import { ConvexFailure } from "./api";
import type { ConvexInstance, StoredFile } from "./instance";
import { parseExported } from "./values";

/** One after the other waits mostly for answers; more at once would only queue at the object store. */
const CONCURRENCY = 4;
/** Each kind of problem is listed for the first few files, and counted for the rest. */
const LISTED = 20;
const STORAGE = "_storage";

interface SnapshotRow {
  readonly sha256: string;
  readonly size: number;
  readonly contentType: string | undefined;
  readonly internalId: string | undefined;
}

export interface StoredFilesResult extends ArtifactFiles {
  readonly inSnapshot: number;
  readonly inInstance: number;
  /** Fetched, and of the right hash and size. */
  readonly whole: number;
  /** Of those, bytes. */
  readonly bytes: number;
  readonly problems: readonly Problem[];
}

/** @throws when the instance does not answer; what is wrong with files is in the result */
export async function checkStoredFiles(instance: ConvexInstance, snapshot: Snapshot, { progress = silentProgress, signal }: { readonly progress?: Progress; readonly signal?: AbortSignal } = {}): Promise<StoredFilesResult> {
  const { side } = instance.access;
  const expected = await snapshotRows(snapshot);
  const present = new Map<string, StoredFile>();
  for await (const file of instance.files()) present.set(file.id, file);

  const findings = new Findings();
  for (const [id, row] of expected) {
    const file = present.get(id);
    if (!file) findings.add("missing", id, `the snapshot has this file, ${side} has not`);
    else if (file.sha256 !== row.sha256 || file.size !== row.size || (file.contentType ?? "") !== (row.contentType ?? "")) findings.add("row", id, `${side} has sha256 ${file.sha256}, ${file.size} bytes, ${file.contentType ?? "no content type"}; the snapshot has ${row.sha256}, ${row.size} bytes, ${row.contentType ?? "no content type"}`);
  }
  for (const id of present.keys()) if (!expected.has(id)) findings.add("surplus", id, `${side} has this file, the snapshot has not`);

  const step = progress.step(`fetch and hash the stored files of ${side}`, [...present.values()].reduce((sum, { size }) => sum + size, 0));
  const fetched = new Map<string, FetchedFile>();
  const internalIds = new Map<string, string>();
  let [whole, bytes] = [0, 0];
  const queue = [...present.values()];
  const worker = async (): Promise<void> => {
    for (let file = queue.pop(); file; file = queue.pop()) {
      signal?.throwIfAborted();
      const internalId = await address(instance, file, expected.get(file.id));
      const content = internalId === undefined ? undefined : await instance.hashFile(internalId);
      step.advance(file.size);
      if (!content) {
        findings.add("lost", file.id, `its row is there, and its bytes cannot be fetched from ${side}${internalId === undefined ? ": the backend does not say at which address it is" : ` (/api/storage/${internalId} answers 404)`}`);
        continue;
      }
      fetched.set(file.id, content);
      internalIds.set(internalId!, file.id);
      if (content.sha256 !== file.sha256 || content.size !== file.size) findings.add("content", file.id, `its bytes at ${side} have sha256 ${content.sha256} and ${content.size} bytes, its row says ${file.sha256} and ${file.size}`);
      else [whole, bytes] = [whole + 1, bytes + content.size];
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  } catch (error) {
    step.failed("see below");
    throw error;
  }
  step.done(`${whole} of ${present.size} files whole`);
  return {
    inSnapshot: expected.size,
    inInstance: present.size,
    whole,
    bytes,
    problems: findings.problems(),
    byId: (id) => fetched.get(id),
    byInternalId: (internalId) => fetched.get(internalIds.get(internalId) ?? ""),
  };
}

async function snapshotRows(snapshot: Snapshot): Promise<Map<string, SnapshotRow>> {
  const rows = new Map<string, SnapshotRow>();
  if (!snapshot.hasFiles) return rows;
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  for await (const { id, line } of snapshot.documents(STORAGE)) {
    const { sha256, size, contentType, internalId } = parseExported(line.toString("utf8"));
    rows.set(id, { sha256: text(sha256) ?? "", size: Number(size), contentType: text(contentType), internalId: text(internalId) });
  }
  return rows;
}

/** The app's own way first, which is the one that must work. Without its functions: what the backend shows, and what an import keeps. */
async function address(instance: ConvexInstance, { id, internalId }: StoredFile, row: SnapshotRow | undefined): Promise<string | undefined> {
  if (internalId !== undefined) return internalId;
  try {
    const url = await instance.call("query", "storage:getFileUrl", { storageId: id });
    return typeof url === "string" ? new URL(url).pathname.split("/").at(-1) : undefined;
  } catch (error) {
    if (error instanceof ConvexFailure && error.reason === "no-function") return row?.internalId;
    throw error;
  }
}

const FIXES = {
  missing: "import the snapshot again",
  row: "the file was stored anew since; if nobody should have, import the snapshot again",
  surplus: "it was stored since, or before without --replace-everything; if nobody should have, find out who writes there",
  lost: "the object store lacks it: restore it from a backup (gvfx data restore), or import the snapshot again",
  content: "the object store changed it: restore it from a backup (gvfx data restore), or import the snapshot again",
} as const;

class Findings {
  private readonly found = new Map<keyof typeof FIXES, { listed: Problem[]; more: number }>();

  add(kind: keyof typeof FIXES, id: string, what: string): void {
    const { listed, more } = this.found.get(kind) ?? { listed: [], more: 0 };
    const full = listed.length >= LISTED;
    this.found.set(kind, { listed: full ? listed : [...listed, { place: `${STORAGE} ${id}`, what, fix: FIXES[kind] }], more: more + (full ? 1 : 0) });
  }

  problems(): Problem[] {
    return [...this.found.values()].flatMap(({ listed, more }) => listed.map((problem, i) => (i === listed.length - 1 && more > 0 ? { ...problem, more } : problem)));
  }
}
