/** The environment, read as the real backend reads it. */
import { createHash } from "node:crypto";
import type { Bucket } from "./objects/objects";
import { importFaultsFrom, type ImportFaults } from "./transfer/faults";

export interface Settings {
  readonly instanceName: string;
  /** 32 bytes. */
  readonly instanceSecret: Buffer;
  /** Base of the URLs of files. */
  readonly cloudOrigin: string;
  /** Where HTTP actions would be. */
  readonly siteOrigin: string;
  /** DOUBLE_API_PORT and DOUBLE_SITE_PORT, for a process without a container of its own. */
  readonly ports: { readonly api: number; readonly site: number };
  /** DOUBLE_DATA_FOLDER: documents and files of an instance without Postgres and S3. */
  readonly dataFolder: string;
  /** DOUBLE_NEEDS_DEPLOY: functions are there only when their module was deployed. */
  readonly needsDeploy: boolean;
  /** DOUBLE_TABLE_SUMMARIES_AFTER: for so many seconds after the start tables cannot be counted, as after a real start. */
  readonly tableSummariesAfter: number;
  /** DOUBLE_IMPORT_FAULTS. */
  readonly importFaults: ImportFaults;
  /** Without it, documents are kept in SQLite in the data folder. */
  readonly postgres?: { readonly url: string; readonly maxConnections: number; readonly tls: boolean };
  /** Without it, files are kept in the data folder. */
  readonly s3?: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly buckets: Readonly<Record<Bucket, string>>;
  };
  /** What was left out, and what it led to; to be logged. */
  readonly notes: readonly string[];
}

/** Any one missing makes the backend keep files on local disk, as the real one does. */
const S3_KEYS = [
  "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_STORAGE_EXPORTS_BUCKET", "S3_STORAGE_SNAPSHOT_IMPORTS_BUCKET",
  "S3_STORAGE_MODULES_BUCKET", "S3_STORAGE_FILES_BUCKET", "S3_STORAGE_SEARCH_BUCKET",
] as const;

/** The real image's. */
const PORTS = { api: 3210, site: 3211 } as const;

/** Where the real image keeps its data. */
const DATA_FOLDER = "/convex/data";

type Env = Readonly<Record<string, string | undefined>>;

function s3From(env: Env, notes: string[]): Settings["s3"] {
  const missing = S3_KEYS.filter((key) => !env[key]);
  if (missing.length > 0) {
    notes.push(`files on local disk, which is lost with the container: ${missing.join(", ")} not set`);
    return undefined;
  }
  if (env.AWS_S3_FORCE_PATH_STYLE !== "true") notes.push('AWS_S3_FORCE_PATH_STYLE is not "true": the double uses path style all the same');
  return {
    endpoint: env.S3_ENDPOINT_URL ?? `https://s3.${env.AWS_REGION}.amazonaws.com`,
    region: env.AWS_REGION!,
    accessKeyId: env.AWS_ACCESS_KEY_ID!,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY!,
    buckets: { files: env.S3_STORAGE_FILES_BUCKET!, exports: env.S3_STORAGE_EXPORTS_BUCKET!, imports: env.S3_STORAGE_SNAPSHOT_IMPORTS_BUCKET! },
  };
}

function portFrom(env: Env, key: string, usual: number): number {
  const port = Number(env[key] || usual);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${key} is ${JSON.stringify(env[key])}: it must be a port, 1 to 65535`);
  return port;
}

/** The instance's database has its name with - as _; the URL must have no path of its own. */
function postgresFrom(env: Env, instanceName: string, notes: string[]): Settings["postgres"] {
  if (!env.POSTGRES_URL) {
    notes.push("documents on local disk, which is lost with the container: POSTGRES_URL not set");
    return undefined;
  }
  const url = new URL(env.POSTGRES_URL);
  if (url.pathname !== "" && url.pathname !== "/") throw new Error(`POSTGRES_URL has the path ${url.pathname}: it must have none, the database is ${instanceName.replaceAll("-", "_")}, after INSTANCE_NAME`);
  url.pathname = `/${instanceName.replaceAll("-", "_")}`;
  const maxConnections = Number(env.POSTGRES_MAX_CONNECTIONS ?? 128);
  if (!Number.isInteger(maxConnections) || maxConnections < 1) throw new Error(`POSTGRES_MAX_CONNECTIONS is ${JSON.stringify(env.POSTGRES_MAX_CONNECTIONS)}: it must be a whole number from 1`);
  // On for any non-empty value, "false" included.
  return { url: url.href, maxConnections, tls: !env.DO_NOT_REQUIRE_SSL };
}

/** @throws Error that names the key, what is wrong with it and what it must be */
export function settingsFrom(env: Env): Settings {
  const instanceName = env.INSTANCE_NAME || "convex-self-hosted";
  if (!/^[a-z0-9][a-z0-9-]*$/.test(instanceName)) throw new Error(`INSTANCE_NAME is ${JSON.stringify(instanceName)}: only lower-case letters, digits and - can name a database and be part of admin keys`);
  const secret = env.INSTANCE_SECRET ?? "";
  if (!/^[0-9a-f]{64}$/i.test(secret)) throw new Error(`INSTANCE_SECRET has ${secret.length} characters${secret ? "" : " (it is not set)"}: it must be 32 bytes as 64 hexadecimal digits, for admin keys are made from it`);
  const notes: string[] = [];
  const summaries = env.DOUBLE_TABLE_SUMMARIES_AFTER || "0";
  if (!/^\d+$/.test(summaries)) throw new Error(`DOUBLE_TABLE_SUMMARIES_AFTER is ${JSON.stringify(summaries)}: it must be whole seconds`);
  if (!["", "true", "false"].includes(env.DOUBLE_NEEDS_DEPLOY ?? "")) throw new Error(`DOUBLE_NEEDS_DEPLOY is ${JSON.stringify(env.DOUBLE_NEEDS_DEPLOY)}: it must be true or false`);
  return {
    instanceName,
    instanceSecret: Buffer.from(secret, "hex"),
    cloudOrigin: (env.CONVEX_CLOUD_ORIGIN || "http://127.0.0.1:3210").replace(/\/$/, ""),
    siteOrigin: (env.CONVEX_SITE_ORIGIN || "http://127.0.0.1:3211").replace(/\/$/, ""),
    ports: { api: portFrom(env, "DOUBLE_API_PORT", PORTS.api), site: portFrom(env, "DOUBLE_SITE_PORT", PORTS.site) },
    dataFolder: env.DOUBLE_DATA_FOLDER || DATA_FOLDER,
    needsDeploy: env.DOUBLE_NEEDS_DEPLOY === "true",
    tableSummariesAfter: Number(summaries),
    importFaults: importFaultsFrom(env.DOUBLE_IMPORT_FAULTS ?? ""),
    postgres: postgresFrom(env, instanceName, notes),
    s3: s3From(env, notes),
    notes,
  };
}

/** A key for signing upload URLs; of the instance, so that a URL survives a restart. */
export function uploadKey({ instanceSecret }: Settings): Buffer {
  return createHash("sha256").update(instanceSecret).update("upload url").digest();
}
