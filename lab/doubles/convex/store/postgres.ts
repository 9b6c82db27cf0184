/** Postgres, through Bun's own client. */
import { SQL } from "bun";
import type { Database, Dialect, Param, Row, Sql } from "./sql";

const dialect: Dialect = {
  json: "json",
  text: (column) => `${column}::text`,
  bytewise: 'COLLATE "C"',
  float: "float8",
  triples: (param) => `(SELECT r->>0 AS a, (r->>1)::float8 AS b, (r->>2)::json AS c FROM json_array_elements(${param}::text::json) AS r)`,
  strings: (param) => `SELECT json_array_elements_text(${param}::text::json)`,
};

interface Runner {
  unsafe(text: string, params?: unknown[]): PromiseLike<unknown>;
}

const statements = (runner: Runner): Sql => ({
  all: async (text: string, params: readonly Param[] = []) => [...((await runner.unsafe(text, [...params])) as Iterable<Row>)],
});

export interface PostgresSettings {
  /** With the database as its path. */
  readonly url: string;
  readonly maxConnections: number;
  readonly tls: boolean;
}

export function openPostgres({ url, maxConnections, tls }: PostgresSettings): Database {
  // A connection that cannot be made fails the call in time for a health check to see it.
  const pool = new SQL({ url, max: maxConnections, tls: tls ? true : false, connectionTimeout: 5, onnotice: () => undefined } as ConstructorParameters<typeof SQL>[0]);
  return {
    dialect,
    reads: statements(pool),
    transaction: (run) => pool.begin((tx) => run(statements(tx))) as Promise<never>,
    snapshot: (run) => pool.begin("isolation level repeatable read read only", (tx) => run(statements(tx))) as Promise<never>,
    close: () => pool.close({ timeout: 5 }),
  };
}
