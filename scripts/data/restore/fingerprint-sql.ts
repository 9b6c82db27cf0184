/**
 * Counts and content hashes of a whole Postgres, by SQL: every table of every
 * database, and Convex's tables by their documents. A hash is made of the sum
 * over all rows of each row's MD5, so that the order of rows does not count; a
 * row that is changed, lost or doubled changes it.
 *
 * Two layouts of Convex are known. The backend keeps every revision of every
 * document in `documents` (get-convex/convex-backend, crates/postgres): the newest
 * is the document, unless it is a deletion. The lab's double keeps a relation a table.
 */
import { CONVEX_BUCKETS } from "../../../contracts/services";

const { S3_STORAGE_FILES_BUCKET: FILES, S3_STORAGE_MODULES_BUCKET: MODULES } = CONVEX_BUCKETS;

/** The text of a value is the same whatever the server is set to. */
const SETTINGS = `\\set ON_ERROR_STOP on
set client_min_messages = warning; set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'iso_8601'; set bytea_output = 'hex'; set extra_float_digits = 1; set jit = off;
`;

/** Count, and hash of a column "m" that holds a row's MD5. */
const SUMS = `'rows', count(*), 'hash', md5(concat(count(*), ':', coalesce(sum(('x' || left(m, 16))::bit(64)::bigint::numeric), 0), ':', coalesce(sum(('x' || right(m, 16))::bit(64)::bigint::numeric), 0)))`;

/** Asked of the database "postgres". */
export const SERVER_SQL = `${SETTINGS}select json_build_object('kind', 'server', 'version', current_setting('server_version'), 'systemIdentifier', (select system_identifier::text from pg_control_system()), 'databases', (select json_agg(datname order by datname) from pg_database where datallowconn and not datistemplate));
`;

/** Asked of every database. The function is a temporary one: it goes with the connection. */
export const TABLES_SQL = `${SETTINGS}create function pg_temp.gvfx_tables() returns setof json language plpgsql as $function$
declare relation record;
begin
  for relation in select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2
  loop
    return query execute format($query$select json_build_object('kind', 'table', 'database', current_database(), 'table', %L, ${SUMS}) from (select md5(gvfx_row::text) as m from %I.%I as gvfx_row) as hashed$query$, relation.nspname || '.' || relation.relname, relation.nspname, relation.relname);
  end loop;
end $function$;
select pg_temp.gvfx_tables();
`;

/** Schema of a relation that has these columns; null when there is none. */
const schemaOf = (relation: string, columns: readonly string[]): string =>
  `(select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relname = '${relation}' and c.relkind = 'r' and n.nspname !~ '^pg_' and (select count(*) from pg_attribute a where a.attrelid = c.oid and a.attname in (${columns.map((column) => `'${column}'`).join(", ")})) = ${columns.length} limit 1)`;

/**
 * Asked of Convex's database: its layout, count and hash of each of Convex's tables, and every row that names an object. Of the
 * backend's own tables, what names objects are the stored files, the packages of functions, and their external dependencies; exports
 * and search segments are made again from the rows, and are left out.
 */
export const CONVEX_SQL = `${SETTINGS}create function pg_temp.gvfx_convex() returns setof json language plpgsql as $function$
declare
  double_schema text := ${schemaOf("tables", ["name", "number", "relation"])};
  backend_schema text := ${schemaOf("documents", ["id", "ts", "table_id", "json_value", "deleted"])};
  item record;
begin
  if double_schema is not null then
    return next json_build_object('kind', 'layout', 'layout', 'double');
    for item in execute format('select name, relation from %I.tables order by name', double_schema) loop
      return query execute format($query$select json_build_object('kind', 'convex', 'table', %L, ${SUMS}) from (select md5(concat(id, ':', doc)) as m from %I.%I) as hashed$query$, item.name, double_schema, 'documents_' || item.relation);
      if item.name = '_storage' then
        return query execute format($query$select json_build_object('kind', 'reference', 'table', '_storage', 'id', id, 'bucket', '${FILES}', 'key', coalesce(doc->>'storageKey', doc->>'internalId'), 'sha256', doc->>'sha256', 'size', doc->>'size') from (select id, doc::json as doc from %I.%I) as stored$query$, double_schema, 'documents_' || item.relation);
      end if;
    end loop;
  elsif backend_schema is not null then
    return next json_build_object('kind', 'layout', 'layout', 'backend');
    execute format($query$create temporary table gvfx_newest on commit drop as select table_id, id, ts from (select distinct on (table_id, id) table_id, id, ts, deleted from %I.documents order by table_id, id, ts desc) as newest where not coalesce(deleted, false)$query$, backend_schema);
    -- The table of tables is in itself.
    execute format($query$create temporary table gvfx_names on commit drop as select d.id as table_id, convert_from(d.json_value, 'UTF8')::json->>'name' as name from gvfx_newest join %1$I.documents d using (table_id, id, ts)
      where table_id = (select d.id from gvfx_newest join %1$I.documents d using (table_id, id, ts) where d.id = d.table_id and convert_from(d.json_value, 'UTF8')::json->>'name' = '_tables') and convert_from(d.json_value, 'UTF8')::json->>'state' = 'active'$query$, backend_schema);
    for item in select * from gvfx_names order by name, table_id loop
      return query execute format($query$select json_build_object('kind', 'convex', 'table', %L, ${SUMS}) from (select md5(d.json_value) as m from gvfx_newest join %I.documents d using (table_id, id, ts) where table_id = %L) as hashed$query$, item.name, backend_schema, item.table_id);
      if item.name in ('_file_storage', '_source_packages', '_external_deps_packages') then
        return query execute format($query$select json_build_object('kind', 'reference', 'table', %L, 'id', encode(id, 'hex'), 'bucket', %L, 'key', doc->>'storageKey', 'sha256', case %L when '_file_storage' then doc->'sha256'->>'$bytes' end, 'size', case %L when '_file_storage' then doc->'size'->>'$integer' end) from (select d.id, convert_from(d.json_value, 'UTF8')::json as doc from gvfx_newest join %I.documents d using (table_id, id, ts) where table_id = %L) as stored$query$,
          item.name, case item.name when '_file_storage' then '${FILES}' else '${MODULES}' end, item.name, item.name, backend_schema, item.table_id);
      end if;
    end loop;
  else
    return next json_build_object('kind', 'layout', 'layout', 'unknown');
  end if;
end $function$;
select pg_temp.gvfx_convex();
`;
