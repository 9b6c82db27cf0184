/** Objects go into the object store by its own protocol, and are read back from it: its files are nobody else's. */
import { envFile, quoted, RUN_LABEL, script } from "./shell";

/** MinIO makes its folder and answers within seconds; a minute is a machine in trouble. */
const START_SECONDS = 60;

export interface ObjectLoad {
  readonly serverImage: string;
  readonly clientImage: string;
  /** Folder with one folder a bucket. */
  readonly from: string;
  /** Folder of the new volume; made. */
  readonly volume: string;
  /** Folder into which all objects are read back; made. */
  readonly readBack: string;
  readonly buckets: readonly string[];
  /** MinIO's administrator, from Vault: the job starts it on this volume with the same. */
  readonly rootUser: string;
  readonly rootPassword: string;
}

/** What runs in the client's container. Keys come by its environment, and go on by standard input. */
const LOAD = `set -eu
tries=0
until printf '%s\\n%s\\n' "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" | mc --quiet alias set gvfx http://127.0.0.1:9000 --api S3v4 >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt ${START_SECONDS} ] || { echo "MinIO did not accept its administrator within ${START_SECONDS} s" >&2; exit 1; }
  sleep 1
done
for bucket in $BUCKETS; do
  mc --quiet mb --ignore-existing "gvfx/$bucket" >/dev/null
  if [ -d "/from/$bucket" ]; then mc --quiet mirror --overwrite "/from/$bucket" "gvfx/$bucket" >/dev/null; fi
  mkdir -p "/back/$bucket"
  mc --quiet mirror --overwrite "gvfx/$bucket" "/back/$bucket" >/dev/null
  echo "loaded $bucket"
done
`;

/** Starts MinIO on a new volume, without a way out, and loads every bucket; prints "loaded BUCKET". */
export function loadObjectsScript({ serverImage, clientImage, from, volume, readBack, buckets, rootUser, rootPassword }: ObjectLoad): string {
  const label = `${RUN_LABEL} --log-driver json-file`;
  return script(
    `server=gvfx-restore-minio-$$
client=gvfx-restore-mc-$$
rm -rf ${quoted(volume)} ${quoted(readBack)}
mkdir -p ${quoted(volume)} ${quoted(readBack)} ${quoted(from)}
chmod 0755 ${quoted(volume)}
docker run --detach --name "$server" ${label} --network none --env-file "$secrets/env" --env MINIO_BROWSER=off --env MINIO_UPDATE=off --volume ${quoted(volume)}:/data --entrypoint minio ${quoted(serverImage)} server --address 127.0.0.1:9000 /data >/dev/null
if ! said=$(docker run --rm --name "$client" ${label} --network "container:$server" --env-file "$secrets/env" --env BUCKETS=${quoted(buckets.join(" "))} --env MC_CONFIG_DIR=/tmp/mc --volume ${quoted(from)}:/from:ro --volume ${quoted(readBack)}:/back --entrypoint /bin/sh ${quoted(clientImage)} -c ${quoted(LOAD)} 2>&1); then
  fail "the objects could not be loaded into MinIO: $(printf %s "$said" | tail -n 2 | tr '\\n' ' '); MinIO: $(docker logs --tail 2 "$server" 2>&1 | tr '\\n' ' ')"
fi
printf '%s\\n' "$said"
docker kill --signal TERM "$server" >/dev/null
docker wait "$server" >/dev/null`,
    { env: envFile({ MINIO_ROOT_USER: rootUser, MINIO_ROOT_PASSWORD: rootPassword }) },
    '[ -z "${client:-}" ] || docker rm --force "$client"; [ -z "${server:-}" ] || docker rm --force "$server"',
  );
}
