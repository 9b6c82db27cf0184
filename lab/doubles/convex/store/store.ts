/** Documents in tables, in a database that keeps them over restarts. */
import { INDEXES, STORAGE_TABLE } from "../schema";
import { newDocument, patched, type StoredDocument } from "../values/document";
import { Batches } from "./batches";
import type { IndexRange, Reader, Writer } from "./documents";
import { Lease } from "./lease";
import type { Database, Sql } from "./sql";
import { Relation, type Page, type Table } from "./tables";
import { Turns } from "./turns";

/** Convex numbers user tables from here, and the system's own below. */
const FIRST_TABLE_NUMBER = 10_001;
const FIRST_SYSTEM_NUMBER = 1;

/** A relation that no table uses yet, or no more. A restart drops it. */
export interface StagedTable {
  readonly name: string;
  readonly relation: number;
}
const STAGED = "staged:";

export class DocumentStore {
  private readonly turns = new Turns();
  private readonly batches = new Batches(
    (tables, run) => this.turns.inTurn(tables, run),
    (run) => this.write((sql) => run(this.writer(sql))),
  );
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
    await store.dropStaged();
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

  /** Makes the tables that are not there yet, as the deployment of a schema does. */
  make(names: readonly string[]): Promise<void> {
    return this.ensure(names);
  }

  /** Makes the tables that are not there yet. */
  private async ensure(names: readonly string[]): Promise<void> {
    if (names.every((name) => this.tablesByName.has(name))) return;
    await this.turns.inTurn(["tables"], async () => {
      for (const name of names) {
        if (this.tablesByName.has(name)) continue;
        const table = await this.write(async (sql) => {
          const made = { name, number: this.freeNumber(name), relation: await this.newRelation(sql) };
          await new Relation(sql, this.db.dialect, made.relation).index(name);
          await this.use(sql, made);
          return made;
        });
        this.tablesByName.set(name, table);
      }
    });
  }

  private freeNumber(name: string, taken: readonly number[] = this.tables().map((table) => table.number)): number {
    let number = name.startsWith("_") ? FIRST_SYSTEM_NUMBER : FIRST_TABLE_NUMBER;
    while (taken.includes(number)) number++;
    return number;
  }

  /** Puts a relation in the place of a table's present one, and under a view for people with psql: convex_<table>. */
  private async use(sql: Sql, { name, number, relation }: Table): Promise<void> {
    await sql.all("INSERT INTO tables VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET number = excluded.number, relation = excluded.relation", [name, number, relation]);
    await sql.all("DELETE FROM facts WHERE name = $1", [`${STAGED}${relation}`]);
    await sql.all(`DROP VIEW IF EXISTS "convex_${name}"`);
    await sql.all(`CREATE VIEW "convex_${name}" AS SELECT id, creation_time, doc FROM documents_${relation}`);
  }

  private async newRelation(sql: Sql): Promise<number> {
    const [row] = await sql.all("INSERT INTO facts VALUES ('relations', '1') ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(facts.value AS integer) + 1 AS text) RETURNING value");
    const number = Number(row.value);
    await new Relation(sql, this.db.dialect, number).create();
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
      const done = await this.batches.add(tables, async (db) => {
        // An import may have removed one while this waited.
        return tables.some((name) => !this.tablesByName.has(name)) ? undefined : { result: await run(db) };
      });
      if (done) return done.result;
    }
  }

  async count(table: string): Promise<number> {
    return this.turns.shared(async () => (await this.relation(this.db.reads, table)?.count()) ?? 0);
  }

  /** Documents of a table in the order of their creation, after one of them; of a table that is not there, none. */
  async page(table: string, page: Page): Promise<StoredDocument[]> {
    return this.turns.shared(async () => (await this.relation(this.db.reads, table)?.page(page)) ?? []);
  }

  /** Makes a relation for a table's new content, which nobody sees before `swap`. */
  stage(name: string): Promise<StagedTable> {
    return this.write(async (sql) => {
      const relation = await this.newRelation(sql);
      await sql.all("INSERT INTO facts VALUES ($1, $2)", [`${STAGED}${relation}`, name]);
      return { name, relation };
    });
  }

  /** Adds documents as they are to a staged table. */
  async fill({ relation }: StagedTable, documents: readonly StoredDocument[]): Promise<void> {
    await this.write((sql) => new Relation(sql, this.db.dialect, relation).insert(documents));
  }

  /** Makes a staged table that has been filled ready for use. */
  async finish({ name, relation }: StagedTable): Promise<void> {
    await this.write((sql) => new Relation(sql, this.db.dialect, relation).index(name));
  }

  /** Adds documents as they are to a table that is in use. */
  async append(table: string, documents: readonly StoredDocument[]): Promise<void> {
    await this.ensure([table]);
    await this.turns.inTurn([table], () => this.write(async (sql) => this.relation(sql, table)!.insert(documents)));
  }

  /**
   * Puts staged tables in use, all at one moment.
   * @param numbers the tables' numbers, where they are known
   * @param remove tables that go
   */
  async swap(staged: readonly StagedTable[], numbers: ReadonlyMap<string, number>, remove: readonly string[]): Promise<void> {
    await this.turns.alone(async () => {
      await this.write(async (sql) => {
        const gone = [...staged.map(({ name }) => name), ...remove].flatMap((name) => this.tablesByName.get(name) ?? []);
        for (const { name, relation } of gone) {
          await sql.all(`DROP VIEW IF EXISTS "convex_${name}"`);
          await sql.all("DELETE FROM tables WHERE name = $1", [name]);
          await sql.all("INSERT INTO facts VALUES ($1, $2)", [`${STAGED}${relation}`, name]);
        }
        const taken = this.tables().filter((table) => !gone.includes(table)).map(({ number }) => number);
        for (const { name, relation } of staged) {
          const wanted = numbers.get(name);
          const number = wanted !== undefined && !taken.includes(wanted) ? wanted : this.freeNumber(name, [...taken, ...numbers.values()]);
          taken.push(number);
          await this.use(sql, { name, number, relation });
        }
      });
      await this.load();
    });
    await this.dropStaged();
  }

  /** Drops the relations that no table uses. Waits for exports that still read them. */
  async dropStaged(): Promise<void> {
    const rows = await this.db.reads.all(`SELECT name FROM facts WHERE name LIKE '${STAGED}%'`);
    for (const row of rows) {
      const name = row.name as string;
      await this.write(async (sql) => {
        await new Relation(sql, this.db.dialect, Number(name.slice(STAGED.length))).drop();
        await sql.all("DELETE FROM facts WHERE name = $1", [name]);
      });
    }
  }

  /** Facts are small texts of the double's own: states of exports and imports. */
  async fact(name: string): Promise<string | undefined> {
    const [row] = await this.db.reads.all("SELECT value FROM facts WHERE name = $1", [name]);
    return row?.value as string | undefined;
  }

  /** Facts whose names start alike. */
  async facts(prefix: string): Promise<{ name: string; value: string }[]> {
    const rows = await this.db.reads.all("SELECT name, value FROM facts WHERE substr(name, 1, $1) = $2 ORDER BY name", [prefix.length, prefix]);
    return rows.map((row) => ({ name: row.name as string, value: row.value as string }));
  }

  async setFact(name: string, value: string): Promise<void> {
    await this.write((sql) => sql.all("INSERT INTO facts VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", [name, value]));
  }

  async removeFact(name: string): Promise<void> {
    await this.write((sql) => sql.all("DELETE FROM facts WHERE name = $1", [name]));
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
