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
  if [ "$status" = 124 ] || [ "$status" = 130 ] || [ "$status" = 143 ]; then fail "$what: not done after $STEP_SECONDS s, and ended"; fi
  fail "$what: $(tail -n 1 "$steps/errors")"
}
`;

/** Free space of a folder's disk, which a server of Nomad and Consul shares: neither survives a full one. */
const FREE = `free_mib() { df -Pk "$1" | awk 'NR == 2 { printf "%d", $4 / 1024 }'; }
room() { # FOLDER: fails when less than the reserve is free
  free=$(free_mib "$1")
  [ "$free" -ge "$RESERVE_MIB" ] && return 0
  echo "only $free MiB are free on the disk of $1, and $RESERVE_MIB MiB are kept free for the servers of Nomad and Consul that share it: make room on this node (docs/backup.md), or give the volume gvfx-backup and Nomad's data folder a larger disk" >&2
  return 1
}
`;

/**
 * Copies the whole cluster of databases over the replication protocol, with the
 * write-ahead log that makes it consistent, and verifies every file of the copy. The
 * facts that it leaves are what the objects' copy waits for, and go into the manifest.
 *
 * The copy stops while RESERVE_MIB of the disk are still free.
 *
 * pg_basebackup copies from a server of its own major version or an older one, never
 * from a newer one: both come from one image, and that is checked, not assumed.
 */
export const DATABASE_SCRIPT = `#!/bin/bash
${BEGIN("database")}${FREE}export PGPASSWORD="$BACKUP_DB_PASSWORD"
folder=$data/postgres
rm -rf "$folder" "$steps/dumped"
[ -e "$steps/began" ] || date +%s >"$steps/began"
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
run "there is no room for a copy of Postgres" room "$data"
# How large the copy gets, only the copy itself shows: it ends before the disk is full.
watched() { # PROGRAM...
  "$@" &
  program=$!
  while kill -0 "$program" 2>/dev/null; do
    if ! room "$data"; then
      kill "$program" 2>/dev/null
      wait "$program"
      rm -rf "$folder"
      return 1
    fi
    sleep 1
  done
  wait "$program"
}
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
run "pg_basebackup" watched timeout "$STEP_SECONDS" pg_basebackup --dbname="$POSTGRES_SERVER connect_timeout=10" --no-password --pgdata="$folder" --format=plain --wal-method=stream --checkpoint=fast --manifest-checksums=SHA256 --label="gvfx $NOMAD_ALLOC_ID"
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
 * All that comes after it has one deadline, RUN_SECONDS after the run began, and two
 * minutes at least: the next local backup waits for the end of this run. Only the
 * first copy to an S3 has a step's whole time: it holds everything, and restic begins
 * a copy anew that was cut off.
 *
 * The repository is made where there is none, and the last step compares its id with
 * the one before. One run at a time holds the file `running` (flock: the kernel lets
 * go of it when a run is killed); what it then finds locked exclusively was left by a
 * run that is dead. What is kept is counted by host and tag: by path too, as is the
 * default, a changed folder would keep its last snapshots for ever.
 *
 * Space is freed only after a check that found nothing. What a check finds damaged
 * stays written down in the file `damaged`: until that same part is found sound,
 * nothing is taken away here or in S3. A check that could not be done says nothing.
 */
