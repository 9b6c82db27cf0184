/**
 * Backups, on the app node that does not hold the data: a periodic job that copies
 * the cluster of Postgres with its write-ahead log, then every object that a row of
 * it may name, then snapshots of Nomad, Consul and Vault; and puts all of it,
 * encrypted, into a restic repository on its own volume, and from there to S3.
 *
 * The recovery point is the interval. The copy is physical: one moment of both
 * databases, roles included. docs/backup.md says what a run holds.
 */
import { existsSync, readFileSync } from "node:fs";
import { BACKUP_MOUNT, BACKUP_STATUS_VARIABLE, CLUSTER_SNAPSHOTS, LOCAL_REPOSITORY, SNAPSHOT_TAG } from "../../contracts/backup";
import { vaultRole } from "../../contracts/identity";
import { imageReference, type ImageLock } from "../../contracts/images";
import { BACKUP_KEY_BEFORE, secretFor } from "../../contracts/secrets";
import { CLUSTER_PORTS, CONVEX_BUCKETS, JOBS, serviceName } from "../../contracts/services";
import { Duration, Size } from "../../contracts/units";
import { hostVolume } from "../../contracts/volumes";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS, notOnNode, notOnWitness } from "../nomad/placement";
import { stableJson } from "../nomad/render";
import type { JobSpec, TaskSpec, TemplateSpec } from "../nomad/spec";
import { DATABASE_SCRIPT, RESTIC_SCRIPT } from "./backup-scripts";
import { BACKUP_SOURCE } from "./backup-source";
import { PRIORITY, RESTART_BEFORE_NEXT_RUN } from "./policies";
import { BACKUP_ROLE } from "./postgres";
import { secretEnvTemplate } from "./templates";

/** The first copy of everything over a home line. What hangs for longer is ended: no later run starts before this one is over. */
const STEP_LIMIT = Duration.hours(1);
/** Of an interval, what is left for the report and the start of the next run. The shortest interval is five minutes. */
const RUN_MARGIN = Duration.minutes(1);
/** Free space that a run leaves on the disk that it shares with a server of Nomad and Consul: room for their logs and snapshots of a day, many times over. */
const RESERVE_MIB = String(Size.gibibytes(2).bytes / 2 ** 20);
/** Between the clocks of the two nodes; both keep time, and a lease depends on it. */
const CLOCK_MARGIN = Duration.minutes(2);
const VAULT_AUTHORITY = "local/vault-ca.pem";

export function backupJob(env: Environment, lock: ImageLock): JobSpec {
  const { backup } = env.dataPlane;
  return {
    id: JOBS.backup,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace: env.nomad.namespace,
    priority: PRIORITY.backup,
    rationale: `every ${backup.interval}: what a loss of the data node may cost; never two at once: they would prune one repository; each step is ended after ${STEP_LIMIT}, since what hangs would keep every later run from starting; beside the app, not beside the data: one lost node must not take both`,
    group: {
      kind: "periodic",
      name: "backup",
      interval: backup.interval,
      constraints: [notOnWitness(), notOnNode(env.dataPlane.node)],
      ports: [],
      services: [],
      restart: RESTART_BEFORE_NEXT_RUN,
      volume: { name: "backups", source: hostVolume(JOBS.backup) },
      tasks: [database(env, lock), collect(env, lock), repository(env, lock), report(env, lock), clean(env, lock)],
    },
  };
}

/** What the tasks share; Nomad starts those before the main one together, and collect waits for the database by itself. */
function step(env: Environment): Pick<TaskSpec, "killSignal" | "killTimeout" | "dnsServer" | "init" | "vaultRole"> {
  return {
    killSignal: "SIGTERM",
    // Nothing is lost by ending it: a run that is cut off leaves no snapshot, and the next one begins anew.
    killTimeout: Duration.seconds(10),
    dnsServer: NODE_TAILNET_ADDRESS,
    init: true,
    vaultRole: vaultRole(env.nomad.namespace, JOBS.backup),
  };
}

