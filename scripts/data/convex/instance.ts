/** A running Convex, as the CLI and the app ask it: tables, counts, documents, imports, stored files. */
import { createHash } from "node:crypto";
import type { Value } from "convex/values";
import { Duration } from "../../../contracts/units";
import { request } from "../../clients/http";
import type { ConvexAccess } from "./access";
import { ConvexApi, ConvexFailure, isTooLarge, type ApiOptions, type FunctionKind } from "./api";
import type { Fields } from "./values";

/** A backend that has just begun counts its tables first: a minute for millions of rows. */
const SUMMARIES_PATIENCE = Duration.minutes(3);
/** What the backend reads for one page at most is 5 MB; a page of large rows is asked for again, smaller. */
const PAGE_ROWS = 1_000;

/** What `_system/cli/queryImport` tells of an import. */
export interface ImportStatus {
  readonly id: string;
  readonly state: "uploaded" | "waiting_for_confirmation" | "in_progress" | "completed" | "failed";
  /** What the backend says of it: what it would change, how far it is, or why it failed. */
  readonly message: string | undefined;
  /** Documents that it wrote, once it is completed. */
  readonly written: number | undefined;
}

/** A row of `_storage`. */
export interface StoredFile {
  readonly id: string;
  /** Base64. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string | undefined;
  /** Part of the file's address, where the backend shows it. */
  readonly internalId: string | undefined;
}

export interface InstanceOptions extends ApiOptions {
  /** How long counts are waited for after a boot. @default 3 min */
  readonly summariesPatience?: Duration;
}

export class ConvexInstance {
  private readonly api: ConvexApi;
  constructor(readonly access: ConvexAccess, private readonly options: InstanceOptions = {}) {
    this.api = new ConvexApi(access, options);
  }

  /** What GET /version says. @throws Unreachable when nobody answers */
  async version(): Promise<string> {
    const answer = await request(`${this.access.address}/version`, { signal: this.options.signal });
    if (answer.status !== 200) throw new ConvexFailure("refused", `Convex of ${this.access.side} at ${this.access.address} answered with status ${answer.status} to /version: something else may listen there`);
    return answer.text.trim();
  }

  /** Names of the tables, sorted, without the system's own. A table of the schema is there before its first row. */
  async tables(): Promise<string[]> {
    const { page } = (await this.api.system("_system/cli/tables:default", { paginationOpts: { cursor: null, numItems: 10_000 } })) as unknown as { page: readonly { readonly name: string }[] };
    return page.map(({ name }) => name).sort();
  }

  /** Documents in a table. Waits while the backend has not counted its tables yet. */
  async count(table: string): Promise<number> {
    const deadline = Date.now() + (this.options.summariesPatience ?? SUMMARIES_PATIENCE).milliseconds;
    for (;;) {
      try {
        return Number(await this.api.system("_system/cli/tableSize:default", { tableName: table }));
      } catch (error) {
        if (!/TableSummariesUnavailable|table summaries/i.test((error as Error).message)) throw error;
        if (Date.now() >= deadline) throw new ConvexFailure("unavailable", `Convex of ${this.access.side} has not counted its tables after ${this.options.summariesPatience ?? SUMMARIES_PATIENCE} (TableSummariesUnavailable): it does so after each start; see its log, and try again`);
        await this.api.pause();
      }
    }
  }

  /** Documents by table, tables without any included. */
  async counts(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const table of await this.tables()) counts.set(table, await this.count(table));
    return counts;
  }

  /**
   * Documents of a table by their creation time, page by page.
   * @param order @default "asc"
   * @param pageRows for who wants only the first few. @default 1000
   */
  async *documents(table: string, order: "asc" | "desc" = "asc", pageRows = PAGE_ROWS): AsyncGenerator<Fields> {
    let cursor: string | null = null;
    let numItems = pageRows;
    for (;;) {
      let answer: { readonly page: readonly Fields[]; readonly isDone: boolean; readonly continueCursor: string };
      try {
        answer = (await this.api.system("_system/cli/tableData:default", { table, order, paginationOpts: { cursor, numItems } })) as unknown as typeof answer;
      } catch (error) {
        // Rows with artefacts in them are large.
        if (!isTooLarge(error) || numItems === 1) throw error;
        numItems = Math.max(1, Math.floor(numItems / 4));
        continue;
      }
      yield* answer.page;
      if (answer.isDone) return;
      cursor = answer.continueCursor;
    }
  }

  /** The stored files' rows. */
  async *files(): AsyncGenerator<StoredFile> {
    const text = (value: Value | undefined): string | undefined => (typeof value === "string" ? value : undefined);
    for await (const row of this.documents("_storage")) {
      yield { id: String(row._id), sha256: text(row.sha256) ?? "", size: Number(row.size), contentType: text(row.contentType), internalId: text(row.internalId) };
    }
  }

  /**
   * A public function of the app. Only queries are asked again while the backend is away: of a mutation nobody knows whether it was done.
   * @throws ConvexFailure "no-function" when the app's functions are not deployed
   */
  call(kind: FunctionKind, path: string, args: Readonly<Record<string, Value>>): Promise<Value> {
    return this.api.call(kind, path, args);
  }

  /** A call of the admin's HTTP API that is no function: a small JSON, or a part of an upload. @throws ConvexFailure unless it was done */
  admin(path: string, body: Uint8Array<ArrayBuffer> | Readonly<Record<string, unknown>> | undefined): Promise<unknown> {
    return this.api.admin(path, body);
  }

  /** Imports that the backend knows, newest first where it sorts them. */
  async imports(): Promise<ImportStatus[]> {
    const list = (await this.api.system("_system/cli/queryImport:list", {})) as unknown as readonly Fields[];
    return list.map(importStatus);
  }

  /** One import; undefined when the backend does not know it. */
  async importStatus(importId: string): Promise<ImportStatus | undefined> {
    const found = (await this.api.system("_system/cli/queryImport:default", { importId })) as Fields | null;
    return found === null ? undefined : importStatus(found);
  }

  /** State of the newest export; undefined when there was none. */
  async exportState(): Promise<string | undefined> {
    const found = (await this.api.system("_system/cli/exports:getLatest", {})) as Fields | null;
    return found === null ? undefined : String(found.state);
  }

  /**
   * Fetches a stored file and hashes it, without keeping it.
   * @param internalId of its address, /api/storage/<internalId>
   * @returns undefined when there is no such file
   */
  async hashFile(internalId: string): Promise<{ readonly sha256: string; readonly size: number } | undefined> {
    const response = await fetch(`${this.access.address}/api/storage/${encodeURIComponent(internalId)}`, { signal: this.options.signal });
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      if (response.status === 404) return undefined;
      throw new ConvexFailure("refused", `Convex of ${this.access.side} answered with status ${response.status} to the stored file ${internalId}`);
    }
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { sha256: hash.digest("base64"), size };
  }
}

function importStatus(row: Fields): ImportStatus {
  const state = row.state as Fields;
  const text = (value: Value | undefined): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
  return {
    id: String(row._id),
    state: state.state as ImportStatus["state"],
    message: text(state.error_message) ?? text(state.message_to_confirm) ?? text(state.progress_message),
    written: state.state === "completed" ? Number(state.num_rows_written) : undefined,
  };
}
