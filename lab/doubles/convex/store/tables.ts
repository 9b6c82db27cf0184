/** SQL for the documents of one table: a relation of its own, documents_<n>, with the schema's indexes. */
import { INDEXES } from "../schema";
import type { StoredDocument } from "../values/document";
import type { IndexRange } from "./documents";
import type { Dialect, Param, Row, Sql } from "./sql";

export interface Table {
  readonly name: string;
  /** The number that Convex gives a table; it survives export and import. */
  readonly number: number;
  /** Number of the relation that holds the documents: documents_<relation>. */
  readonly relation: number;
}

/** Documents in the order of their creation. */
export interface Page {
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** The page begins after it. @default at the beginning */
  readonly after?: Pick<StoredDocument, "id" | "creationTime">;
}

/** A page of a scan: large enough that the way to the database does not count, small enough to keep memory flat. */
const PAGE = 1000;

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function document(row: Row): StoredDocument {
  return { id: row.id as string, creationTime: Number(row.creation_time), text: row.doc as string };
}

export class Relation {
  readonly name: string;
  private readonly columns: string;
  constructor(private readonly sql: Sql, private readonly dialect: Dialect, relation: number) {
    this.name = `documents_${relation}`;
    this.columns = `id, creation_time, ${dialect.text("doc")} AS doc`;
  }

  private field(name: string): string {
    return `((doc->>${literal(name)}) ${this.dialect.bytewise})`;
  }

  async create(): Promise<void> {
    const { json, float } = this.dialect;
    await this.sql.all(`CREATE TABLE ${this.name} (id text PRIMARY KEY, creation_time ${float} NOT NULL, doc ${json} NOT NULL)`);
  }

  /** The schema's indexes for a table of this name, and one by age. Filling is several times faster without. */
  async index(table: string): Promise<void> {
    const indexes = Object.hasOwn(INDEXES, table) ? Object.values(INDEXES[table]) : [];
    for (const [i, fields] of [...indexes, []].entries()) {
      await this.sql.all(`CREATE INDEX ${this.name}_${i} ON ${this.name} (${[...fields.map((field) => this.field(field)), "creation_time", "id"].join(", ")})`);
    }
  }

  async drop(): Promise<void> {
    await this.sql.all(`DROP TABLE ${this.name}`);
  }

  async range({ equal, by, order = "asc", limit }: IndexRange): Promise<StoredDocument[]> {
    const params: Param[] = [];
    const param = (value: string) => `$${params.push(value)}`;
    const conditions = equal.map(([field, value]) => (value === null ? `${this.field(field)} IS NULL` : `${this.field(field)} = ${param(value)}`));
    if (by?.from !== undefined) conditions.push(`${this.field(by.field)} >= ${param(by.from)}`);
    if (by?.to !== undefined) conditions.push(`${this.field(by.field)} <= ${param(by.to)}`);
    const where = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
    const direction = order.toUpperCase();
    // Missing values come first in Convex; NULLS FIRST on ascending, LAST on descending.
    const keys = [...(by ? [this.field(by.field)] : []), "creation_time", "id"].map((key) => `${key} ${direction}`);
    const last = limit === undefined ? "" : ` LIMIT ${Math.max(0, Math.floor(limit))}`;
    const rows = await this.sql.all(`SELECT ${this.columns} FROM ${this.name}${where} ORDER BY ${keys.join(", ")}${last}`, params);
    return rows.map(document);
  }

  /** Oldest first, a page at a time. */
  async *scan(equal: readonly (readonly [string, string])[] = []): AsyncGenerator<StoredDocument> {
    let after: StoredDocument | undefined;
    for (;;) {
      const params: Param[] = [];
      const conditions = equal.map(([field, value]) => `${this.field(field)} = $${params.push(value)}`);
      if (after) conditions.push(`(creation_time, id) > ($${params.push(after.creationTime)}, $${params.push(after.id)})`);
      const where = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
      const rows = await this.sql.all(`SELECT ${this.columns} FROM ${this.name}${where} ORDER BY creation_time, id LIMIT ${PAGE}`, params);
      const page = rows.map(document);
      yield* page;
      if (page.length < PAGE) return;
      after = page[page.length - 1];
    }
  }

  async page({ order, limit, after }: Page): Promise<StoredDocument[]> {
    const where = after ? ` WHERE (creation_time, id) ${order === "asc" ? ">" : "<"} ($1, $2)` : "";
    const direction = order.toUpperCase();
    const rows = await this.sql.all(`SELECT ${this.columns} FROM ${this.name}${where} ORDER BY creation_time ${direction}, id ${direction} LIMIT ${Math.max(0, Math.floor(limit))}`, after ? [after.creationTime, after.id] : []);
    return rows.map(document);
  }

  async get(id: string): Promise<StoredDocument | undefined> {
    const [row] = await this.sql.all(`SELECT ${this.columns} FROM ${this.name} WHERE id = $1`, [id]);
    return row && document(row);
  }

  async count(): Promise<number> {
    const [row] = await this.sql.all(`SELECT count(*) AS n FROM ${this.name}`);
    return Number(row.n);
  }

  async insert(documents: readonly StoredDocument[]): Promise<void> {
    if (documents.length === 0) return;
    await this.sql.all(`INSERT INTO ${this.name} (id, creation_time, doc) SELECT a, b, c FROM ${this.dialect.triples("$1")} AS new`, [triples(documents)]);
  }

  async replace(documents: readonly StoredDocument[]): Promise<void> {
    if (documents.length === 0) return;
    await this.sql.all(`UPDATE ${this.name} SET doc = new.c FROM ${this.dialect.triples("$1")} AS new WHERE id = new.a`, [triples(documents)]);
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.sql.all(`DELETE FROM ${this.name} WHERE id IN (${this.dialect.strings("$1")})`, [JSON.stringify(ids)]);
  }
}

function triples(documents: readonly StoredDocument[]): string {
  return JSON.stringify(documents.map(({ id, creationTime, text }) => [id, creationTime, text]));
}
