/** The system queries that the CLI and operators use; for admins only. */
import type { DocumentStore } from "../store/store";
import type { Exports } from "../transfer/export";
import type { ImportRecord, Imports } from "../transfer/imports";
import type { Fields, Value } from "../values/value";

export interface SystemParts {
  readonly store: DocumentStore;
  readonly exports: Exports;
  readonly imports: Imports;
}

function importValue({ id, state }: ImportRecord): Fields {
  return { _id: id, state: (state.state === "completed" ? { ...state, num_rows_written: BigInt(state.num_rows_written) } : { ...state }) as Fields };
}

function exportValue(exports: Exports): Value {
  const latest = exports.latest;
  if (!latest) return null;
  if (latest.state !== "completed") return { state: latest.state, start_ts: BigInt(latest.start_ts) };
  return { state: latest.state, start_ts: BigInt(latest.start_ts), complete_ts: BigInt(latest.complete_ts), zip_object_key: latest.zip_object_key };
}

const QUERIES: Readonly<Record<string, (parts: SystemParts, args: Fields) => Value | Promise<Value>>> = {
  "_system/cli/tables": ({ store }) => {
    const names = store.tables().map(({ name }) => name).filter((name) => !name.startsWith("_"));
    return { page: names.map((name) => ({ name })), isDone: true, continueCursor: "end" };
  },
  "_system/cli/tableSize": ({ store }, args) => store.count(args.tableName as string),
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
