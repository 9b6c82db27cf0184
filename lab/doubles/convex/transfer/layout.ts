/** What lies where in a snapshot. */
import { STORAGE_TABLE } from "../schema";

export const README = "README.md";
export const TABLES_PATH = "_tables/documents.jsonl";
export const STORAGE_PATH = `${STORAGE_TABLE}/documents.jsonl`;
export const documentsPath = (table: string) => `${table}/documents.jsonl`;
export const schemaPath = (table: string) => `${table}/generated_schema.jsonl`;

/** Table names that Convex takes from a user. */
export const TABLE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

const EXTENSIONS: Readonly<Record<string, string>> = {
  "text/plain": ".txt",
  "text/csv": ".csv",
  "text/html": ".html",
  "application/json": ".json",
  "application/zip": ".zip",
  "application/pdf": ".pdf",
  "image/png": ".png",
  "image/jpeg": ".jpeg",
};

/** A file's path; the extension is for whoever unpacks the snapshot, import goes by the id. */
export function filePath(id: string, contentType?: string): string {
  return `${STORAGE_TABLE}/${id}${EXTENSIONS[contentType?.split(";")[0].trim() ?? ""] ?? ""}`;
}

/** A user table's name by the path of its documents. */
export function tableOf(path: string): string | undefined {
  const [, table] = /^([^/_][^/]*)\/documents\.jsonl$/.exec(path) ?? [];
  return table;
}

/** A stored file's id by its path. */
export function fileOf(path: string): string | undefined {
  const [, id] = path === STORAGE_PATH ? [] : (/^_storage\/([^/.]+)(?:\.[^/]*)?$/.exec(path) ?? []);
  return id;
}
