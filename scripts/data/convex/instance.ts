/** A running Convex, as the CLI and the app ask it: system queries by the admin key, public functions, stored files. */
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { request, Unreachable, type Answer } from "../../clients/http";
import type { ConvexAccess } from "./access";
import type { Fields } from "./values";

/** Reading a page of 5 MB, or counting a table right after a boot, takes the backend seconds. */
const ANSWER_TIMEOUT = Duration.minutes(1);
/** A backend that has just begun counts its tables first: a minute for millions of rows. */
const SUMMARIES_PATIENCE = Duration.minutes(3);
/** A backend that restarts is back within this time, or somebody has to look. */
const READ_PATIENCE = Duration.seconds(30);
const RETRY_EVERY = Duration.seconds(1);
/** What the backend reads for one page at most is 5 MB; a page of large rows is asked for again, smaller. */
const PAGE_ROWS = 1_000;
/** A failed function: the backend's own status. */
const FUNCTION_FAILED = 560;
const MAX_COMPLAINT = 300;

export type FunctionKind = "query" | "mutation" | "action";

/** What `_system/cli/queryImport` tells of an import. */
export interface ImportStatus {
  readonly id: string;
  readonly state: "uploaded" | "waiting_for_confirmation" | "in_progress" | "completed" | "failed";
  /** What the backend says of it: what it would change, how far it is, or why it failed. */
  readonly message: string | undefined;
  /** Documents and files, once it is completed. */
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

export type ConvexFailureReason = "key-refused" | "no-function" | "function-failed" | "unavailable" | "refused";

/** Convex answered, and did not do what was asked. */
export class ConvexFailure extends Error {
  override readonly name = "ConvexFailure";
  constructor(readonly reason: ConvexFailureReason, message: string) {
    super(message);
  }
}

export interface InstanceOptions {
  readonly signal?: AbortSignal;
  /** How long a question that changes nothing is asked again while the backend is unavailable. @default 30 s */
  readonly patience?: Duration;
  /** How long counts are waited for after a boot. @default 3 min */
  readonly summariesPatience?: Duration;
}

const answerSchema = z.object({ status: z.enum(["success", "error"]), value: z.unknown().optional(), errorMessage: z.string().optional() });
const refusalSchema = z.object({ code: z.string(), message: z.string() });

export class ConvexInstance {
  constructor(readonly access: ConvexAccess, private readonly options: InstanceOptions = {}) {}

  /** What GET /version says. @throws Unreachable when nobody answers */
  async version(): Promise<string> {
    const answer = await request(`${this.access.address}/version`, { signal: this.options.signal });
    if (answer.status !== 200) throw new ConvexFailure("refused", `Convex of ${this.access.side} at ${this.access.address} answered with status ${answer.status} to /version: something else may listen there`);
    return answer.text.trim();
  }

  /** Names of the tables, sorted, without the system's own. A table of the schema is there before its first row. */
  async tables(): Promise<string[]> {
    const { page } = (await this.system("_system/cli/tables:default", { paginationOpts: { cursor: null, numItems: 10_000 } })) as unknown as { page: readonly { readonly name: string }[] };
    return page.map(({ name }) => name).sort();
  }

