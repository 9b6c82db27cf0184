/** Renames that put restored volumes in place and take them out again. Each may be run again after it broke off. */
import { ASIDE, STATE_FILE, UNDONE, USERS_OF_VOLUME } from "./look";
import { quoted, script } from "./shell";
import { RESTORE_PREFIX, RESTORED_VOLUMES } from "./types";

const each = RESTORED_VOLUMES.map(quoted).join(" ");

/** A moment as part of a folder's name, in UTC: 20261126T030000Z. */
export function stampOf(moment: Date): string {
  return moment.toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");
}

/** Moves what the backup holds of Postgres to where the job's volume has it. */
export function arrangePostgresScript(folder: string, run: string): string {
  return script(`volume=${quoted(`${folder}/volumes/${RESTORED_VOLUMES[0]}`)}
mkdir -p "$volume"
chmod 0755 "$volume"
[ -e "$volume/pgdata" ] || mv ${quoted(`${run}/postgres`)} "$volume/pgdata"
chmod 0700 "$volume/pgdata"`);
}

/** Says that a folder holds data that was proven, and removes what was needed for the proof alone. */
export function markProvenScript(folder: string, run: string, readBack: string): string {
  return script(`rm -rf ${quoted(readBack)}
mkdir -p ${quoted(`${folder}/backup`)}
for part in manifest.json objects.jsonl cluster; do [ ! -e ${quoted(run)}/$part ] || mv ${quoted(run)}/$part ${quoted(`${folder}/backup`)}/; done
rm -rf ${quoted(`${folder}/raw`)}
sync
echo proven >${quoted(`${folder}/${STATE_FILE}`)}`);
}

/** Prints "user VOLUME WHO" for everything that has a volume open; nothing when all are idle. */
export function idleScript(volumesRoot: string): string {
  return script(`${USERS_OF_VOLUME}
for volume in ${each}; do
  users_of ${quoted(volumesRoot)}/$volume | while read -r user; do echo "user $volume $user"; done
  [ ! -e ${quoted(volumesRoot)}/$volume/pgdata/postmaster.pid ] || echo "note $volume was not stopped cleanly: its postmaster.pid is left"
done`);
}

/**
 * Puts each restored volume in the place of the present one, which is kept beside it. The moment is kept in the
 * folder, so that a swap that broke off goes on with the same names.
 */
export function swapScript(volumesRoot: string, folder: string, stamp: string): string {
  return script(`root=${quoted(volumesRoot)}
folder=${quoted(folder)}
[ -e "$folder/stamp" ] || echo ${quoted(stamp)} >"$folder/stamp"
stamp=$(cat "$folder/stamp")
for volume in ${each}; do
  new=$folder/volumes/$volume
  if [ ! -d "$new" ]; then
    [ -d "$root/$volume" ] || fail "neither $new nor $root/$volume is there: somebody moved them; what was there before is $root/$volume${ASIDE}$stamp"
    echo "already $volume"
    continue
  fi
  if [ -d "$root/$volume" ]; then
    rmdir "$root/$volume" 2>/dev/null || { [ ! -e "$root/$volume${ASIDE}$stamp" ] || fail "$root/$volume${ASIDE}$stamp is there already: a swap broke off and somebody filled $root/$volume again; look at both"; mv "$root/$volume" "$root/$volume${ASIDE}$stamp"; }
  fi
  mv "$new" "$root/$volume"
  echo "swapped $volume"
done
rm -rf "$folder"
sync`);
}

/** Puts back what the newest restore in place kept aside; what it had put there is kept in turn. */
export function undoScript(volumesRoot: string, stamp: string): string {
  return script(`root=${quoted(volumesRoot)}
kept=$root/.gvfx-restore-undo
[ -e "$kept" ] || echo ${quoted(stamp)} >"$kept"
stamp=$(cat "$kept")
for volume in ${each}; do
  [ -n "$(ls -d "$root/$volume${ASIDE}"* 2>/dev/null)" ] || [ -d "$root/$volume${UNDONE}$stamp" ] || rm -f "$kept"
  [ -e "$kept" ] || fail "$root has no data of $volume from before a restore: it was discarded, or there was none; nothing was changed"
done
for volume in ${each}; do
  old=$(ls -d "$root/$volume${ASIDE}"* 2>/dev/null | sort | tail -n 1)
  # Put back already, by an undo that broke off.
  [ -n "$old" ] && [ ! -d "$root/$volume${UNDONE}$stamp" ] || [ ! -d "$root/$volume" ] || continue
  [ ! -d "$root/$volume" ] || mv "$root/$volume" "$root/$volume${UNDONE}$stamp"
  mv "$old" "$root/$volume"
  echo "restored $volume from $old"
done
rm -f "$kept"
sync`);
}

/** Removes folders that restores left: what was kept aside, and what was restored beside. */
export function discardScript(volumesRoot: string): string {
  return script(`root=${quoted(volumesRoot)}
for volume in ${each}; do
  for old in "$root/$volume${ASIDE}"* "$root/$volume${UNDONE}"*; do
    [ -d "$old" ] || continue
    [ -d "$root/$volume" ] || fail "$root/$volume is not there, and $old may be the only data: nothing more was removed"
    rm -rf "$old"
    echo "removed $old"
  done
done
for folder in "$root/${RESTORE_PREFIX}"*; do
  [ -f "$folder/${STATE_FILE}" ] || continue
  rm -rf "$folder"
  echo "removed $folder"
done`);
}

/** Removes one restored folder; only one of ours. */
export function removeScript(folder: string): string {
  return script(`[ ! -e ${quoted(folder)} ] || [ -f ${quoted(`${folder}/${STATE_FILE}`)} ] || fail ${quoted(`${folder} was not made by a restore; it is left alone`)}
rm -rf ${quoted(folder)}`);
}

/** Removes containers and secrets that a restore which was cut off left on a node. */
export function cleanUpScript(label: string): string {
  return script(`docker ps --all --quiet --filter label=${label} | xargs -r docker rm --force >/dev/null
rm -rf /dev/shm/gvfx-restore.*`);
}
