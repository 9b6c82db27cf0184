/**
 * The steps of a backup that official programs do, for the shells of their images.
 * NOMAD_ALLOC_DIR is the folder that the tasks of a run share; what a step did is in
 * its folder data/steps, which the last step reads (runtime/backup).
 */

/** What every script begins with: where it writes, and how it fails. */
const BEGIN = (step: string) => `set -eu
umask 077
data=$NOMAD_ALLOC_DIR/data
steps=$data/steps
mkdir -p "$steps"
rm -f "$steps/failed"
fail() {
  echo "${step}: $1" >&2
  printf '%s\\n' "${step}: $1" >"$steps/failed"
  exit 1
}
# What a program says goes to the log as it is; its last line becomes the reason of the failure.
run() { # WHAT PROGRAM...
  what=$1
  shift
  if "$@" 2>"$steps/errors"; then cat "$steps/errors" >&2; return 0; else status=$?; fi
  cat "$steps/errors" >&2
  if [ "$status" = 124 ] || [ "$status" = 143 ]; then fail "$what: not done after $STEP_SECONDS s, and ended"; fi
  fail "$what: $(tail -n 1 "$steps/errors")"
}
`;

/**
 * Copies the whole cluster of databases over the replication protocol, with the
 * write-ahead log that makes it consistent, and verifies every file of the copy. The
 * facts that it leaves are what the objects' copy waits for, and go into the manifest.
 *
 * pg_basebackup copies from a server of its own major version or an older one, never
 * from a newer one: both come from one image, and that is checked, not assumed.
 */
export const DATABASE_SCRIPT = `#!/bin/bash
${BEGIN("database")}export PGPASSWORD="$BACKUP_DB_PASSWORD"
folder=$data/postgres
rm -rf "$folder" "$steps/dumped"
for program in pg_basebackup pg_verifybackup pg_controldata psql; do
  command -v "$program" >/dev/null || fail "the image has no $program, which a physical backup needs: use the official image of Postgres (images.postgres in the environment file)"
done
ask() { # a question over the replication protocol, fields parted by |
  psql --no-psqlrc --no-password --tuples-only --no-align --dbname="$POSTGRES_SERVER replication=true connect_timeout=10" --command="$1"
}
run "Postgres does not answer the backup's role (deploy data-plane, whose task roles makes it)" ask "SHOW server_version" >"$steps/server-version"
server=$(head -n 1 "$steps/server-version")
server=\${server%% *}
tool=$(pg_basebackup --version)
tool=\${tool##*) }
tool=\${tool%% *}
[ "\${tool%%.*}" -ge "\${server%%.*}" ] || fail "pg_basebackup is of version $tool and the server of $server: an older one cannot copy it; give the job of Postgres and the backup the same image (images.lock.json, postgres), then deploy data-plane"
run "Postgres does not say which cluster it is" ask "IDENTIFY_SYSTEM" >"$steps/system"
identity=$(head -n 1 "$steps/system")
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
run "pg_basebackup" timeout "$STEP_SECONDS" pg_basebackup --dbname="$POSTGRES_SERVER connect_timeout=10" --no-password --pgdata="$folder" --format=plain --wal-method=stream --checkpoint=fast --manifest-checksums=SHA256 --label="gvfx $NOMAD_ALLOC_ID"
finished=$(date -u +%Y-%m-%dT%H:%M:%SZ)
# The log is read by the tool of another major version as little as by another server: its files are compared, not parsed, then.
parse=
[ "\${tool%%.*}" = "\${server%%.*}" ] || parse=--no-parse-wal
run "the copy of Postgres is not what the server sent" timeout "$STEP_SECONDS" pg_verifybackup --quiet $parse "$folder"
# Which tablespace lies outside the folder is not in this backup, and nobody would notice.
[ -z "$(ls "$folder/pg_tblspc")" ] || fail "the server has a tablespace outside its data folder, which this backup does not hold: move its tables into the default one"
label() { sed -n "s/^$1: \\([^ ]*\\).*/\\1/p" "$folder/backup_label"; }
{
  echo "version=$server"
  echo "systemIdentifier=\${identity%%|*}"
  echo "timeline=$(label "START TIMELINE")"
  echo "checkpointLsn=$(label "CHECKPOINT LOCATION")"
  echo "endLsn=$(sed -n 's/.*"End-LSN": "\\([0-9A-F/]*\\)".*/\\1/p' "$folder/backup_manifest" | tail -n 1)"
  echo "startedAt=$started"
  echo "finishedAt=$finished"
  echo "files=$(find "$folder" -type f | wc -l)"
  echo "bytes=$(find "$folder" -type f -printf '%s\\n' | awk '{ sum += $1 } END { printf "%.0f", sum }')"
  echo "manifestSha256=$(sha256sum "$folder/backup_manifest" | cut -d ' ' -f 1)"
} >"$steps/dumped.new"
mv "$steps/dumped.new" "$steps/dumped"
rm -f "$steps/failed"
echo "database: $(du -sk "$folder" | cut -f 1) KiB of Postgres $server, verified"
`;

