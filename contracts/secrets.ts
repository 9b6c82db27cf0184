/**
 * The secrets catalog: where each secret lives in Vault, who may read it, and
 * where it comes from. One Vault path has one set of readers, so that a path is
 * what a policy grants.
 */
import { ENV_CONTRACT } from "./env";
import { APP_SERVICE_JOB, JOBS, type AppService, type JobName } from "./services";

export interface Secret {
  /** Field of the KV entry; for the app's secrets it is the environment key. */
  readonly field: string;
  /** Path below the KV v2 mount, for example "app/trading". */
  readonly path: string;
  /** Jobs whose Vault policy grants the path. Empty: only an operator reads it. */
  readonly readers: readonly JobName[];
  /** Who makes it: a program can (`generated`), or from other secrets (`derived`), or only a person with an account elsewhere. */
  readonly origin: "generated" | "operator" | "derived";
  /** A job that reads it cannot start without it. */
  readonly required: boolean;
  readonly purpose: string;
}

/** Secrets of the app that this platform requires although the app's contract does not. */
const REQUIRED_HERE: ReadonlySet<string> = new Set(["API_TOKEN", "TIMESCALE_URL"]);

/** Jobs that call the API's authenticated routes without being a service of the app. */
const API_CALLERS: readonly JobName[] = [JOBS.guardian];
/** Where API_TOKEN lives; callers of the API read it too. */
const API_TOKEN_PATH = "app/api-token";

const APP_PATHS: readonly { readonly services: readonly AppService[]; readonly path: string }[] = [
  { services: ["api", "worker"], path: "app/trading" },
  { services: ["api", "frontend"], path: API_TOKEN_PATH },
  { services: ["worker"], path: "app/worker" },
];

function appSecrets(): Secret[] {
  const readers = new Map<string, Set<AppService>>();
  for (const entry of ENV_CONTRACT.filter((e) => e.secret && e.key !== "NEXT_PUBLIC_API_TOKEN")) {
    const services = readers.get(entry.key) ?? new Set<AppService>();
    entry.services.forEach((service) => services.add(service));
    readers.set(entry.key, services);
  }
  return [...readers].map(([key, services]) => {
    const home = APP_PATHS.find((p) => p.services.length === services.size && p.services.every((s) => services.has(s)));
    if (!home) throw new Error(`no Vault path is set aside for readers ${[...services].join(", ")} of ${key}: add one to APP_PATHS in contracts/secrets.ts`);
    return {
      field: key,
      path: home.path,
      readers: [...home.services.map((service): JobName => APP_SERVICE_JOB[service]), ...(home.path === API_TOKEN_PATH ? API_CALLERS : [])],
      origin: key === "API_TOKEN" ? "generated" : key === "TIMESCALE_URL" ? "derived" : "operator",
      required: REQUIRED_HERE.has(key) || ENV_CONTRACT.some((e) => e.key === key && e.required),
      purpose: `the app's ${key}`,
    };
  });
}

/** Beside BACKUP_KEY, at its path: the keys before it, each a line, the newest first, by which a repository is opened that no run has changed the key of. */
export const BACKUP_KEY_BEFORE = "BACKUP_KEY_BEFORE";
/** How many of them are kept: so many rotations may pass while S3 is not to be reached. Vault's own history has the rest. */
export const BACKUP_KEYS_KEPT = 5;

