/**
 * The Postgres of a newer app, moved by pg_dump and pg_restore on the legacy host,
 * which reaches both databases. Passwords go there by standard input and to the
 * programs by environment.
 */
import type { Environment } from "../../../../environments/schema";
import type { Side } from "../../../lease/sources";
import type { Timescale } from "../world";
import { inCheckout, quote } from "./shell";

type Named = NonNullable<Environment["dataMove"]["timescale"]>;

/** Rows read alike in both: a hash over their text must not depend on a server's settings. */
const OPTIONS = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex";
const PROGRAMS = ["pg_dump", "pg_restore", "psql"] as const;

export interface TimescaleOptions {
  readonly named: Named;
  readonly checkout: string;
  /** TIMESCALE_URL of the legacy processes. */
  readonly sourceUrl: () => Promise<string | undefined>;
  /** TIMESCALE_URL of the platform's. @throws Error when Vault does not give it */
  readonly targetUrl: () => Promise<string>;
  /** Runs a script on the legacy host. */
  readonly run: (script: string) => Promise<readonly string[]>;
}

export function timescale({ named, checkout, sourceUrl, targetUrl, run }: TimescaleOptions): Timescale {
  const bash = (body: string): Promise<readonly string[]> => run(inCheckout(checkout, `bash <<'GVFX_END_OF_BASH'\nset -euo pipefail\n${body}\nGVFX_END_OF_BASH`));
  const source = async (): Promise<string> => connection((await sourceUrl()) ?? "");
  const target = async (): Promise<string> => connection(await targetUrl());
  const psql = async (side: Side, sql: string): Promise<readonly string[]> => bash(`export ${side === "legacy" ? await source() : await target()} PGOPTIONS=${quote(OPTIONS)}\npsql -XAtq -v ON_ERROR_STOP=1 <<'GVFX_END_OF_SQL'\n${sql}\nGVFX_END_OF_SQL`);
  const tables = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${literal(named.schema)} AND c.relkind IN ('r', 'p') AND NOT c.relispartition`;
  const clear = async (): Promise<void> => void (await psql("nomad", `SELECT format('DROP TABLE IF EXISTS %I.%I CASCADE', n.nspname, c.relname) FROM ${tables} \\gexec`));
  return {
    targetUrl,
    async check() {
      const problems: string[] = [];
      const url = await sourceUrl();
      const said = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
      const found = said && `${said.hostname}:${said.port || 5432}/${said.pathname.slice(1)}`;
      const wanted = `${named.host}:${named.port}/${named.database}`;
      if (found !== wanted) return [`TIMESCALE_URL on the legacy host is of ${found ?? "nothing that is an address"}, and the environment names ${wanted} (dataMove.timescale): another database would be moved than the one in use; correct the one that is wrong`];
      const missing = await run(inCheckout(checkout, `for program in ${PROGRAMS.join(" ")}; do command -v "$program" >/dev/null || echo "$program"; done`));
      if (missing.length > 0) return [`${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not on the legacy host, by which the database of TIMESCALE_URL is moved; install postgresql-client there, of the newer server's version`];
      const ask = async (side: Side, sql: string, what: string): Promise<readonly string[]> => psql(side, sql).catch((error: Error) => {
        problems.push(`the ${what} is not reached from the legacy host (${error.message}); see its address and password${side === "nomad" ? ", and whether the tailnet lets that host to the platform's Postgres" : ""}`);
        return [];
      });
      const hypertables = await ask("legacy", "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'", "database of TIMESCALE_URL");
      if (hypertables.length > 0) problems.push("the database of TIMESCALE_URL has the extension timescaledb, which the platform's Postgres has not: its hypertables cannot be restored there; move them to plain tables first");
      const there = await ask("nomad", `SELECT c.relname FROM ${tables}`, "platform's database");
      if (there.length > 0) problems.push(`the schema ${named.schema} of the platform's database has tables already (${there.slice(0, 3).join(", ")}${there.length > 3 ? `, ${there.length - 3} more` : ""}), which the copy would replace; drop them there if they may go`);
      return problems;
    },
    async copy() {
      const [from, to] = await Promise.all([source(), target()]);
      // A copy that broke off is in one transaction, and one that was done is done again.
      await clear();
      // Variables of a subshell: arguments of env would be seen in the list of processes. By table, so that the schema itself is left as it is.
      await bash(`(export ${from}; exec pg_dump --format=custom --table=${quote(`"${named.schema}".*`)} --no-owner --no-privileges) |
  (export ${to}; exec pg_restore --no-owner --no-privileges --exit-on-error --single-transaction -d "$PGDATABASE")`);
    },
    async fingerprint(side) {
      const lines = await psql(side, `SELECT format('SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM %I.%I t', c.relname, n.nspname, c.relname) FROM ${tables} ORDER BY 1 \\gexec`);
      return new Map(lines.map((line) => {
        const [hash, rows, ...name] = line.split("|").reverse();
        return [name.reverse().join("|"), { rows: Number(rows), hash }];
      }));
    },
    async keep(name) {
      const file = `${checkout}/${name}`;
      // Read back before it counts: it is about to be all that there is.
      await bash(`umask 077
export ${await target()}
pg_dump --format=custom --table=${quote(`"${named.schema}".*`)} --no-owner --no-privileges --file=${quote(`${file}.part`)}
pg_restore --list ${quote(`${file}.part`)} >/dev/null
sync
mv -f ${quote(`${file}.part`)} ${quote(file)}`);
      return file;
    },
    clear,
  };
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** As libpq's variables, quoted for a shell. @throws Error when it is no address of a database */
export function connection(url: string): string {
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) throw new Error("TIMESCALE_URL is no address of a Postgres (postgres://user:password@host:port/database)");
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const values: Readonly<Record<string, string>> = { PGHOST: hostname, PGPORT: port || "5432", PGUSER: decodeURIComponent(username), PGPASSWORD: decodeURIComponent(password), PGDATABASE: decodeURIComponent(pathname.slice(1)), ...(searchParams.get("sslmode") ? { PGSSLMODE: searchParams.get("sslmode")! } : {}) };
  return Object.entries(values).map(([name, value]) => `${name}=${quote(value)}`).join(" ");
}