function database(env: Environment, lock: ImageLock): TaskSpec {
  return {
    ...step(env),
    name: "database",
    image: imageReference(env.images.postgres, lock.postgres),
    entrypoint: ["/bin/bash", "/local/database.sh"],
    env: { POSTGRES_SERVER: `host=${serviceName("postgres")}.service.${env.consul.domain} port=${env.ports.postgres} user=${BACKUP_ROLE}`, STEP_SECONDS: String(STEP_LIMIT.seconds), RESERVE_MIB },
    templates: [secretEnvTemplate(env.vault.kvMount, JOBS.backup, ["BACKUP_DB_PASSWORD"]), script("database", DATABASE_SCRIPT)],
    resources: { cpuMhz: 200, memory: Size.mebibytes(256) },
    hook: "prestart",
  };
}

function collect(env: Environment, lock: ImageLock): TaskSpec {
  const { consul, vault } = env.dataPlane.backup.clusterSnapshots;
  const authority = vaultAuthority(env);
  return {
    ...program(env, lock, "collect"),
    // The node's own agent, which speaks plain HTTP inside the tailnet.
    env: { CONSUL_HTTP_ADDR: `http://${NODE_TAILNET_ADDRESS}:${CLUSTER_PORTS.consulHttp}` },
    templates: [
      ...programFiles(env),
      ...(authority === undefined ? [] : [{ data: authority, destination: VAULT_AUTHORITY }]),
      secretEnvTemplate(env.vault.kvMount, JOBS.backup, ["BACKUP_STORE_KEY_ID", "BACKUP_STORE_SECRET", ...(consul.permitted ? ["CONSUL_SNAPSHOT_TOKEN"] : [])]),
    ],
    ...(vault.permitted ? { callsVault: true } : {}),
    // A page of keys and eight streams; what a restart finds done it does again.
    resources: { cpuMhz: 200, memory: Size.mebibytes(192), memoryMax: Size.mebibytes(512) },
    hook: "prestart",
  };
}

function report(env: Environment, lock: ImageLock): TaskSpec {
  return {
    ...program(env, lock, "report"),
    templates: [...programFiles(env), secretEnvTemplate(env.vault.kvMount, JOBS.backup, ["ALERT_TOKEN"])],
    resources: { cpuMhz: 50, memory: Size.mebibytes(128) },
    hook: "poststop",
  };
}

/** runtime/backup, in the backend's image: it has Bun, and is on the nodes for the app. */
function program(env: Environment, lock: ImageLock, name: "collect" | "report"): Omit<TaskSpec, "resources"> {
  // The copies are for root alone, and the steps of a run share them; the backend's image has a user of its own.
  return { ...step(env), name, user: "root", image: imageReference(env.images.backend, lock.backend), command: "bun", args: ["/local/backup.mjs", name, "/local/settings.json"], callsNomad: true };
}

function programFiles(env: Environment): TemplateSpec[] {
  const { clusterSnapshots, s3, deadManUrl } = env.dataPlane.backup;
  const permission = (of: (typeof CLUSTER_SNAPSHOTS)[1 | 2]) => {
    const said = clusterSnapshots[of];
    return { permitted: said.permitted, ...(said.permitted ? {} : { reason: said.reason }) };
  };
  const settings = {
    environment: env.name,
    namespace: env.nomad.namespace,
    buckets: Object.values(CONVEX_BUCKETS).sort(),
    objectstore: `http://${serviceName("objectstore")}.service.${env.consul.domain}:${env.ports.objectstore}`,
    deletedMarginMs: CLOCK_MARGIN.milliseconds,
    stepMs: STEP_LIMIT.milliseconds,
    reserveBytes: Number(RESERVE_MIB) * 2 ** 20,
    dataNode: env.dataPlane.node,
    clusterSnapshots: { consul: permission("consul"), vault: { ...permission("vault"), address: env.vault.address, ...(vaultAuthority(env) === undefined ? {} : { caFile: `/${VAULT_AUTHORITY}` }) } },
    copies: s3 !== undefined,
    statusVariable: BACKUP_STATUS_VARIABLE,
    alerts: { destination: env.alerts.destination, ...(deadManUrl === undefined ? {} : { deadManUrl }) },
  };
  return [{ data: BACKUP_SOURCE, destination: "local/backup.mjs" }, { data: `${stableJson(settings, 2)}\n`, destination: "local/settings.json" }];
}