const PLATFORM_SECRETS: readonly Secret[] = [
  { field: "POSTGRES_PASSWORD", path: "data/postgres", readers: [JOBS.postgres], origin: "generated", required: true, purpose: "superuser of Postgres" },
  { field: "BACKUP_DB_PASSWORD", path: "data/postgres-backup", readers: [JOBS.postgres, JOBS.backup], origin: "generated", required: true, purpose: "the role in Postgres that may copy the whole cluster, and nothing else" },
  { field: "CONVEX_DB_PASSWORD", path: "data/postgres-convex", readers: [JOBS.postgres, JOBS.convex], origin: "generated", required: true, purpose: "Convex's role in Postgres" },
  { field: "APP_DB_PASSWORD", path: "data/postgres-app", readers: [JOBS.postgres], origin: "generated", required: true, purpose: "the app's role in Postgres; part of TIMESCALE_URL" },
  { field: "MINIO_ROOT_USER", path: "data/objectstore", readers: [JOBS.objectstore], origin: "generated", required: true, purpose: "administrator of MinIO" },
  { field: "MINIO_ROOT_PASSWORD", path: "data/objectstore", readers: [JOBS.objectstore], origin: "generated", required: true, purpose: "administrator of MinIO" },
  { field: "AWS_ACCESS_KEY_ID", path: "data/objectstore-convex", readers: [JOBS.objectstore, JOBS.convex], origin: "generated", required: true, purpose: "Convex's access key in MinIO, limited to its five buckets" },
  { field: "AWS_SECRET_ACCESS_KEY", path: "data/objectstore-convex", readers: [JOBS.objectstore, JOBS.convex], origin: "generated", required: true, purpose: "Convex's secret key in MinIO" },
  { field: "BACKUP_STORE_KEY_ID", path: "data/objectstore-backup", readers: [JOBS.objectstore, JOBS.backup], origin: "generated", required: true, purpose: "the backup's access key in MinIO: reads the five buckets and their versions" },
  { field: "BACKUP_STORE_SECRET", path: "data/objectstore-backup", readers: [JOBS.objectstore, JOBS.backup], origin: "generated", required: true, purpose: "the backup's secret key in MinIO" },
  { field: "INSTANCE_SECRET", path: "data/convex", readers: [JOBS.convex], origin: "generated", required: true, purpose: "Convex instance secret: 32 bytes of hex; changing it invalidates admin keys" },
  { field: "CONVEX_ADMIN_KEY", path: "data/convex-admin", readers: [], origin: "derived", required: true, purpose: "Convex admin key, for the operator's data moves" },
  { field: "REGISTRY_USERNAME", path: "ops/registry", readers: [], origin: "operator", required: true, purpose: "pulls images; placed on the nodes, read by no job" },
  { field: "REGISTRY_PASSWORD", path: "ops/registry", readers: [], origin: "operator", required: true, purpose: "pulls images; placed on the nodes, read by no job" },
  { field: "BACKUP_KEY", path: "ops/backup", readers: [JOBS.backup], origin: "generated", required: true, purpose: "encrypts backups; without it no backup can be read" },
  { field: "BACKUP_S3_KEY_ID", path: "ops/backup-access", readers: [JOBS.backup], origin: "operator", required: false, purpose: "access key of the backups' second copy (dataPlane.backup.s3)" },
  { field: "BACKUP_S3_SECRET_KEY", path: "ops/backup-access", readers: [JOBS.backup], origin: "operator", required: false, purpose: "secret key of the backups' second copy" },
  { field: "CONSUL_SNAPSHOT_TOKEN", path: "ops/backup-access", readers: [JOBS.backup], origin: "operator", required: false, purpose: "Consul token that may write ACLs, for snapshots of Consul (dataPlane.backup.clusterSnapshots.consul)" },
  { field: "ALERT_TOKEN", path: "ops/alert", readers: [JOBS.guardian, JOBS.backup], origin: "operator", required: true, purpose: "authenticates to the alert destination" },
];

/** Every secret of the platform, the app's first. */
export const SECRETS: readonly Secret[] = [...appSecrets(), ...PLATFORM_SECRETS];

/**
 * Paths that must be in Vault before their readers can start, be it empty: a template
 * that reads a path which is not there waits for it, for ever.
 */
export function pathsThatMustExist(): string[] {
  return [...new Set(SECRETS.filter((secret) => secret.readers.length > 0).map((secret) => secret.path))].sort();
}

/** Secrets that a job may read. */
export function secretsFor(job: JobName): Secret[] {
  return SECRETS.filter((secret) => secret.readers.includes(job));
}

/** Vault paths (below the mount) that a job may read, each once, sorted. */
export function secretPathsFor(job: JobName): string[] {
  return [...new Set(secretsFor(job).map((secret) => secret.path))].sort();
}

/**
 * The secret behind a field, for a job that may read it.
 * @throws Error when the catalog does not grant it: the task's Vault policy would refuse.
 */
export function secretFor(job: JobName, field: string): Secret {
  const secret = SECRETS.find((s) => s.field === field);
  if (!secret) throw new Error(`there is no secret ${field}: add it to contracts/secrets.ts`);
  if (!secret.readers.includes(job)) throw new Error(`${job} may not read ${field}: its Vault policy does not grant ${secret.path}; add the job to the secret's readers in contracts/secrets.ts`);
  return secret;
}
