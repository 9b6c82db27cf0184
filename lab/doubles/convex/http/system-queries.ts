/** The system queries that the CLI and operators use; for admins only. */
import type { Deployments } from "../deploy/deployments";
import type { EnvironmentVariables } from "../deploy/environment";
import { FUNCTIONS } from "../functions/registry";
import { STORAGE_TABLE } from "../schema";
import { fileEntry } from "../storage-files";
import type { DocumentStore } from "../store/store";
import type { Exports } from "../transfer/export";
import type { ImportRecord, Imports } from "../transfer/imports";
import { fieldsOf, type StoredDocument } from "../values/document";
import type { Fields, Value } from "../values/value";
import { schemaJson } from "./deploy";

export interface SystemParts {
  readonly store: DocumentStore;
  readonly exports: Exports;
  readonly imports: Imports;
  readonly deployments: Deployments;
  readonly environment: EnvironmentVariables;
  /** The instance's address, as its clients see it. */
  readonly cloudOrigin: string;
  /** When tables can be counted, milliseconds since 1970. */
  readonly countsFrom: number;
}

/** Not now; the caller may try again. */
export class SystemUnavailable extends Error {
  override readonly name = "SystemUnavailable";
  constructor(readonly reason: string, message: string) {
    super(message);
  }
}

/** Without the checkpoints by table of the real one. */
function importValue({ id, requested, mode, state }: ImportRecord): Fields {
  const told = state.state === "completed" ? { ...state, num_rows_written: BigInt(state.num_rows_written) } : state;
  return { _id: id, _creationTime: requested, component_path: null, format: { format: "zip" }, mode, requestor: { type: "snapshotImport" }, state: { ...told } as Fields };
}

function exportValue(exports: Exports): Value {
  const latest = exports.latest;
  if (!latest) return null;
  if (latest.state !== "completed") return { state: latest.state, start_ts: BigInt(latest.start_ts) };
  return { state: latest.state, start_ts: BigInt(latest.start_ts), complete_ts: BigInt(latest.complete_ts), zip_object_key: latest.zip_object_key };
}

/** Queries may not answer more at once. */
const MAX_PAGE = 10_000;

/** A file's metadata as functions see it: its size is a float, and it says nothing of objects. */
function publicDocument(table: string, document: StoredDocument): Fields {
  if (table !== STORAGE_TABLE) return fieldsOf(document);
  const { contentType, sha256, size } = fileEntry(fieldsOf(document));
  return { _id: document.id, _creationTime: document.creationTime, contentType, sha256, size };
}

/** A page of a table; the cursor is the last document's place in the order. */
async function tableData({ store }: SystemParts, args: Fields): Promise<Value> {
  const { table, order = "asc", paginationOpts } = args as { table: string; order?: "asc" | "desc"; paginationOpts: { cursor: string | null; numItems: number } };
  const [creationTime, id] = paginationOpts.cursor === null ? [] : (JSON.parse(paginationOpts.cursor) as [number, string]);
  const limit = Math.min(paginationOpts.numItems, MAX_PAGE);
  const found = await store.page(table, { order, limit, after: creationTime === undefined || id === undefined ? undefined : { creationTime, id } });
  const last = found.at(-1);
  return { page: found.map((document) => publicDocument(table, document)), isDone: found.length < limit, continueCursor: last ? JSON.stringify([last.creationTime, last.id]) : (paginationOpts.cursor ?? "[]") };
}

/** Functions whose modules were deployed, as far as the double has them; it says nothing of their arguments. */
function functionSpecs({ deployments }: SystemParts): Value {
  const kinds = { query: "Query", mutation: "Mutation", action: "Action" } as const;
  const there = Object.entries(FUNCTIONS).filter(([path]) => deployments.has(path));
  return there.map(([path, { kind }]) => ({ identifier: path.replace(":", ".js:"), functionType: kinds[kind], visibility: { kind: "public" }, args: { type: "any" }, returns: { type: "any" } }));
}

function count({ store, countsFrom }: SystemParts, table: string): Promise<number> {
  if (Date.now() < countsFrom) throw new SystemUnavailable("TableSummariesUnavailable", "Table summary unavailable (still bootstrapping)");
  return store.count(table);
}

const QUERIES: Readonly<Record<string, (parts: SystemParts, args: Fields) => Value | Promise<Value>>> = {
  "_system/cli/tables": ({ store }) => {
    const names = store.tables().map(({ name }) => name).filter((name) => !name.startsWith("_"));
    return { page: names.map((name) => ({ name })), isDone: true, continueCursor: "end" };
  },
  "_system/cli/tableSize": (parts, args) => count(parts, args.tableName as string),
  "_system/cli/tableData": tableData,
  "_system/cli/modules:apiSpec": functionSpecs,
  "_system/frontend/getSchemas": ({ deployments }) => {
    const { declared } = deployments.latest ?? {};
    return declared ? { active: JSON.stringify(schemaJson(declared.tables, declared.indexes, declared.schemaValidation)) } : {};
  },
  "_system/cli/convexUrl:cloudUrl": ({ cloudOrigin }) => cloudOrigin,
  "_system/cli/queryEnvironmentVariables": ({ environment }) => environment.list(),
  "_system/cli/queryEnvironmentVariables:get": async ({ environment }, args) => (await environment.list()).find(({ name }) => name === args.name) ?? null,
  "_system/cli/exports:getLatest": ({ exports }) => exportValue(exports),
  "_system/cli/queryImport:list": ({ imports }) => imports.list().map(importValue),
  "_system/cli/queryImport": ({ imports }, args) => {
    const record = imports.get(args.importId as string);
    return record ? importValue(record) : null;
  },
};

/** @throws when there is no such query */
export async function systemQuery(parts: SystemParts, path: string, args: Fields): Promise<Value> {
  const name = path.replace(/\.js(?=:|$)/, "").replace(/:default$/, "");
  if (!Object.hasOwn(QUERIES, name)) throw new Error(`Could not find system query '${path}'. The Convex double has ${Object.keys(QUERIES).join(", ")}.`);
  return QUERIES[name](parts, args);
}
