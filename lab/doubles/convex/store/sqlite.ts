/** SQLite in a file, for a backend without Postgres. */
import { SQL } from "bun";
import type { Database, Dialect, Param, Row, Sql } from "./sql";

const dialect: Dialect = {
  json: "text",
  text: (column) => column,
  bytewise: "",
  float: "real",
  triples: (param) => `(SELECT json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b, json_extract(value, '$[2]') AS c FROM json_each(${param}))`,
  strings: (param) => `SELECT value FROM json_each(${param})`,
};

const statements = (file: SQL): Sql => ({
  all: async (text: string, params: readonly Param[] = []) => [...((await file.unsafe(text.replace(/\$(\d+)/g, "?$1"), [...params])) as Iterable<Row>)],
});

export async function openSqlite(path: string): Promise<Database> {
  const open = async () => {
    const file = new SQL({ adapter: "sqlite", filename: path, create: true });
    // A reader never waits for the writer; a commit is on disk before it is answered.
    for (const pragma of ["journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"]) await file.unsafe(`PRAGMA ${pragma}`);
    return file;
  };
  const [writer, reader] = [await open(), await open()];
  let queue: Promise<unknown> = Promise.resolve();
  return {
    dialect,
    reads: statements(reader),
    transaction<T>(run: (sql: Sql) => Promise<T>): Promise<T> {
      const turn = queue.then(async () => {
        await writer.unsafe("BEGIN IMMEDIATE");
        try {
          const result = await run(statements(writer));
          await writer.unsafe("COMMIT");
          return result;
        } catch (error) {
          await writer.unsafe("ROLLBACK");
          throw error;
        }
      });
      queue = turn.catch(() => undefined);
      return turn;
    },
    async snapshot(run) {
      const file = await open();
      try {
        await file.unsafe("BEGIN");
        return await run(statements(file));
      } finally {
        await file.close();
      }
    },
    async close() {
      await queue;
      await reader.close();
      await writer.close();
    },
  };
}
