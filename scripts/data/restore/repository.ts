/** restic on a node, in the platform's own image: lists restore points, and gives out what one holds. */
import { BACKUP_MOUNT, BACKUP_PATHS, LOCAL_REPOSITORY, SNAPSHOT_TAG } from "../../../contracts/backup";
import { JOBS } from "../../../contracts/services";
import { hostVolume } from "../../../contracts/volumes";
import { CONTAINER_LABEL, envFile, quoted, RUN_LABEL, script, type SecretFiles } from "./shell";
import { STATE_FILE } from "./look";
import type { RestorePoint } from "./types";

/** How a repository is opened on a node. */
export interface Repository {
  /** Reference of restic's image. */
  readonly image: string;
  /** Encrypts the repository; from Vault. */
  readonly key: string;
  /** On this node's disk, below its volumesRoot; or at an S3 address. */
  readonly place: { readonly kind: "local"; readonly volumesRoot: string } | { readonly kind: "s3"; readonly repository: string; readonly region: string; readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A backup that prunes has the repository to itself for a moment; after this it is read without a lock. */
const LOCK_SECONDS = 60;

function secretsOf({ key, place }: Repository): SecretFiles {
  return { key, ...(place.kind === "s3" ? { env: envFile({ AWS_ACCESS_KEY_ID: place.accessKeyId, AWS_SECRET_ACCESS_KEY: place.secretAccessKey }) } : {}) };
}

/**
 * Defines restic(), and $lock: empty, or what makes it read without a lock, where none can be had (a disk that is
 * read-only by now, a prune that was killed). What is read then may be pruned meanwhile, which restic notices.
 * @param mount further arguments of docker run
 */
function restic({ image, place }: Repository, mount = ""): string {
  const at = place.kind === "local" ? `--network none --volume ${quoted(`${place.volumesRoot}/${hostVolume(JOBS.backup)}`)}:${BACKUP_MOUNT} --env RESTIC_REPOSITORY=${LOCAL_REPOSITORY}` : `--env-file "$secrets/env" --env AWS_DEFAULT_REGION=${quoted(place.region)} --env RESTIC_REPOSITORY=${quoted(place.repository)}`;
  return `restic() {
  docker run --rm --log-driver none ${RUN_LABEL} --volume "$secrets":/run/gvfx:ro --env RESTIC_PASSWORD_FILE=/run/gvfx/key ${at} ${mount} --entrypoint restic ${quoted(image)} --no-cache "$@"
}
docker image inspect ${quoted(image)} >/dev/null 2>&1 || docker pull --quiet ${quoted(image)} >/dev/null
lock=
waited=0
until problem=$(restic cat config 2>&1 >/dev/null); do
  case $problem in
    *"already locked"*) [ "$waited" -lt ${LOCK_SECONDS} ] || { lock=--no-lock; break; } ;;
    *"read-only file system"* | *"ermission denied"*) lock=--no-lock; break ;;
    *"wrong password"* | *"no key found"*) fail "the key in Vault (ops/backup, BACKUP_KEY) does not open this repository: it was made with another one; take the key of that time: the version history of ops/backup in Vault has it" ;;
    *) fail "the repository cannot be read: $(printf %s "$problem" | tail -n 1)" ;;
  esac
  sleep 5
  waited=$((waited + 5))
done`;
}

/** Prints what \`restic snapshots --json\` prints. */
export function listScript(repository: Repository): string {
  return script(`${restic(repository)}\nrestic --no-lock snapshots --json --tag ${SNAPSHOT_TAG}`, secretsOf(repository));
}

/** Prints, for each point, a line "point ID" and then its manifest; a point without one is a line "none ID". */
export function manifestsScript(repository: Repository, points: readonly RestorePoint[]): string {
  return script(
    `${restic(repository)}
for id in ${points.map(({ id }) => id).join(" ")}; do
  if manifest=$(restic --no-lock dump "$id" ${BACKUP_PATHS.manifest} 2>/dev/null); then printf 'point %s\\n%s\\n' "$id" "$manifest"; else echo "none $id"; fi
done`,
    secretsOf(repository),
  );
}

/** Writes everything that a point holds to standard output, as a tar archive. */
export function dumpScript(repository: Repository, point: RestorePoint): string {
  return script(`${restic(repository)}\nrestic $lock dump --archive tar ${point.id} /`, secretsOf(repository));
}

/** Makes the folder anew: only one of ours that is not proven is removed. */
export function prepareFolder(folder: string): string {
  return `folder=${quoted(folder)}
if [ -e "$folder" ]; then
  [ "$(cat "$folder/${STATE_FILE}" 2>/dev/null)" = unfinished ] || fail "$folder is there already, and was not left by a restore that broke off; look at it and move it away"
  rm -rf "$folder"
fi
mkdir -p "$folder/raw" "$folder/volumes"
chmod 0755 "$folder" "$folder/volumes"
echo unfinished >"$folder/${STATE_FILE}"`;
}

/** Unpacks the archive that comes on standard input. It is a command line that others see: it holds no secret. */
export function unpackCommand(folder: string): string {
  return `umask 077; exec tar -x -f - --numeric-owner -C ${quoted(`${folder}/raw`)}`;
}

/** Restores to the folder on this node; prints "bytes N" now and then. */
export function restoreScript(repository: Repository, point: RestorePoint, folder: string): string {
  return script(
    `${prepareFolder(folder)}
${restic(repository, `--volume ${quoted(`${folder}/raw`)}:/restore`)}
restic $lock restore ${point.id} --target /restore >/dev/null 2>"$secrets/log" &
running=$!
while kill -0 "$running" 2>/dev/null; do
  sleep 2
  echo "bytes $(du -sb "$folder/raw" 2>/dev/null | cut -f 1)"
done
wait "$running" || fail "restic did not restore everything: $(tail -n 2 "$secrets/log" | tr '\\n' ' ')"`,
    secretsOf(repository),
    `docker ps --quiet --filter label=${CONTAINER_LABEL}="$gvfx_run" | xargs -r docker rm --force`,
  );
}
