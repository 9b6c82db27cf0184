/** Proof of the database: the restored files are a server that recovers, starts and reads every row. */
import { quoted, RUN_LABEL, script } from "./shell";
import { CONVEX_SQL, SERVER_SQL, TABLES_SQL } from "./fingerprint-sql";

/** Recovery replays the WAL of one backup's length; ten minutes are many times that. */
const START_SECONDS = 600;
/** Room for the proof's queries; what the server is given in the cluster is the job's affair. */
const SHARED_BUFFERS = "64MB";

/** Where the images' Postgres has its data, as the job mounts it. */
export const POSTGRES_MOUNT = "/var/lib/postgresql/data";
export const PGDATA = `${POSTGRES_MOUNT}/pgdata`;

/** Nobody outside the container reaches the server, so that nobody inside needs a password: the backup's own rules stay as they are. */
const HBA = "local all all trust";

const REMOVE_COMPLAINTS = '[ -z "${complaints:-}" ] || rm -f "$complaints"';

const asked = (sql: string, database: string, container: string): string =>
  `docker exec -i ${container} psql --username=postgres --dbname=${database} --no-psqlrc --quiet --tuples-only --no-align 2>"$complaints" <<'GVFX_END_OF_SQL' || fail "Postgres could not answer about its data: $(tail -n 3 "$complaints" | tr '\\n' ' ')"
${sql}GVFX_END_OF_SQL`;

/** Asks every database of a running server. @param container a name, or a shell variable with it */
function questions(container: string, convexDatabase: string): string {
  return `complaints=$(mktemp)
${asked(SERVER_SQL, "postgres", container)}
for database in $(docker exec ${container} psql --username=postgres --dbname=postgres --no-psqlrc --quiet --tuples-only --no-align --command 'select datname from pg_database where datallowconn and not datistemplate'); do
  ${asked(TABLES_SQL, '"$database"', container)}
  [ "$database" != ${quoted(convexDatabase)} ] || ${asked(CONVEX_SQL, '"$database"', container)}
done`;
}

/** Begins the line that says why Postgres refused the restored files. */
export const REFUSED = "refused ";

/**
 * Starts a server on a restored volume, without any network, prints the lines of a fingerprint, and stops it cleanly.
 * What Postgres says against the files is a line of its own: a finding, not a failure of the proof.
 * @param volume folder of the restored volume; its pgdata is changed by the recovery
 */
export function proveDatabaseScript(image: string, volume: string, convexDatabase: string): string {
  const container = `gvfx-restore-postgres-$$`;
  return script(
    `container=${container}
hba=$(mktemp -d)
echo ${quoted(HBA)} >"$hba/pg_hba.conf"
chmod 0755 "$hba"
chmod 0644 "$hba/pg_hba.conf"
docker run --detach --name "$container" ${RUN_LABEL} --network none --env PGDATA=${PGDATA} --env POSTGRES_PASSWORD=unused --volume ${quoted(volume)}:${POSTGRES_MOUNT} --volume "$hba":/gvfx:ro ${quoted(image)} postgres -c hba_file=/gvfx/pg_hba.conf -c listen_addresses= -c shared_buffers=${SHARED_BUFFERS} -c archive_mode=off >/dev/null
refused() { echo "refused $1: $(docker logs --tail 60 "$container" 2>&1 | grep -E 'FATAL|PANIC' | tail -n 2 | tr '\\n' ' ')"; exit 0; }
waited=0
until docker exec "$container" psql --username=postgres --dbname=postgres --no-psqlrc --quiet --tuples-only --command 'select 1' >/dev/null 2>&1; do
  [ "$(docker inspect --format '{{.State.Running}}' "$container")" = true ] || refused "Postgres does not start on the restored files"
  [ "$waited" -lt ${START_SECONDS} ] || fail "Postgres did not finish its recovery within ${START_SECONDS} s: $(docker logs --tail 2 "$container" 2>&1 | tr '\\n' ' ')"
  sleep 1
  waited=$((waited + 1))
done
[ "$(docker exec "$container" psql --username=postgres --dbname=postgres --no-psqlrc --quiet --tuples-only --no-align --command 'select pg_is_in_recovery()')" = f ] || refused "the restored Postgres waits for WAL that the backup does not have: something in it makes it a standby"
${questions('"$container"', convexDatabase)}
docker kill --signal INT "$container" >/dev/null
[ "$(docker wait "$container")" = 0 ] || refused "the restored Postgres did not stop cleanly"`,
    {},
    `${REMOVE_COMPLAINTS}; [ -z "\${container:-}" ] || docker rm --force "$container"; [ -z "\${hba:-}" ] || rm -rf "$hba"`,
  );
}

/** Prints the fingerprint of the server that runs on a node's volume: what a restored one is compared with. */
export function liveDatabaseScript(volume: string, convexDatabase: string): string {
  return script(`container=$(docker ps --filter volume=${quoted(volume)} --format '{{.ID}}' | head -n 1)
for candidate in $(docker ps --filter volume=${quoted(volume)} --format '{{.ID}}'); do
  if docker exec "$candidate" psql --username=postgres --dbname=postgres --no-psqlrc --quiet --tuples-only --command 'select 1' >/dev/null 2>&1; then container=$candidate; break; fi
done
[ -n "$container" ] || fail ${quoted(`no container uses ${volume}: Postgres does not run on this node`)}
${questions('"$container"', convexDatabase)}`, {}, REMOVE_COMPLAINTS);
}
