/** What a function may do with documents, inside its transaction. */
import type { StoredDocument } from "../values/document";
import type { Fields } from "../values/value";

export interface IndexRange {
  readonly table: string;
  /** Leading fields of an index with the value each must have; null also finds documents without the field. */
  readonly equal: readonly (readonly [field: string, value: string | null])[];
  /** The index's next field: bounds (both included), and the order of the answer. Without it, creation time orders. */
  readonly by?: { readonly field: string; readonly from?: string; readonly to?: string };
  /** @default "asc" */
  readonly order?: "asc" | "desc";
  /** @default all */
  readonly limit?: number;
}

export interface Reader {
  range(query: IndexRange): Promise<StoredDocument[]>;
  /** Every document of a table, oldest first; of a table that is not there, none. Fields in `equal` narrow it. */
  scan(table: string, equal?: readonly (readonly [field: string, value: string])[]): AsyncIterable<StoredDocument>;
  get(table: string, id: string): Promise<StoredDocument | undefined>;
}

export interface Writer extends Reader {
  insert(table: string, rows: readonly Fields[]): Promise<StoredDocument[]>;
  patch(table: string, changes: readonly { readonly document: StoredDocument; readonly fields: Fields }[]): Promise<void>;
  remove(table: string, ids: readonly string[]): Promise<void>;
}
