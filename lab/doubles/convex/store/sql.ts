/** What the document store needs of a database: Postgres in the cluster, SQLite on the legacy host. */
export type Param = string | number | null;
export type Row = Readonly<Record<string, unknown>>;

export interface Sql {
  /** Parameters are $1, $2, … */
  all(text: string, params?: readonly Param[]): Promise<Row[]>;
}

/** Pieces that the two databases spell differently. */
export interface Dialect {
  /** Type of a column that keeps JSON text to the letter and answers ->>. */
  readonly json: string;
  /** A column of type json, as text. */
  text(column: string): string;
  /** Makes text compare byte by byte, as Convex orders strings. */
  readonly bytewise: string;
  /** Type of a float column. */
  readonly float: string;
  /** FROM item that yields a JSON list's lists of three as columns a (text), b (float) and c (json). */
  triples(param: string): string;
  /** SELECT of a JSON list's strings. */
  strings(param: string): string;
}

export interface Database {
  readonly dialect: Dialect;
  /** Reads of one statement each. */
  readonly reads: Sql;
  /** A transaction that writes, or does nothing when `run` throws. */
  transaction<T>(run: (sql: Sql) => Promise<T>): Promise<T>;
  /** Reads that see one moment, whatever is written meanwhile. */
  snapshot<T>(run: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