/**
 * Stores a run, and looks after the repository. A run that is stored counts, even if
 * what comes after it fails: that is written down, and alerted by the last step.
 *
 * The repository is made where there is none: a replaced disk gets backups at once,
 * and the log says that it is new. unlock takes away only the locks of runs that are
 * gone. What is kept is counted by host and tag: by path too, as is the default, a
 * changed folder would keep its last snapshots for ever. Space is freed and a part of
 * the data read back only now and then: each takes longer than a run.
 */
export const RESTIC_SCRIPT = `#!/bin/sh
${BEGIN("restic")}local=$RESTIC_REPOSITORY
now=$(date +%s)
limited() { timeout "$STEP_SECONDS" restic --no-cache "$@"; }
forget() { limited forget "$@" --host "$SNAPSHOT_HOST" --tag "$SNAPSHOT_TAG" --group-by host,tags --keep-last "$KEEP_LAST" --keep-daily "$KEEP_DAILY" --keep-weekly "$KEEP_WEEKLY"; }
if [ ! -e "$local/config" ]; then
  echo "restic: there is no repository on this volume yet; making a new, empty one"
  run "a repository cannot be made on the backup volume" restic --no-cache init
fi
run "the repository on the backup volume does not open with the key in Vault (ops/backup)" restic --no-cache unlock
if [ ! -e "$steps/stored" ]; then
  # restic itself passes over what is not there, and calls that a success.
  for part in postgres/backup_manifest objects objects.jsonl cluster manifest.json; do
    [ -e "$data/$part" ] || fail "$part is missing from the run, so nothing is stored: see the logs of the tasks database and collect"
  done
  store() { limited backup --json --quiet --host "$SNAPSHOT_HOST" --tag "$SNAPSHOT_TAG" "$data/postgres" "$data/objects" "$data/objects.jsonl" "$data/cluster" "$data/manifest.json"; }
  run "the backup cannot be stored" store >"$steps/said"
  grep '"message_type":"summary"' "$steps/said" | tail -n 1 >"$steps/stored.new"
  grep -q '"snapshot_id":"[0-9a-f]' "$steps/stored.new" || fail "restic did not say which snapshot it made; it needs version 0.14 or later"
  mv "$steps/stored.new" "$steps/stored"
fi
cat "$steps/stored"

# From here on nothing makes the run fail.
say() { # FILE WHAT: the last line of what went wrong
  cat "$steps/errors" >&2
  printf '%s: %s\\n' "$2" "$(tail -n 1 "$steps/errors")" >"$steps/$1"
}
rm -f "$steps/copy-failed" "$steps/check-failed" "$steps/copied" "$steps/checked"
marker=$BACKUP_MOUNT/checked
last=$(cat "$marker" 2>/dev/null || echo 0)
due=no
[ $((now - last)) -lt "$CHECK_SECONDS" ] || due=yes
prune=
[ "$due" = no ] || prune=--prune
forget $prune 2>"$steps/errors" || say check-failed "old backups cannot be taken away, and the volume will fill up"
if [ "$due" = yes ] && [ ! -e "$steps/check-failed" ]; then
  # A seventh at a time: after seven checks all of it was read.
  part=$((now / CHECK_SECONDS % 7 + 1))
  if limited check --read-data-subset="$part/7" 2>"$steps/errors"; then
    echo "$now" >"$marker"
    : >"$steps/checked"
  else
    say check-failed "the repository is damaged: keep the volume as it is, and see docs/backup.md"
  fi
fi
if [ -n "\${S3_REPOSITORY:-}" ]; then
  export AWS_ACCESS_KEY_ID="\${BACKUP_S3_KEY_ID:-}" AWS_SECRET_ACCESS_KEY="\${BACKUP_S3_SECRET_KEY:-}" AWS_DEFAULT_REGION="$S3_REGION"
  copy() {
    [ -n "$AWS_ACCESS_KEY_ID" ] && [ -n "$AWS_SECRET_ACCESS_KEY" ] || { echo "BACKUP_S3_KEY_ID and BACKUP_S3_SECRET_KEY are not in Vault (ops/backup-access)" >&2; return 1; }
    # Cut alike in both, so that what did not change is copied once.
    restic --no-cache cat config >/dev/null 2>&1 || limited init --from-repo "$local" --from-password-file "$RESTIC_PASSWORD_FILE" --copy-chunker-params || return 1
    restic --no-cache unlock && limited copy --from-repo "$local" --from-password-file "$RESTIC_PASSWORD_FILE" --host "$SNAPSHOT_HOST" --tag "$SNAPSHOT_TAG" latest && forget $prune
  }
  export RESTIC_REPOSITORY="$S3_REPOSITORY"
  if copy 2>"$steps/errors"; then : >"$steps/copied"; else say copy-failed "no second copy in S3"; fi
fi
exit 0
`;
