/**
 * Backups of Postgres and MinIO, on the app node that does not hold the data: a
 * periodic job that dumps both databases, then copies Convex's objects, then puts
 * all of it, encrypted, into a restic repository on its own volume.
 *
 * The recovery point is the interval. A dump is logical, and consistent for each
 * database by itself; a physical backup with its write-ahead log, and the
 * procedures that restore, are not here yet. Roles are in no dump: the job of
 * Postgres makes them from Vault.
 */
import { vaultRole } from "../../contracts/identity";
import { imageReference, type ImageLock } from "../../contracts/images";
import { secretFor } from "../../contracts/secrets";
import { CONVEX_BUCKETS, JOBS, serviceName } from "../../contracts/services";
import { Duration, Size } from "../../contracts/units";
import { hostVolume } from "../../contracts/volumes";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS, notOnNode, notOnWitness } from "../nomad/placement";
import type { JobSpec, TaskSpec, TemplateSpec } from "../nomad/spec";
import { DUMP_SCRIPT, OBJECTS_SCRIPT, RESTIC_SCRIPT } from "./backup-scripts";
import { PRIORITY, RESTART_BEFORE_NEXT_RUN } from "./policies";
import { APP_DATABASE, convexDatabase } from "./postgres";
import { secretEnvTemplate } from "./templates";

/** The first copy of everything over a home line. What hangs for longer is ended: no later run starts before this one is over. */
const STEP_LIMIT = Duration.hours(1);

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
      tasks: [dump(env, lock), objects(env, lock), repository(env, lock), clean(env, lock)],
    },
  };
}

/** What the tasks share; Nomad starts those before the main one together, and objects waits for the dump by itself. */
function step(): Pick<TaskSpec, "killSignal" | "killTimeout" | "dnsServer" | "init"> {
  return {
    killSignal: "SIGTERM",
    // Nothing is lost by ending it: a run that is cut off leaves no snapshot, and the next one begins anew.
    killTimeout: Duration.seconds(10),
    dnsServer: NODE_TAILNET_ADDRESS,
    init: true,
  };
}

function dump(env: Environment, lock: ImageLock): TaskSpec {
  return {
    ...step(),
    name: "dump",
    image: imageReference(env.images.postgres, lock.postgres),
    entrypoint: ["/bin/sh", "/local/dump.sh"],
    env: {
      // As superuser: the databases belong to two roles.
      POSTGRES_SERVER: `postgres://postgres@${serviceName("postgres")}.service.${env.consul.domain}:${env.ports.postgres}`,
      DATABASES: `${convexDatabase(env.dataPlane.convexInstance)} ${APP_DATABASE}`,
      STEP_SECONDS: String(STEP_LIMIT.seconds),
    },
    templates: [secretEnvTemplate(env.vault.kvMount, JOBS.backup, ["POSTGRES_PASSWORD"]), script("dump", DUMP_SCRIPT)],
    vaultRole: vaultRole(env.nomad.namespace, JOBS.backup),
    resources: { cpuMhz: 200, memory: Size.mebibytes(256) },
    hook: "prestart",
  };
}

function objects(env: Environment, lock: ImageLock): TaskSpec {
  return {
    ...step(),
    name: "objects",
    image: imageReference(env.images.minioClient, lock.minioClient),
    entrypoint: ["/bin/sh", "/local/objects.sh"],
    env: {
      OBJECTSTORE_URL: `http://${serviceName("objectstore")}.service.${env.consul.domain}:${env.ports.objectstore}`,
      BUCKETS: Object.values(CONVEX_BUCKETS).join(" "),
      MC_CONFIG_DIR: "/secrets/mc",
      STEP_SECONDS: String(STEP_LIMIT.seconds),
    },
    templates: [secretEnvTemplate(env.vault.kvMount, JOBS.backup, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]), script("objects", OBJECTS_SCRIPT)],
    vaultRole: vaultRole(env.nomad.namespace, JOBS.backup),
    resources: { cpuMhz: 200, memory: Size.mebibytes(256) },
    hook: "prestart",
  };
}

function repository(env: Environment, lock: ImageLock): TaskSpec {
  const { keepLast, keepDaily, keepWeekly } = env.dataPlane.backup;
  return {
    ...step(),
    name: "restic",
    image: imageReference(env.images.restic, lock.restic),
    entrypoint: ["/bin/sh", "/local/restic.sh"],
    env: {
      RESTIC_REPOSITORY: "/backups/restic",
      RESTIC_PASSWORD_FILE: "/secrets/backup-key",
      // A container's own name is new in every run: snapshots of one source would never be counted together.
      SNAPSHOT_HOST: env.nomad.namespace,
      KEEP_LAST: String(keepLast),
      KEEP_DAILY: String(keepDaily),
      KEEP_WEEKLY: String(keepWeekly),
      STEP_SECONDS: String(STEP_LIMIT.seconds),
    },
    templates: [keyFile(env), script("restic", RESTIC_SCRIPT)],
    vaultRole: vaultRole(env.nomad.namespace, JOBS.backup),
    resources: { cpuMhz: 300, memory: Size.mebibytes(512), memoryMax: Size.gibibytes(1) },
    mount: { volume: "backups", destination: "/backups" },
  };
}

/** What was dumped is in the clear, and Nomad keeps the folder of a run that ended for a while: the copies go, whether or not the run succeeded. */
function clean(env: Environment, lock: ImageLock): TaskSpec {
  return {
    ...step(),
    name: "clean",
    image: imageReference(env.images.restic, lock.restic),
    entrypoint: ["/bin/rm", "-rf", "/alloc/data/postgres", "/alloc/data/objects"],
    resources: { cpuMhz: 50, memory: Size.mebibytes(64) },
    hook: "poststop",
  };
}

/** The key as a file: restic's environment and arguments never hold it. */
function keyFile(env: Environment): TemplateSpec {
  const { path, field } = secretFor(JOBS.backup, "BACKUP_KEY");
  return { data: `{{ with secret "${env.vault.kvMount}/data/${path}" }}{{ .Data.data.${field} }}{{ end }}\n`, destination: "secrets/backup-key", perms: "0600" };
}

function script(name: string, data: string): TemplateSpec {
  return { data, destination: `local/${name}.sh`, perms: "0755" };
}