/** The certificate that Vault's address is checked with. Of a lab, the file that its first deploy writes: until then there is no Vault either. */
function vaultAuthority(env: Environment): string | undefined {
  const { vault } = env.dataPlane.backup.clusterSnapshots;
  if (!vault.permitted || !vault.authority) return undefined;
  if ("pem" in vault.authority) return vault.authority.pem;
  return existsSync(vault.authority.file) ? readFileSync(vault.authority.file, "utf8") : undefined;
}

function repository(env: Environment, lock: ImageLock): TaskSpec {
  const { interval, keepLast, keepDaily, keepWeekly, checkEvery, s3 } = env.dataPlane.backup;
  return {
    ...step(env),
    name: "restic",
    image: imageReference(env.images.restic, lock.restic),
    entrypoint: ["/bin/sh", "/local/restic.sh"],
    env: {
      BACKUP_MOUNT,
      RESTIC_REPOSITORY: LOCAL_REPOSITORY,
      RESTIC_PASSWORD_FILE: "/secrets/backup-key",
      KEY_BEFORE_FILE: "/secrets/backup-key-before",
      // A container's own name is new in every run: snapshots of one source would never be counted together.
      SNAPSHOT_HOST: env.nomad.namespace,
      SNAPSHOT_TAG,
      KEEP_LAST: String(keepLast),
      KEEP_DAILY: String(keepDaily),
      KEEP_WEEKLY: String(keepWeekly),
      CHECK_SECONDS: String(checkEvery.seconds),
      STEP_SECONDS: String(STEP_LIMIT.seconds),
      RESERVE_MIB,
      RUN_SECONDS: String(interval.seconds - RUN_MARGIN.seconds),
      ...(s3 ? { S3_REPOSITORY: s3.repository, S3_REGION: s3.region } : {}),
    },
    templates: [keyFile(env), keyBeforeFile(env), script("restic", RESTIC_SCRIPT), secretEnvTemplate(env.vault.kvMount, JOBS.backup, ["BACKUP_S3_KEY_ID", "BACKUP_S3_SECRET_KEY"])],
    resources: { cpuMhz: 300, memory: Size.mebibytes(512), memoryMax: Size.gibibytes(1) },
    mount: { volume: "backups", destination: BACKUP_MOUNT },
  };
}

/** What was copied is in the clear, and Nomad keeps the folder of a run that ended for a while: the copies go, whether or not the run succeeded. */
function clean(env: Environment, lock: ImageLock): TaskSpec {
  const { vaultRole: _, ...common } = step(env);
  return {
    ...common,
    name: "clean",
    image: imageReference(env.images.restic, lock.restic),
    // Not the manifest: the report, which runs beside this, reads it, and it holds no data.
    entrypoint: ["/bin/rm", "-rf", ...["postgres", "objects", "objects.jsonl", "cluster"].map((name) => `/alloc/data/${name}`)],
    resources: { cpuMhz: 50, memory: Size.mebibytes(64) },
    hook: "poststop",
  };
}

/** The key as a file: restic's environment and arguments never hold it. */
function keyFile(env: Environment): TemplateSpec {
  const { path, field } = secretFor(JOBS.backup, "BACKUP_KEY");
  return { data: `{{ with secret "${env.vault.kvMount}/data/${path}" }}{{ .Data.data.${field} }}{{ end }}\n`, destination: "secrets/backup-key", perms: "0600" };
}

/** The keys before that one, after rotations, each a line; else an empty line. */
function keyBeforeFile(env: Environment): TemplateSpec {
  const { path } = secretFor(JOBS.backup, "BACKUP_KEY");
  return { data: `{{ with secret "${env.vault.kvMount}/data/${path}" }}{{ if index .Data.data "${BACKUP_KEY_BEFORE}" }}{{ index .Data.data "${BACKUP_KEY_BEFORE}" }}{{ end }}{{ end }}\n`, destination: "secrets/backup-key-before", perms: "0600" };
}

function script(name: string, data: string): TemplateSpec {
  return { data, destination: `local/${name}.sh`, perms: "0755" };
}