export const RESTIC_SCRIPT = `#!/bin/sh
${BEGIN("restic")}${FREE}local=$RESTIC_REPOSITORY
deadline=$(($(date +%s) + STEP_SECONDS))
# As by a person's Ctrl-C: restic then takes its lock away.
limited() {
  left=$((deadline - $(date +%s)))
  [ "$left" -gt 0 ] || { echo "no time is left in this run" >&2; return 124; }
  timeout -s INT "$left" restic --no-cache "$@"
}
forget() { limited forget "$@" --host "$SNAPSHOT_HOST" --tag "$SNAPSHOT_TAG" --group-by host,tags --keep-last "$KEEP_LAST" --keep-daily "$KEEP_DAILY" --keep-weekly "$KEEP_WEEKLY"; }
alone=no
if command -v flock >/dev/null; then
  run "the backup volume cannot be written" touch "$BACKUP_MOUNT/running"
  exec 9>"$BACKUP_MOUNT/running"
  flock -n 9 || fail "another run of this job holds the repository (one that was forced?): wait for its end; the next run goes on"
  alone=yes
fi
retried() { # PROGRAM...: once more without the lock of a run that was killed
  if "$@" 2>"$steps/lock-errors"; then cat "$steps/lock-errors" >&2; return 0; else status=$?; fi
  cat "$steps/lock-errors" >&2
  [ "$alone" = yes ] && grep -q "already locked" "$steps/lock-errors" || return "$status"
  echo "restic: taking away the lock of a run that was killed" >&2
  limited unlock --remove-all >&2 || return "$status"
  "$@"
}
if [ ! -e "$local/config" ]; then
  echo "restic: there is no repository on this volume yet; making a new, empty one"
  run "a repository cannot be made on the backup volume" limited init
  : >"$steps/new-repository"
fi
# A key that was rotated: one of those before it opens the repository, until this has been done. Looking takes no lock, which
# a run that was killed may have left; changing takes the repository for itself.
opens() { limited --no-lock cat config >/dev/null 2>&1; }
rekeyed() {
  [ -n "$(cat "\${KEY_BEFORE_FILE:-}" 2>/dev/null)" ] || return 0
  opens && return 0
  new=$RESTIC_PASSWORD_FILE
  while read -r former <&3; do
    (umask 077; printf '%s\\n' "$former" >"$KEY_BEFORE_FILE.one")
    export RESTIC_PASSWORD_FILE="$KEY_BEFORE_FILE.one"
    if opens; then
      echo "restic: the repository is given the key that Vault has now"
      limited unlock && retried limited key passwd --new-password-file "$new"
      changed=$?
      export RESTIC_PASSWORD_FILE="$new"
      rm -f "$KEY_BEFORE_FILE.one"
      return "$changed"
    fi
  done 3<"$KEY_BEFORE_FILE"
  export RESTIC_PASSWORD_FILE="$new"
  rm -f "$KEY_BEFORE_FILE.one"
}
run "the repository on the backup volume cannot be given the key that Vault has now (ops/backup)" rekeyed
run "the repository on the backup volume does not open with the key in Vault (ops/backup)" limited unlock
run "the repository on the backup volume does not say which it is" limited cat config >"$steps/config"
sed -n 's/.*"id": *"\\([0-9a-f]*\\)".*/\\1/p' "$steps/config" >"$steps/repository"
if [ -e "$BACKUP_MOUNT/accept-repository" ]; then : >"$steps/accepted"; fi
if [ ! -e "$steps/stored" ]; then
  # restic itself passes over what is not there, and calls that a success.
  for part in postgres/backup_manifest objects objects.jsonl cluster manifest.json; do
    [ -e "$data/$part" ] || fail "$part is missing from the run, so nothing is stored: see the logs of the tasks database and collect"
  done
  run "there is no room for another backup" room "$BACKUP_MOUNT"
  store() { limited backup --json --quiet --host "$SNAPSHOT_HOST" --tag "$SNAPSHOT_TAG" "$data/postgres" "$data/objects" "$data/objects.jsonl" "$data/cluster" "$data/manifest.json"; }
  run "the backup cannot be stored" retried store >"$steps/said"
  grep '"message_type":"summary"' "$steps/said" | tail -n 1 >"$steps/stored.new"
  grep -q '"snapshot_id":"[0-9a-f]' "$steps/stored.new" || fail "restic did not say which snapshot it made; it needs version 0.14 or later"
  mv "$steps/stored.new" "$steps/stored"
fi
cat "$steps/stored"

# From here on nothing makes the run fail.
set +e
say() { # FILE WHAT: the last line of what went wrong
  cat "$steps/errors" >&2
  printf '%s: %s\\n' "$2" "$(tail -n 1 "$steps/errors")" >>"$steps/$1"
}
rm -f "$steps/copy-failed" "$steps/check-failed" "$steps/copied" "$steps/checked" "$BACKUP_MOUNT/accept-repository"
now=$(date +%s)
began=$(cat "$steps/began" 2>/dev/null || echo "$now")
deadline=$((began + RUN_SECONDS))
[ "$deadline" -ge $((now + 120)) ] || deadline=$((now + 120))
# When the last sound check was, and which seventh is next: after seven all of it was read.
marker=$BACKUP_MOUNT/checked
damaged=$BACKUP_MOUNT/damaged
last=0
part=1
read -r last part 2>/dev/null <"$marker"
[ ! -e "$damaged" ] || read -r part <"$damaged"
case $last in "" | *[!0-9]*) last=0 ;; esac
case $part in [1-7]) ;; *) part=1 ;; esac
due=no
[ $((now - last)) -lt "$CHECK_SECONDS" ] || due=yes
[ ! -e "$damaged" ] || due=yes

copy() {
  [ -n "$AWS_ACCESS_KEY_ID" ] && [ -n "$AWS_SECRET_ACCESS_KEY" ] || { echo "BACKUP_S3_KEY_ID and BACKUP_S3_SECRET_KEY are not in Vault (ops/backup-access)" >&2; return 1; }
  rekeyed >&2 || return 1
  # Cut alike in both, so that what did not change is copied once.
  limited cat config >/dev/null 2>&1 || limited init --from-repo "$local" --from-password-file "$RESTIC_PASSWORD_FILE" --copy-chunker-params || return 1
  limited unlock && retried limited copy --from-repo "$local" --from-password-file "$RESTIC_PASSWORD_FILE" --host "$SNAPSHOT_HOST" --tag "$SNAPSHOT_TAG" latest
}
run_deadline=$deadline
first=no
if [ -n "\${S3_REPOSITORY:-}" ]; then
  export AWS_ACCESS_KEY_ID="\${BACKUP_S3_KEY_ID:-}" AWS_SECRET_ACCESS_KEY="\${BACKUP_S3_SECRET_KEY:-}" AWS_DEFAULT_REGION="$S3_REGION"
  [ "$(cat "$BACKUP_MOUNT/copied" 2>/dev/null)" = "$S3_REPOSITORY" ] || first=yes
  [ "$first" = no ] || deadline=$((now + STEP_SECONDS))
  export RESTIC_REPOSITORY="$S3_REPOSITORY"
  if copy 2>"$steps/errors"; then
    : >"$steps/copied"
    printf '%s\\n' "$S3_REPOSITORY" >"$BACKUP_MOUNT/copied"
  else
    say copy-failed "no second copy in S3"
  fi
  export RESTIC_REPOSITORY="$local"
fi
# The first copy had its own time; what is left to do has two minutes after it.
deadline=$run_deadline
[ "$first" = no ] || [ "$deadline" -ge $(($(date +%s) + 120)) ] || deadline=$(($(date +%s) + 120))

found=
if [ "$due" = yes ]; then
  retried limited check --read-data-subset="$part/7" 2>"$steps/errors"
  status=$?
  if [ "$status" = 0 ]; then
    printf '%s %s\\n' "$now" $((part % 7 + 1)) >"$marker"
    rm -f "$damaged"
    : >"$steps/checked"
    # Until it was done once: a prune may run out of time.
    : >"$BACKUP_MOUNT/prune-due"
  elif [ "$status" = 124 ] || [ "$status" = 130 ] || [ "$status" = 143 ] || grep -q "already locked" "$steps/errors"; then
    say check-failed "the repository could not be checked in this run, the next one tries again"
  else
    say check-failed "part $part of 7 of the repository is damaged, and nothing is taken away any more: keep the volume as it is, and see docs/backup.md"
    printf '%s\\n' "$part" >"$damaged.new" && mv "$damaged.new" "$damaged"
    found=damage
  fi
fi
if [ "$found" = damage ]; then
  :
elif [ -e "$damaged" ]; then
  echo "part $part of 7 of the repository was found damaged, and is not yet found sound again: nothing is taken away; keep the volume as it is, and see docs/backup.md" >>"$steps/check-failed"
else
  prune=
  [ ! -e "$BACKUP_MOUNT/prune-due" ] || prune=--prune
  if forget $prune 2>"$steps/errors"; then rm -f "$BACKUP_MOUNT/prune-due"; else say check-failed "old backups cannot be taken away, and the volume will fill up"; fi
  if [ -e "$steps/copied" ]; then
    export RESTIC_REPOSITORY="$S3_REPOSITORY"
    forget $prune 2>"$steps/errors" || say copy-failed "old backups cannot be taken away from S3"
  fi
fi
exit 0
`;
