/** The three steps of a backup, for /bin/sh of the official images. NOMAD_ALLOC_DIR is the folder that the tasks of a run share. */

/**
 * Each database by itself, in Postgres' custom format. Not compressed: restic
 * compresses, and finds what did not change since the last run only in what is not.
 * The last line is what the copy of the objects waits for.
 */
export const DUMP_SCRIPT = `#!/bin/sh
set -eu
umask 077
export PGPASSWORD="$POSTGRES_PASSWORD"
folder=$NOMAD_ALLOC_DIR/data/postgres
rm -rf "$folder"
mkdir -p "$folder"
for database in $DATABASES; do
  timeout "$STEP_SECONDS" pg_dump --no-password --format=custom --compress=0 --file="$folder/$database.dump" --dbname="$POSTGRES_SERVER/$database"
  # Reads the whole table of contents: a dump that cannot be read is found now.
  pg_restore --list "$folder/$database.dump" >/dev/null
  echo "dump: $database, $(wc -c <"$folder/$database.dump") bytes"
done
: >"$NOMAD_ALLOC_DIR/data/dumped"
`;

/**
 * The objects after the rows: what a dumped row names was written before the row,
 * so that the copy has it, unless it was deleted in between. Keys are read from
 * standard input, never from arguments.
 */
export const OBJECTS_SCRIPT = `#!/bin/sh
set -eu
umask 077
waited=0
until [ -e "$NOMAD_ALLOC_DIR/data/dumped" ]; do
  [ "$waited" -lt "$STEP_SECONDS" ] || { echo "objects: no dump of Postgres after $STEP_SECONDS s, so that no row says which objects belong to it: the log of the task dump says why" >&2; exit 1; }
  sleep 1
  waited=$((waited + 1))
done
# The version of the signature is given: finding it out would need a bucket that the key may not see.
printf '%s\\n%s\\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" | mc --quiet alias set gvfx "$OBJECTSTORE_URL" --api S3v4 >/dev/null
for bucket in $BUCKETS; do
  mkdir -p "$NOMAD_ALLOC_DIR/data/objects/$bucket"
  timeout "$STEP_SECONDS" mc --quiet mirror --overwrite "gvfx/$bucket" "$NOMAD_ALLOC_DIR/data/objects/$bucket" >/dev/null
  echo "objects: $bucket, $(find "$NOMAD_ALLOC_DIR/data/objects/$bucket" -type f | wc -l) files"
done
`;

/**
 * Makes the repository where there is none: a replaced disk gets backups at once,
 * and the log says that it is new. unlock takes away only the locks of runs that
 * are gone. What is kept is counted by host and tag: by path too, as is the default,
 * a changed folder would keep its last snapshots for ever.
 */
export const RESTIC_SCRIPT = `#!/bin/sh
set -eu
umask 077
if [ ! -e "$RESTIC_REPOSITORY/config" ]; then
  echo "restic: there is no repository on this volume yet; making a new, empty one"
  restic --no-cache init
fi
restic --no-cache unlock
timeout "$STEP_SECONDS" restic --no-cache backup --host "$SNAPSHOT_HOST" --tag gvfx "$NOMAD_ALLOC_DIR/data/postgres" "$NOMAD_ALLOC_DIR/data/objects"
timeout "$STEP_SECONDS" restic --no-cache forget --prune --host "$SNAPSHOT_HOST" --tag gvfx --group-by host,tags --keep-last "$KEEP_LAST" --keep-daily "$KEEP_DAILY" --keep-weekly "$KEEP_WEEKLY"
`;