  /** Documents in a table. Waits while the backend has not counted its tables yet. */
  async count(table: string): Promise<number> {
    const deadline = Date.now() + (this.options.summariesPatience ?? SUMMARIES_PATIENCE).milliseconds;
    for (;;) {
      try {
        return Number(await this.system("_system/cli/tableSize:default", { tableName: table }));
      } catch (error) {
        if (!/TableSummariesUnavailable|table summaries/i.test((error as Error).message)) throw error;
        if (Date.now() >= deadline) throw new ConvexFailure("unavailable", `Convex of ${this.access.side} has not counted its tables after ${this.options.summariesPatience ?? SUMMARIES_PATIENCE} (TableSummariesUnavailable): it does so after each start; see its log, and try again`);
        await this.pause();
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
   */
  async *documents(table: string, order: "asc" | "desc" = "asc"): AsyncGenerator<Fields> {
    let cursor: string | null = null;
    let numItems = PAGE_ROWS;
    for (;;) {
      let answer: { readonly page: readonly Fields[]; readonly isDone: boolean; readonly continueCursor: string };
      try {
        answer = (await this.system("_system/cli/tableData:default", { table, order, paginationOpts: { cursor, numItems } })) as unknown as typeof answer;
      } catch (error) {
        // Rows with artefacts in them are large.
        if (!(error instanceof Unreachable && /more than \d+ bytes/.test(error.message)) || numItems === 1) throw error;
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
    return this.ask(kind, path, args, false);
  }

  /** Imports that the backend knows, newest first where it sorts them. */
  async imports(): Promise<ImportStatus[]> {
    const list = (await this.system("_system/cli/queryImport:list", {})) as unknown as readonly Fields[];
    return list.map(importStatus);
  }

  /** One import; undefined when the backend does not know it. */
  async importStatus(importId: string): Promise<ImportStatus | undefined> {
    const found = (await this.system("_system/cli/queryImport:default", { importId })) as Fields | null;
    return found === null ? undefined : importStatus(found);
  }

  /** State of the newest export; undefined when there was none. */
  async exportState(): Promise<string | undefined> {
    const found = (await this.system("_system/cli/exports:getLatest", {})) as Fields | null;
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

  /** Any call of the admin API: a small JSON, or a part of an upload. @throws ConvexFailure unless it was done */
  async admin(path: string, body: Uint8Array<ArrayBuffer> | Readonly<Record<string, unknown>> | undefined): Promise<unknown> {
    const binary = body instanceof Uint8Array;
    const key = await this.access.adminKey();
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.access.address}${path}`, {
        method: "POST",
        signal: this.options.signal,
        headers: { authorization: `Convex ${key}`, "content-type": binary ? "application/octet-stream" : "application/json" },
        ...(body === undefined ? {} : { body: binary ? body : JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      throw new Unreachable("other", `${new URL(this.access.address).host}: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`);
    }
    if (response.status !== 200) throw this.failure(response.status, text, path.split("?")[0], key);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** By the admin key; asked again while the backend is away, since it changes nothing. */
  private system(path: string, args: Readonly<Record<string, Value>>): Promise<Value> {
    return this.ask("query", path, args, true);
  }

  private async ask(kind: FunctionKind, path: string, args: Readonly<Record<string, Value>>, asAdmin: boolean): Promise<Value> {
    const key = asAdmin ? await this.access.adminKey() : undefined;
    const body = JSON.stringify({ path, args: [convexToJson(args)], format: "convex_encoded_json" });
    const headers = { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Convex ${key}` }) };
    const deadline = kind === "query" ? Date.now() + (this.options.patience ?? READ_PATIENCE).milliseconds : 0;
    for (;;) {
      try {
        const answer = await request(`${this.access.address}/api/${kind}`, { method: "POST", headers, body, signal: this.options.signal, answerTimeout: ANSWER_TIMEOUT });
        return this.read(answer, path, key);
      } catch (error) {
        const away = (error instanceof ConvexFailure && error.reason === "unavailable") || (error instanceof Unreachable && ["refused", "other"].includes(error.reason) && !/more than \d+ bytes/.test(error.message));
        if (!away || Date.now() >= deadline || this.options.signal?.aborted) throw error;
        await this.pause();
      }
    }
  }

  private read(answer: Answer, path: string, key: string | undefined): Value {
    if (answer.status !== 200 && answer.status !== FUNCTION_FAILED) throw this.failure(answer.status, answer.text, path, key);
    const { status, value, errorMessage = "" } = answerSchema.parse(JSON.parse(answer.text));
    if (status === "success") return jsonToConvex(value as Parameters<typeof jsonToConvex>[0]);
    if (/could not find (public )?function/i.test(errorMessage)) throw new ConvexFailure("no-function", `Convex of ${this.access.side} has no function ${path}: the app's functions are not deployed there; deploy them (gvfx data move does), then run this again`);
    throw new ConvexFailure("function-failed", `${path} failed at Convex of ${this.access.side}: ${this.shown(errorMessage, key)}`);
  }

  private failure(status: number, text: string, what: string, key: string | undefined): ConvexFailure {
    const { side, address } = this.access;
    if (status === 401 || status === 403) return new ConvexFailure("key-refused", `Convex of ${side} at ${address} refuses the admin key (status ${status}): it is of another instance or of another secret; see which one is used: gvfx data admin-key --side ${side}`);
    let said = text;
    try {
      const { code, message } = refusalSchema.parse(JSON.parse(text));
      said = `${code}: ${message}`;
    } catch {
      // Not Convex's own JSON: a proxy's page, say.
    }
    return new ConvexFailure(status === 503 || status === 502 || status === 504 ? "unavailable" : "refused", `Convex of ${side} at ${address} answered with status ${status} to ${what}: ${this.shown(said, key)}`);
  }

  private shown(text: string, key: string | undefined): string {
    const kept = key === undefined ? text : text.replaceAll(key, "<admin key>");
    return kept.trim().slice(0, MAX_COMPLAINT) || "(nothing)";
  }

  private async pause(): Promise<void> {
    await wait(RETRY_EVERY.milliseconds, undefined, { signal: this.options.signal });
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
