/** What a node says of itself before anything is restored: a script that only looks, and the reading of its answer. */
import { LOCAL_REPOSITORY, BACKUP_MOUNT } from "../../../contracts/backup";
import { JOBS } from "../../../contracts/services";
import { hostVolume } from "../../../contracts/volumes";
import { ownerFolder, parseOwner, WHOSE } from "./owner";
import { parseRecord, PRINT_RECORD } from "./record";
import { CONTAINER_LABEL, quoted, script } from "./shell";
import { RESTORE_PREFIX, RESTORED_VOLUMES, type NodeFacts, type RestoredFolder, type VolumeFacts } from "./types";

/** What the scripts of a restore use on a node, beside what every POSIX system has. */
const PROGRAMS = ["docker", "tar", "sha256sum", "find", "df", "awk", "base64", "findmnt"] as const;

/** File in a restored folder that says whose it is and how far it came. */
export const STATE_FILE = "gvfx-restore";
/** Between the name of a volume and the moment of the restore that put another in its place. */
export const ASIDE = ".before-restore-";
/** Likewise, of data that `--undo` took out again. */
export const UNDONE = ".undone-";
/** File in a restored folder with the moment of its swap, from before the first rename until after the last one. */
export const STAMP_FILE = "stamp";
/** File below a node's volumesRoot that is there while an undo is under way. */
export const UNDO_FILE = ".gvfx-restore-undo";

/** Prints "begun FOLDER" for a swap that is not at its end, and "undoing" for an undo; wants $root. */
export const HALF_DONE = `for half in "$root"/${RESTORE_PREFIX}*/${STAMP_FILE}; do [ ! -e "$half" ] || echo "begun \${half%/*}"; done
[ ! -e "$root/${UNDO_FILE}" ] || echo undoing`;

/** Asks only what is half done, which takes no time. */
export function halfDoneScript(volumesRoot: string): string {
  return script(`root=${quoted(volumesRoot)}\n${HALF_DONE}`);
}

/** Folder of the repository on a node. */
export function repositoryFolder(volumesRoot: string): string {
  return `${volumesRoot}/${hostVolume(JOBS.backup)}${LOCAL_REPOSITORY.slice(BACKUP_MOUNT.length)}`;
}

/**
 * Who has a volume open: containers by their mounts, and processes whose mount table shows the folder. A bind mount is
 * shown there by its device and its path within that file system, wherever it is mounted.
 */
export const USERS_OF_VOLUME = `users_of() {
  docker ps --filter "volume=$1" --format 'container {{.Names}}' 2>/dev/null || true
  [ -d "$1" ] || return 0
  at=$(findmnt --noheadings --first-only --output TARGET --target "$1")
  within=$(findmnt --noheadings --first-only --output FSROOT --target "$1")
  device=$(findmnt --noheadings --first-only --output MAJ:MIN --target "$1" | tr -d ' ')
  # grep goes on where a process has gone meanwhile.
  grep -lF " $device $(printf '%s/%s' "\${within%/}" "\${1#"\${at%/}"/}") " /proc/[0-9]*/mountinfo 2>/dev/null | sed 's|^/proc/\\([0-9]*\\)/.*|process \\1|' || true
}`;

/** @param images that a restore uses, by reference */
export function lookScript(volumesRoot: string, images: readonly string[]): string {
  return script(`root=${quoted(volumesRoot)}
for program in ${PROGRAMS.join(" ")}; do command -v "$program" >/dev/null || echo "missing $program"; done
command -v docker >/dev/null && { docker info >/dev/null 2>&1 || echo "missing docker"; }
[ -d "$root" ] || fail "$root, below which the node keeps its volumes, is not there; deploy foundation, or mount its disk"
echo "free $(df -PB1 "$root" | awk 'NR == 2 { print $4 }')"
[ ! -e ${quoted(`${repositoryFolder(volumesRoot)}/config`)} ] || echo repository
${USERS_OF_VOLUME}
for volume in ${RESTORED_VOLUMES.map(quoted).join(" ")}; do
  path=$root/$volume
  if [ ! -d "$path" ]; then echo "volume $volume missing"; continue; fi
  state=filled
  [ -n "$(ls -A "$path")" ] || state=empty
  echo "volume $volume $state"
  [ "$(stat -c %d "$path")" = "$(stat -c %d "$root")" ] || echo "mounted $volume"
  users_of "$path" | while read -r user; do echo "user $volume $user"; done
done
for image in ${images.map(quoted).join(" ")}; do docker image inspect "$image" >/dev/null 2>&1 || echo "image $image"; done
for folder in "$root"/${RESTORE_PREFIX}*; do
  [ -d "$folder" ] || continue
  echo "restored $(cat "$folder/${STATE_FILE}" 2>/dev/null || echo foreign) $folder"
  ${PRINT_RECORD}
done
${HALF_DONE}
for folder in "$root"/*${ASIDE}* "$root"/*${UNDONE}*; do [ ! -d "$folder" ] || echo "aside $folder"; done
owner=${quoted(ownerFolder(volumesRoot))}
${WHOSE}
for who in "$owner"/*; do [ ! -f "$who" ] || docker ps --all --filter "label=${CONTAINER_LABEL}=\${who##*/}" --format 'owned {{.Names}}' 2>/dev/null || true; done
docker ps --all --filter label=${CONTAINER_LABEL} --format 'restoring {{.Names}}' 2>/dev/null || true`);
}

/** @throws Error when the answer is not what the script prints */
export function parseLook(name: string, volumesRoot: string, lines: readonly string[]): NodeFacts {
  const values = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const freeBytes = Number(values("free")[0] ?? NaN);
  if (!Number.isSafeInteger(freeBytes)) throw new Error(`${name} did not say how much room it has, but: ${lines.slice(0, 3).join(" / ") || "nothing"}`);
  const [mounted, users] = [values("mounted"), values("user")];
  return {
    name,
    volumesRoot,
    freeBytes,
    missingPrograms: [...new Set(values("missing"))],
    missingImages: values("image"),
    hasRepository: lines.includes("repository"),
    volumes: values("volume").map((line): VolumeFacts => {
      const [volume, state] = line.split(" ");
      const usedBy = users.filter((user) => user.startsWith(`${volume} `)).map((user) => user.slice(volume.length + 1));
      return { name: volume, path: `${volumesRoot}/${volume}`, state: state as VolumeFacts["state"], mountPoint: mounted.includes(volume), usedBy };
    }),
    // What is not ours has no state file: nothing is done with it.
    restored: values("restored").flatMap((line): RestoredFolder[] => {
      const [state, path] = line.split(" ");
      if (state !== "unfinished" && state !== "proven") return [];
      const short = path.slice(path.lastIndexOf(RESTORE_PREFIX) + RESTORE_PREFIX.length);
      const record = state === "proven" ? parseRecord(short, values("record").find((each) => each.startsWith(`${path} `))?.slice(path.length + 1)) : undefined;
      return [{ path, shortId: short, state, begun: values("begun").includes(path), ...(record ? { record } : {}) }];
    }),
    keptAside: values("aside"),
    undoing: lines.includes("undoing"),
    owner: parseOwner(lines),
    restoreContainers: values("restoring").filter((container) => !values("owned").includes(container)),
  };
}
