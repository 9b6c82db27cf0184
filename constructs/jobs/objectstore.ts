/**
 * MinIO with Convex's five buckets: one copy, pinned to the node that has its volume.
 * The buckets are versioned: what is deleted stays for the retention time, so that a
 * backup of the rows always finds the objects which they name.
 */
import { vaultRole } from "../../contracts/identity";
import { imageReference, type ImageLock } from "../../contracts/images";
import { CONVEX_BUCKETS, DEFAULT_PORTS, JOBS, serviceName } from "../../contracts/services";
import { Duration, Size } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS } from "../nomad/placement";
import { Probe, type JobSpec, type TaskSpec, type TemplateSpec } from "../nomad/spec";
import { CHECK_INTERVAL, CHECK_TIMEOUT } from "./policies";
import { pinnedToData } from "./stateful";
import { secretEnvTemplate } from "./templates";

export function objectstoreJob(env: Environment, lock: ImageLock): JobSpec {
  const server: TaskSpec = {
    name: "minio",
    image: imageReference(env.images.minio, lock.minio),
    entrypoint: ["/bin/sh", "/local/start.sh"],
    ports: ["s3"],
    env: { GVFX_INITIALIZE: env.dataPlane.initializeEmptyVolumes ? "yes" : "no", MINIO_BROWSER: "off", MINIO_UPDATE: "off" },
    templates: [secretEnvTemplate(env.vault.kvMount, JOBS.objectstore, ["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"]), { data: START, destination: "local/start.sh", perms: "0755" }],
    vaultRole: vaultRole(env.nomad.namespace, JOBS.objectstore),
    resources: env.resources.objectstore,
    killSignal: "SIGTERM",
    killTimeout: env.dataPlane.killTimeout,
    mount: { volume: "data", destination: "/data" },
    dnsServer: NODE_TAILNET_ADDRESS,
  };
  const buckets: TaskSpec = {
    name: "buckets",
    image: imageReference(env.images.minioClient, lock.minioClient),
    entrypoint: ["/bin/sh", "/local/buckets.sh"],
    env: { MINIO_URL: "http://${NOMAD_ADDR_s3}", MC_CONFIG_DIR: "/secrets/mc" },
    templates: [
      secretEnvTemplate(env.vault.kvMount, JOBS.objectstore, ["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "BACKUP_STORE_KEY_ID", "BACKUP_STORE_SECRET"]),
      { data: BUCKETS, destination: "local/buckets.sh", perms: "0755" },
      json("convex-policy", CONVEX_POLICY),
      json("backup-policy", BACKUP_POLICY),
      json("lifecycle", lifecycle(env.dataPlane.backup.objectRetention)),
    ],
    vaultRole: vaultRole(env.nomad.namespace, JOBS.objectstore),
    // Measured: the client of 2025-08 is killed at 128 MiB, while it asks for a user's policies.
    resources: { cpuMhz: 100, memory: Size.mebibytes(256) },
    killSignal: "SIGTERM",
    killTimeout: Duration.seconds(5),
    hook: "poststart",
    dnsServer: NODE_TAILNET_ADDRESS,
  };
  return pinnedToData(env, {
    id: JOBS.objectstore,
    name: "objectstore",
    rationale: `kill timeout ${env.dataPlane.killTimeout}: uploads in flight are let finish; no canary: two servers on one data folder corrupt it`,
    ports: [{ label: "s3", to: DEFAULT_PORTS.objectstore, static: env.ports.objectstore }],
    services: [{ name: serviceName("objectstore"), port: "s3", check: Probe.fromHttpGet("/minio/health/ready", { interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) }],
    volume: { name: "data", source: JOBS.objectstore },
    tasks: [server, buckets],
  });
}

function json(name: string, value: unknown): TemplateSpec {
  return { data: `${JSON.stringify(value, null, 2)}\n`, destination: `local/${name}.json` };
}

const BUCKETS_OF_CONVEX = Object.values(CONVEX_BUCKETS).map((bucket) => `arn:aws:s3:::${bucket}`);
const OBJECTS_OF_CONVEX = BUCKETS_OF_CONVEX.map((bucket) => `${bucket}/*`);

/**
 * Convex's key opens its five buckets and nothing else. It may delete an object, which
 * leaves a marker, and no version of one. That has to be denied in words: MinIO lets
 * whoever may delete an object delete its versions too, unless a statement denies it.
 */
export const CONVEX_POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], Resource: BUCKETS_OF_CONVEX },
    { Effect: "Allow", Action: ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:GetObjectAttributes", "s3:ListMultipartUploadParts", "s3:PutObject"], Resource: OBJECTS_OF_CONVEX },
    { Effect: "Deny", Action: ["s3:DeleteObjectVersion"], Resource: OBJECTS_OF_CONVEX },
  ],
};

/** The backup's key reads what is there and what was, and writes nothing. */
export const BACKUP_POLICY = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"], Resource: BUCKETS_OF_CONVEX },
    { Effect: "Allow", Action: ["s3:GetObject", "s3:GetObjectVersion"], Resource: OBJECTS_OF_CONVEX },
  ],
};

/** A version goes so long after it was replaced or deleted; then its marker, which stands alone. */
export function lifecycle(retention: Duration) {
  return { Rules: [{ ID: "gvfx-retention", Status: "Enabled", Filter: { Prefix: "" }, NoncurrentVersionExpiration: { NoncurrentDays: retention.hours / 24 }, Expiration: { ExpiredObjectDeleteMarker: true } }] };
}

/** Refuses an empty volume unless it is the first boot: an empty one means the wrong disk. */
const START = `#!/bin/sh
set -eu
if [ ! -d /data/.minio.sys ] && [ "$GVFX_INITIALIZE" != yes ]; then
  echo "minio: the volume at /data is empty, and this is not the first boot: the disk is not mounted, or the job runs on the wrong node." >&2
  echo "minio: mount the disk on the data node; only for a first boot set dataPlane.initializeEmptyVolumes = true in the environment file and deploy data-plane." >&2
  exit 78
fi
exec minio server /data
`;

/**
 * Makes the buckets versioned, and the users of Convex and of the backup with a
 * policy each. Safe to repeat, and it changes what an earlier version made. Keys are
 * read from standard input, never from arguments. Only the shell's own words: the
 * official image has no grep.
 */
export const BUCKETS = `#!/bin/sh
set -eu
tries=0
until printf '%s\\n%s\\n' "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" | mc --quiet alias set gvfx "$MINIO_URL" >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo "buckets: MinIO at $MINIO_URL did not accept its own administrator for 60 s" >&2; exit 1; }
  sleep 1
done
for bucket in ${Object.values(CONVEX_BUCKETS).join(" ")}; do
  mc --quiet mb --ignore-existing "gvfx/$bucket"
  mc --quiet version enable "gvfx/$bucket" >/dev/null
  mc --quiet ilm rule import "gvfx/$bucket" </local/lifecycle.json >/dev/null
done
user() { # POLICY KEY SECRET
  printf '%s\\n%s\\n' "$2" "$3" | mc --quiet admin user add gvfx >/dev/null
  mc --quiet admin policy create gvfx "$1" "/local/$1-policy.json" >/dev/null
  # Attaching what is attached already is an error to mc.
  said=$(mc --quiet admin policy attach gvfx "$1" --user "$2" 2>&1) && return 0
  case $(mc --quiet admin policy entities gvfx --user "$2") in *"$1"*) ;; *) echo "buckets: the policy $1 cannot be attached: $said" >&2; exit 1 ;; esac
}
user convex "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
user backup "$BACKUP_STORE_KEY_ID" "$BACKUP_STORE_SECRET"
`;
