/** Documents in tables, in a database that keeps them over restarts. */
import { INDEXES, STORAGE_TABLE } from "../schema";
import { newDocument, patched, type StoredDocument } from "../values/document";
import type { IndexRange, Reader, Writer } from "./documents";
import { Lease } from "./lease";
import type { Database, Sql } from "./sql";
import { Relation, type Table } from "./tables";
import { Turns } from "./turns";

/** Convex numbers user tables from here. */
const FIRST_TABLE_NUMBER = 10_001;

export class DocumentStore {
  private readonly turns = new Turns();
  private tablesByName = new Map<string, Table>();

  private constructor(private readonly db: Database, private readonly lease: Lease, private readonly lost: (error: Error) => void) {}

  /**
   * Takes the lease and makes what is missing.
   * @param lost called by the first write after another backend took the lease
   */
  static async open(db: Database, lost: (error: Error) => void): Promise<DocumentStore> {
    const store = new DocumentStore(db, await Lease.take(db), lost);
    await store.write(async (sql) => {
      await sql.all("CREATE TABLE IF NOT EXISTS tables (name text PRIMARY KEY, number integer NOT NULL, relation integer NOT NULL UNIQUE)");
      await sql.all("CREATE TABLE IF NOT EXISTS facts (name text PRIMARY KEY, value text NOT NULL)");
    });
    await store.load();
    await store.ensure([STORAGE_TABLE, ...Object.keys(INDEXES)]);
    return store;
  }

  private async load(): Promise<void> {
    const rows = await this.db.reads.all("SELECT name, number, relation FROM tables ORDER BY number");
    this.tablesByName = new Map(rows.map((row) => [row.name as string, { name: row.name as string, number: Number(row.number), relation: Number(row.relation) }]));
  }

  /** A transaction under the lease. */
  private async write<T>(run: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await this.db.transaction(async (sql) => {
        await this.lease.hold(sql);
        return run(sql);
      });
    } catch (error) {
      if (error instanceof Error && error.name === "LeaseLost") this.lost(error);
      throw error;
    }
  }

  /** All tables by number, the system's own (with _) included. */
  tables(): Table[] {
    return [...this.tablesByName.values()];
  }

  /** Makes the tables that are not there yet. */
  private async ensure(names: readonly string[]): Promise<void> {
    if (names.every((name) => this.tablesByName.has(name))) return;
    await this.turns.inTurn(["tables"], async () => {
      for (const name of names) {
        if (this.tablesByName.has(name)) continue;
        const number = Math.max(FIRST_TABLE_NUMBER - 1, ...this.tables().map((table) => table.number)) + 1;
        const table = await this.write(async (sql) => {
          const made = { name, number, relation: await this.newRelation(sql, name) };
          await sql.all("INSERT INTO tables VALUES ($1, $2, $3)", [name, number, made.relation]);
          return made;
        });
        this.tablesByName.set(name, table);
      }
    });
  }

  private async newRelation(sql: Sql, table: string): Promise<number> {
    const [row] = await sql.all("INSERT INTO facts VALUES ('relations', '1') ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(facts.value AS integer) + 1 AS text) RETURNING value");
    const number = Number(row.value);
    await new Relation(sql, this.db.dialect, number).create(table);
    return number;
  }

  private relation(sql: Sql, name: string): Relation | undefined {
    const table = this.tablesByName.get(name);
    return table && new Relation(sql, this.db.dialect, table.relation);
  }

  private reader(sql: Sql): Reader {
    return {
      range: async (query: IndexRange) => (await this.relation(sql, query.table)?.range(query)) ?? [],
      scan: (table, equal) => this.relation(sql, table)?.scan(equal) ?? none(),
      get: async (table, id) => this.relation(sql, table)?.get(id),
    };
  }

  private writer(sql: Sql): Writer {
    const relation = (name: string) => {
      const found = this.relation(sql, name);
      if (!found) throw new Error(`table ${name} was not announced by the mutation that writes it`);
      return found;
    };
    return {
      ...this.reader(sql),
      async insert(table, rows) {
        const documents = rows.map(newDocument);
        await relation(table).insert(documents);
        return documents;
      },
      async patch(table, changes) {
        await relation(table).replace(changes.map(({ document, fields }) => patched(document, fields)));
      },
      remove: (table, ids) => relation(table).remove(ids),
    };
  }

  query<T>(run: (db: Reader) => Promise<T>): Promise<T> {
    return this.turns.shared(() => run(this.reader(this.db.reads)));
  }

  /** @param tables those it writes: two mutations of one table run one after the other */
  async mutate<T>(tables: readonly string[], run: (db: Writer) => Promise<T>): Promise<T> {
    for (;;) {
      await this.ensure(tables);
      const done = await this.turns.inTurn(tables, async () => {
        // An import may have removed one while this waited.
        if (tables.some((name) => !this.tablesByName.has(name))) return undefined;
        return { result: await this.write((sql) => run(this.writer(sql))) };
      });
      if (done) return done.result;
    }
  }

  async count(table: string): Promise<number> {
    return this.turns.shared(async () => (await this.relation(this.db.reads, table)?.count()) ?? 0);
  }

  /** Facts are small texts of the double's own: states of exports and imports. */
  async fact(name: string): Promise<string | undefined> {
    const [row] = await this.db.reads.all("SELECT value FROM facts WHERE name = $1", [name]);
    return row?.value as string | undefined;
  }

  async setFact(name: string, value: string): Promise<void> {
    await this.write((sql) => sql.all("INSERT INTO facts VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", [name, value]));
  }

  /** Reads all tables as they are at one moment. */
  snapshot<T>(run: (tables: { table: Table; documents: () => AsyncIterable<StoredDocument> }[]) => Promise<T>): Promise<T> {
    return this.db.snapshot((sql) => run(this.tables().map((table) => ({ table, documents: () => new Relation(sql, this.db.dialect, table.relation).scan() }))));
  }

  close(): Promise<void> {
    return this.db.close();
  }
}

async function* none(): AsyncGenerator<StoredDocument> {}
