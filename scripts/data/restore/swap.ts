/** Renames that put restored volumes in place and take them out again. Each may be run again after it broke off. */
import { ASIDE, HALF_DONE, STAMP_FILE, STATE_FILE, UNDO_FILE, UNDONE, USERS_OF_VOLUME } from "./look";
import { quoted, script } from "./shell";
import { RECORD_FOLDER, recordPoint } from "./record";
import { RESTORE_PREFIX, RESTORED_VOLUMES, type RestoreRecord } from "./types";

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

/**
 * Says that a folder holds data that was proven, and removes what was needed for the proof alone.
 * @param restored which backup it is: kept beside the backup's own manifest, as the folder's record
 */
export function markProvenScript(folder: string, run: string, readBack: string, restored: Pick<RestoreRecord, "point" | "from">): string {
  return script(`for volume in ${each}; do [ -n "$(ls -A ${quoted(`${folder}/volumes`)}/$volume 2>/dev/null)" ] || fail ${quoted(`${folder}/volumes`)}"/$volume is empty or not there: somebody removed what was restored; it is not proven"; done
rm -rf ${quoted(readBack)}
mkdir -p ${quoted(`${folder}/${RECORD_FOLDER}`)}
for part in manifest.json objects.jsonl cluster; do [ ! -e ${quoted(run)}/$part ] || mv ${quoted(run)}/$part ${quoted(`${folder}/${RECORD_FOLDER}`)}/; done
${recordPoint(folder, restored)}
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
if [ ! -e "$folder/${STAMP_FILE}" ]; then
  # Nothing was renamed yet, and nothing is unless all of it is there.
  [ "$(cat "$folder/${STATE_FILE}" 2>/dev/null)" = proven ] || fail "$folder is not proven; nothing was renamed"
  for volume in ${each}; do [ -n "$(ls -A "$folder/volumes/$volume" 2>/dev/null)" ] || fail "$folder/volumes/$volume is empty or not there, though $folder is called proven: somebody moved it; nothing was renamed. Remove $folder and restore again"; done
  echo ${quoted(stamp)} >"$folder/${STAMP_FILE}"
fi
stamp=$(cat "$folder/${STAMP_FILE}")
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

/**
 * Chooses what an undo goes back to, and changes nothing: a swap that broke off ($folder and its $stamp), an undo that
 * broke off ($undone and its $stamp), or else the newest restore in place, which must have kept every volume: one volume
 * of it with another of a later moment would be a state that never was.
 */
const CHOOSE = `folder=
undone=
stamp=
for half in "$root"/${RESTORE_PREFIX}*/${STAMP_FILE}; do
  [ -e "$half" ] || continue
  [ -z "$folder" ] || fail "the swaps of $folder and \${half%/*} broke off both: look at them; nothing was changed"
  folder=\${half%/*}
  stamp=$(cat "$half")
done
if [ -z "$folder" ]; then
  if [ -e "$root/${UNDO_FILE}" ]; then read -r undone stamp <"$root/${UNDO_FILE}" || true; fi
  [ -n "$stamp" ] || stamp=$(for volume in ${each}; do ls -d "$root/$volume${ASIDE}"* 2>/dev/null || true; done | sed 's/.*${ASIDE.replaceAll(".", "\\.")}//' | sort | tail -n 1)
  [ -n "$stamp" ] || fail "$root has no data from before a restore: it was discarded, or there was none; nothing was changed"
  if [ -z "$undone" ]; then
    for volume in ${each}; do
      [ -d "$root/$volume${ASIDE}$stamp" ] || fail "the restore of $stamp kept no $volume: it was empty then, or discarded, and the other volumes alone are no whole state; nothing was changed. Restore another backup instead"
    done
  fi
fi`;

/** Says to what an undo would go back, or fails with the reason why there is nothing; changes nothing. */
export function undoCheckScript(volumesRoot: string): string {
  return script(`root=${quoted(volumesRoot)}
${CHOOSE}
echo "undo $stamp"`);
}

/**
 * Goes back to the data from before one restore in place, all volumes of it. Of a swap that broke off, what it had put in
 * place goes back to its folder, which is proven as before; otherwise it is kept in turn.
 */
export function undoScript(volumesRoot: string, moment: string): string {
  return script(`root=${quoted(volumesRoot)}
${CHOOSE}
# An empty folder in a volume's place is of somebody who looked for it; data there is not overwritten.
free_place() { [ ! -d "$1" ] || rmdir "$1" 2>/dev/null || fail "$1 was filled while its data was aside: look at it and at $2"; }
if [ -n "$folder" ]; then
  for volume in ${each}; do
    new=$folder/volumes/$volume
    old=$root/$volume${ASIDE}$stamp
    if [ ! -d "$new" ] && [ -d "$root/$volume" ]; then mv "$root/$volume" "$new"; fi
    if [ -d "$old" ]; then
      free_place "$root/$volume" "$old"
      mv "$old" "$root/$volume"
      echo "restored $volume from $old"
    elif [ ! -d "$root/$volume" ]; then
      # It was empty before the swap.
      mkdir -m 0755 "$root/$volume"
    fi
  done
  rm -f "$folder/${STAMP_FILE}"
else
  [ -n "$undone" ] || undone=${quoted(moment)}
  echo "$undone $stamp" >"$root/${UNDO_FILE}"
  for volume in ${each}; do
    old=$root/$volume${ASIDE}$stamp
    # Put back already, by an undo that broke off.
    [ -d "$old" ] || continue
    aside=$root/$volume${UNDONE}$undone
    if [ -e "$aside" ]; then free_place "$root/$volume" "$old"; elif [ -d "$root/$volume" ]; then mv "$root/$volume" "$aside"; fi
    mv "$old" "$root/$volume"
    echo "restored $volume from $old"
  done
  rm -f "$root/${UNDO_FILE}"
fi
sync`);
}

/**
 * Removes folders that restores left: what was restored beside, and, for "all", what was kept aside. Nothing is removed
 * while a swap or an undo is half done: each of its folders may be needed to end it.
 */
export function discardScript(volumesRoot: string, what: "all" | "beside" = "all"): string {
  const aside = `for volume in ${each}; do
  for old in "$root/$volume${ASIDE}"* "$root/$volume${UNDONE}"*; do
    [ -d "$old" ] || continue
    [ -d "$root/$volume" ] || fail "$root/$volume is not there, and $old may be the only data: nothing more was removed"
    rm -rf "$old"
    echo "removed $old"
  done
done
`;
  return script(`root=${quoted(volumesRoot)}
half=$(${HALF_DONE.replaceAll("\n", "; ")})
[ -z "$half" ] || fail "a restore on this node is half in place ($half), and all of its folders may be needed: end it, or go back (data restore --undo); nothing was removed"
${what === "all" ? aside : ""}for folder in "$root/${RESTORE_PREFIX}"*; do
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
