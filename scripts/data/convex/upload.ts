/** A snapshot's upload in parts, as the CLI makes it, with a record on disk: an upload that broke off goes on with the next part. */
import { existsSync } from "node:fs";
import { appendFile, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { Unreachable } from "../../clients/http";
import { silentProgress, type Progress } from "../progress";
import { ConvexFailure } from "./api";
import type { ConvexInstance } from "./instance";

/** The backend takes no smaller part but the last, and fewer than 10,000 of them (get-convex/convex-backend, npm-packages/convex convexImport.ts). */
const PART_BYTES = 5 * 2 ** 20;
const MAX_PARTS = 9_999;
/** A connection that breaks is tried again; a backend that restarts is back within this time. */
const PART_PATIENCE = Duration.minutes(1);
const RETRY_EVERY = Duration.seconds(1);

/** What is imported. */
export interface SnapshotFile {
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const headSchema = z.object({ kind: z.literal("upload"), address: z.string(), instance: z.string(), sha256: z.string(), bytes: z.number(), partBytes: z.number(), uploadToken: z.string() });
const partSchema = z.object({ kind: z.literal("part"), number: z.number(), token: z.unknown() });
const finishedSchema = z.object({ kind: z.literal("finished"), importId: z.string() });
const lineSchema = z.discriminatedUnion("kind", [headSchema, partSchema, finishedSchema]);

type Head = z.infer<typeof headSchema>;

/** What this machine knows of an upload that it began. */
export interface UploadRecord {
  readonly head: Head;
  /** Tokens of the parts that the backend has, in their order. */
  readonly parts: readonly unknown[];
  /** The import that came of it. */
  readonly importId: string | undefined;
}

export class UploadRecords {
  /** @param folder of one environment: .gvfx/<environment>/data/imports */
  constructor(private readonly folder: string) {}

  private file(instance: string, { sha256 }: SnapshotFile): string {
    return join(this.folder, `${instance}-${sha256.slice(0, 16)}.jsonl`);
  }

  /** Undefined when there is none, or it is of another backend, another file, or cannot be read. */
  async read(instance: string, address: string, snapshot: SnapshotFile): Promise<UploadRecord | undefined> {
    const file = this.file(instance, snapshot);
    if (!existsSync(file)) return undefined;
    const lines = (await readFile(file, "utf8")).split("\n").flatMap((text) => {
      // The last line may have been cut off; every other one is whole.
      try {
        return [lineSchema.parse(JSON.parse(text))];
      } catch {
        return [];
      }
    });
    const [head, ...rest] = lines;
    if (head?.kind !== "upload" || head.address !== address || head.instance !== instance || head.sha256 !== snapshot.sha256 || head.bytes !== snapshot.bytes) return undefined;
    const parts: unknown[] = [];
    for (const line of rest) if (line.kind === "part" && line.number === parts.length + 1) parts.push(line.token);
    return { head, parts, importId: rest.find((line) => line.kind === "finished")?.importId };
  }

  async begin(instance: string, snapshot: SnapshotFile, head: Head): Promise<void> {
    const file = this.file(instance, snapshot);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await rm(file, { force: true });
    await this.append(instance, snapshot, head);
  }

  async append(instance: string, snapshot: SnapshotFile, line: z.infer<typeof lineSchema>): Promise<void> {
    await appendFile(this.file(instance, snapshot), `${JSON.stringify(line)}\n`, { mode: 0o600 });
  }

  async remove(instance: string, snapshot: SnapshotFile): Promise<void> {
    await rm(this.file(instance, snapshot), { force: true });
  }
}

export interface UploadOptions {
  readonly records: UploadRecords;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Bytes. @default 5 MiB, or what keeps the parts under 10,000 */
  readonly partBytes?: number;
  /** How long one part is tried. @default 1 min */
  readonly patience?: Duration;
  /** Between two attempts. @default 1 s */
  readonly retryEvery?: Duration;
}

/**
 * Uploads a snapshot, or the rest of it, and hands it over for an import by replaceAll.
 * Nothing is replaced yet: the import waits for its confirmation.
 * @returns the import, and how many parts were there already
 */
export async function uploadSnapshot(instance: ConvexInstance, snapshot: SnapshotFile, options: UploadOptions): Promise<{ readonly importId: string; readonly resumedParts: number }> {
  const { records, progress = silentProgress, signal } = options;
  const name = await instance.access.instanceName();
  const { address, side } = instance.access;
  const known = await records.read(name, address, snapshot);
  const { head, parts } = known ?? { head: await begin(instance, name, snapshot, options), parts: [] };
  const tokens = [...parts];
  const step = progress.step(`upload to ${side} (${address})`, snapshot.bytes);
  step.advance(Math.min(snapshot.bytes, tokens.length * head.partBytes));
  const file = await open(snapshot.path, "r");
  try {
    for (let number = tokens.length + 1; (number - 1) * head.partBytes < snapshot.bytes; number++) {
      const start = (number - 1) * head.partBytes;
      const part = new Uint8Array(Math.min(head.partBytes, snapshot.bytes - start));
      const { bytesRead } = await file.read(part, 0, part.length, start);
      if (bytesRead !== part.length) throw new Error(`${snapshot.path} became shorter while it was uploaded; nothing was imported: export it again`);
      const token = await patiently(() => instance.admin(`/api/import/upload_part?uploadToken=${encodeURIComponent(head.uploadToken)}&partNumber=${number}`, part), options);
      tokens.push(token);
      await records.append(name, snapshot, { kind: "part", number, token });
      step.advance(part.length);
    }
    const { importId } = z.object({ importId: z.string() }).parse(await instance.admin("/api/import/finish_upload", { import: { mode: "replaceAll", format: "zip" }, uploadToken: head.uploadToken, partTokens: tokens }));
    await records.append(name, snapshot, { kind: "finished", importId });
    step.done(parts.length > 0 ? `went on after part ${parts.length} of an earlier upload` : undefined);
    return { importId, resumedParts: parts.length };
  } catch (error) {
    step.failed(signal?.aborted ? "interrupted" : "see below");
    // The backend forgot the upload, or it was handed over and the answer was lost: a new one begins from the first part.
    if (known && error instanceof ConvexFailure && error.reason === "refused") {
      await records.remove(name, snapshot);
      return uploadSnapshot(instance, snapshot, options);
    }
    throw error;
  } finally {
    await file.close();
  }
}

async function begin(instance: ConvexInstance, name: string, snapshot: SnapshotFile, { records, partBytes = PART_BYTES }: UploadOptions): Promise<Head> {
  const { uploadToken } = z.object({ uploadToken: z.string() }).parse(await instance.admin("/api/import/start_upload", undefined));
  const head: Head = { kind: "upload", address: instance.access.address, instance: name, sha256: snapshot.sha256, bytes: snapshot.bytes, partBytes: Math.max(partBytes, Math.ceil(snapshot.bytes / MAX_PARTS)), uploadToken };
  await records.begin(name, snapshot, head);
  return head;
}

/** A part that arrives twice counts once. */
async function patiently<T>(work: () => Promise<T>, { patience = PART_PATIENCE, retryEvery = RETRY_EVERY, signal }: UploadOptions): Promise<T> {
  const deadline = Date.now() + patience.milliseconds;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const passing = error instanceof Unreachable || (error instanceof ConvexFailure && error.reason === "unavailable");
      if (!passing || signal?.aborted || Date.now() >= deadline) throw error;
      await wait(retryEvery.milliseconds, undefined, { signal });
    }
  }
}
