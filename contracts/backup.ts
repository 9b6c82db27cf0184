/**
 * What a backup is: where the repository lies, what a run puts into it, and where
 * the newest run's outcome is written. The job writes it (constructs/jobs/backup.ts,
 * runtime/backup), the restore and the guardian read it.
 */
import { z } from "zod";

/** Folder of the restic repository on the volume gvfx-backup, and where the job mounts that volume. On the node it is `<volumesRoot>/gvfx-backup/restic`. */
export const BACKUP_MOUNT = "/backups";
export const REPOSITORY_FOLDER = "restic";
export const LOCAL_REPOSITORY = `${BACKUP_MOUNT}/${REPOSITORY_FOLDER}`;

/** Every snapshot of the platform carries this tag; its restic host is the Nomad namespace. One snapshot is one run. */
export const SNAPSHOT_TAG = "gvfx";

/** Folder that the tasks of a run share, and the root of all paths inside a snapshot. */
export const RUN_FOLDER = "/alloc/data";

/** Folder in which the tasks of a run tell each other what they did; no part of a snapshot. */
export const STEPS_FOLDER = `${RUN_FOLDER}/steps`;

/** Paths inside a snapshot. */
export const BACKUP_PATHS = {
  /** Physical base backup in plain format, with its WAL and backup_manifest; verified by pg_verifybackup before it was stored. */
  postgres: `${RUN_FOLDER}/postgres`,
  /** One folder a bucket; below it each object at its key. */
  objects: `${RUN_FOLDER}/objects`,
  /** One line of JSON an object: InventoryLine. */
  inventory: `${RUN_FOLDER}/objects.jsonl`,
  /** `nomad.snap`, `consul.snap`, `vault.snap`, where the environment permits them. */
  cluster: `${RUN_FOLDER}/cluster`,
  /** BackupManifest. */
  manifest: `${RUN_FOLDER}/manifest.json`,
} as const;

export const CLUSTER_SNAPSHOTS = ["nomad", "consul", "vault"] as const;
export type ClusterSnapshot = (typeof CLUSTER_SNAPSHOTS)[number];

/** Path of an object inside a snapshot. */
export function objectPath(bucket: string, key: string): string {
  return `${BACKUP_PATHS.objects}/${bucket}/${key}`;
}

/** Path of a cluster's snapshot inside a restic snapshot. */
export function clusterSnapshotPath(of: ClusterSnapshot): string {
  return `${BACKUP_PATHS.cluster}/${of}.snap`;
}

export const MANIFEST_VERSION = 1;

const time = z.iso.datetime();
const amount = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);

const bucketSchema = z.object({
  objects: amount,
  bytes: amount,
  /** Of them, how many had been deleted since the dump began: a restored row may still name them. */
  deletedSinceStart: amount,
  /** SHA-256 over the bucket's lines of the inventory, in the order of their keys' bytes. */
  digest: sha256,
});

const clusterSnapshotSchema = z.discriminatedUnion("taken", [
  z.object({ taken: z.literal(true), bytes: amount, sha256 }),
  /** `reason` for people: what does not permit it, and where that is changed. */
  z.object({ taken: z.literal(false), reason: z.string().min(1) }),
]);

export const backupManifestSchema = z.object({
  version: z.literal(MANIFEST_VERSION),
  environment: z.string().min(1),
  namespace: z.string().min(1),
  /** Nomad allocation of the run. */
  run: z.string().min(1),
  startedAt: time,
  finishedAt: time,
  postgres: z.object({
    /** As the server gives it: "17.6". */
    version: z.string().min(1),
    /** Of the cluster (pg_control): a restored one has the same. */
    systemIdentifier: z.string().regex(/^\d+$/),
    timeline: z.number().int().positive(),
    /** Checkpoint that the backup starts from. */
    checkpointLsn: lsn,
    /** Recovery ends here: the state that is restored is the one of this moment. */
    endLsn: lsn,
    /** What was committed before startedAt is in the backup, what was committed after finishedAt is not. */
    startedAt: time,
    finishedAt: time,
    files: amount,
    bytes: amount,
    /** Of backup_manifest, which holds the checksum of every file. */
    manifestSha256: sha256,
  }),
  /** By bucket. */
  objects: z.record(z.string(), bucketSchema),
  cluster: z.object({ nomad: clusterSnapshotSchema, consul: clusterSnapshotSchema, vault: clusterSnapshotSchema }),
});
export type BackupManifest = z.infer<typeof backupManifestSchema>;

export const inventoryLineSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  size: amount,
  sha256,
  contentType: z.string().optional(),
  /** It was deleted after the dump began. */
  deleted: z.literal(true).optional(),
});
export type InventoryLine = z.infer<typeof inventoryLineSchema>;

/** Nomad variable with the outcome of the newest runs. */
export const BACKUP_STATUS_VARIABLE = "gvfx/backup/status";

/** Items of that variable; Nomad keeps text only. Times are ISO 8601, and absent where nothing has happened yet. */
export interface BackupStatus {
  /** Start of the dump of the newest run that succeeded: what a restore of it brings back at least. */
  readonly recoveryPoint?: string;
  /** End of the newest run that succeeded. */
  readonly lastSuccess?: string;
  /** restic snapshot of that run: its id, or the first eight digits of it. */
  readonly snapshot?: string;
  /** Bytes that it holds. */
  readonly bytes?: string;
  /** How long it took, in seconds. */
  readonly seconds?: string;
  /** What the newest run that succeeded lacks, in one line: a snapshot of a cluster, its copy in S3, a sound check. */
  readonly warning?: string;
  readonly lastFailure?: string;
  /** What failed then, in one line. */
  readonly failure?: string;
  /** Recovery point of the newest copy in S3; absent where the environment names no S3. */
  readonly copied?: string;
  /** Id of the restic repository that the newest run which succeeded stored into. */
  readonly repository?: string;
  /** Node that held the data then. Where the environment names another one, the backups are on another volume, too. */
  readonly dataNode?: string;
  /** When the repository was last checked without a finding. */
  readonly checked?: string;
}

/**
 * Reads a manifest.
 * @throws Error that names every field which is not as it should be
 */
export function parseBackupManifest(text: string): BackupManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`manifest.json is not JSON (${(error as Error).message}): the backup is damaged, or was made by another program; choose another restore point`);
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (version !== MANIFEST_VERSION) throw new Error(`manifest.json has version ${JSON.stringify(version)}, and this program reads version ${MANIFEST_VERSION}: use the revision of this repository that made the backup`);
  const parsed = backupManifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`manifest.json is not a backup's manifest; choose another restore point\n${parsed.error.issues.map(({ path, message }) => `  ${path.join(".")}: ${message}`).join("\n")}`);
}
