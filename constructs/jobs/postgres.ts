/** Postgres: one copy, pinned to the node that has its volume. */
import { vaultRole } from "../../contracts/identity";
import { imageReference, type ImageLock } from "../../contracts/images";
import { DEFAULT_PORTS, JOBS, serviceName } from "../../contracts/services";
import { Duration, Size } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS } from "../nomad/placement";
import { Probe, type JobSpec, type TaskSpec } from "../nomad/spec";
import { CHECK_INTERVAL, CHECK_TIMEOUT } from "./policies";
import { pinnedToData } from "./stateful";
import { secretEnvTemplate } from "./templates";

/** Database of the app's own Postgres client. */
export const APP_DATABASE = "gvfx";
export const CONVEX_ROLE = "convex";
export const APP_ROLE = "gvfx";
/** Copies the whole cluster over the replication protocol, and may do nothing else: it reads no table. */
export const BACKUP_ROLE = "gvfx_backup";

/** Convex names its database after its instance, with - turned into _. */
export function convexDatabase(instance: string): string {
  return instance.replace(/-/g, "_");
}

export function postgresJob(env: Environment, lock: ImageLock): JobSpec {
  const image = imageReference(env.images.postgres, lock.postgres);
  const { maxConnections, sharedBuffers } = env.dataPlane.postgres;
  const server: TaskSpec = {
    name: "postgres",
    image,
    entrypoint: ["/bin/bash", "/local/start.sh"],
    args: ["postgres", "-c", `max_connections=${maxConnections}`, "-c", `shared_buffers=${sharedBuffers.mib}MB`, "-c", "hba_file=/local/pg_hba.conf"],
    ports: ["postgres"],
    env: { PGDATA: "/var/lib/postgresql/data/pgdata", GVFX_INITIALIZE: env.dataPlane.initializeEmptyVolumes ? "yes" : "no" },
    templates: [secretEnvTemplate(env.vault.kvMount, JOBS.postgres, ["POSTGRES_PASSWORD"]), { data: START, destination: "local/start.sh", perms: "0755" }, { data: HBA, destination: "local/pg_hba.conf" }],
    vaultRole: vaultRole(env.nomad.namespace, JOBS.postgres),
    resources: env.resources.postgres,
    // SIGINT is Postgres' fast shutdown: clients are disconnected and a checkpoint is written. SIGTERM would wait for every client.
    killSignal: "SIGINT",
    killTimeout: env.dataPlane.killTimeout,
    mount: { volume: "data", destination: "/var/lib/postgresql/data" },
    dnsServer: NODE_TAILNET_ADDRESS,
  };
  const roles: TaskSpec = {
    name: "roles",
    image,
    entrypoint: ["/bin/bash", "/local/roles.sh"],
    env: { PGHOST: "${NOMAD_IP_postgres}", PGPORT: "${NOMAD_PORT_postgres}", PGUSER: "postgres", PGDATABASE: "postgres", CONVEX_DATABASE: convexDatabase(env.dataPlane.convexInstance) },
    templates: [secretEnvTemplate(env.vault.kvMount, JOBS.postgres, ["POSTGRES_PASSWORD", "CONVEX_DB_PASSWORD", "APP_DB_PASSWORD", "BACKUP_DB_PASSWORD"]), { data: ROLES, destination: "local/roles.sh", perms: "0755" }],
    vaultRole: vaultRole(env.nomad.namespace, JOBS.postgres),
    resources: { cpuMhz: 100, memory: Size.mebibytes(64) },
    killSignal: "SIGTERM",
    killTimeout: Duration.seconds(5),
    hook: "poststart",
    dnsServer: NODE_TAILNET_ADDRESS,
  };
  return pinnedToData(env, {
    id: JOBS.postgres,
    name: "postgres",
    rationale: `kill timeout ${env.dataPlane.killTimeout}: the shutdown checkpoint of a busy database; no canary: two servers on one data folder destroy it`,
    ports: [{ label: "postgres", to: DEFAULT_PORTS.postgres, static: env.ports.postgres }],
    services: [{ name: serviceName("postgres"), port: "postgres", check: Probe.fromTcpConnect({ interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) }],
    volume: { name: "data", source: JOBS.postgres },
    tasks: [server, roles],
  });
}

/**
 * Who may connect. Outside the volume: the image writes its own only at a first
 * boot, and without a line for replication from another machine, so that a volume
 * which exists already could not be backed up. Inside the container the image's own
 * start-up is trusted. For databases the word "all" does not include replication:
 * the backup's role copies the cluster, and connects to no database.
 */
export const HBA = `local all all trust
host all ${BACKUP_ROLE} all reject
host all all all scram-sha-256
host replication ${BACKUP_ROLE} all scram-sha-256
`;

/** Refuses an empty volume unless it is the first boot: an empty one means the wrong disk, and would become an empty database. */
const START = `#!/bin/bash
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ] && [ "$GVFX_INITIALIZE" != yes ]; then
  echo "postgres: the volume at $PGDATA is empty, and this is not the first boot: the disk is not mounted, or the job runs on the wrong node." >&2
  echo "postgres: mount the disk on the data node; only for a first boot set dataPlane.initializeEmptyVolumes = true in the environment file and deploy data-plane." >&2
  exit 78
fi
# The superuser's password is what Vault says, also after a rotation: the image sets it at a first boot alone. In this
# container the socket is trusted; the password goes through a variable of psql, never through an argument.
(
  for _ in $(seq 1 60); do psql -U postgres -d postgres -qAtc 'select 1' >/dev/null 2>&1 && break; sleep 1; done
  psql -U postgres -d postgres -q -v ON_ERROR_STOP=1 <<'SQL' || echo "postgres: the superuser keeps its former password; the task roles waits for the one in Vault" >&2
\\set superuser_password \`printf %s "$POSTGRES_PASSWORD"\`
ALTER ROLE postgres PASSWORD :'superuser_password';
SQL
) &
exec docker-entrypoint.sh "$@"
`;

/** Creates the roles and databases, and sets their passwords to what Vault says. Safe to repeat. Passwords go through psql variables, never through arguments. */
export const ROLES = `#!/bin/bash
set -euo pipefail
export PGPASSWORD="$POSTGRES_PASSWORD"
for _ in $(seq 1 60); do psql -qAtc 'select 1' >/dev/null 2>&1 && break; sleep 1; done
psql -q -v ON_ERROR_STOP=1 <<'SQL'
\\set convex_password \`printf %s "$CONVEX_DB_PASSWORD"\`
\\set app_password \`printf %s "$APP_DB_PASSWORD"\`
\\set backup_password \`printf %s "$BACKUP_DB_PASSWORD"\`
\\set convex_database \`printf %s "$CONVEX_DATABASE"\`
SELECT 'CREATE ROLE ${CONVEX_ROLE} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${CONVEX_ROLE}') \\gexec
SELECT 'CREATE ROLE ${APP_ROLE} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${APP_ROLE}') \\gexec
SELECT 'CREATE ROLE ${BACKUP_ROLE} LOGIN REPLICATION' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${BACKUP_ROLE}') \\gexec
ALTER ROLE ${CONVEX_ROLE} PASSWORD :'convex_password';
ALTER ROLE ${APP_ROLE} PASSWORD :'app_password';
ALTER ROLE ${BACKUP_ROLE} LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'backup_password';
SELECT format('CREATE DATABASE %I OWNER ${CONVEX_ROLE}', :'convex_database') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'convex_database') \\gexec
SELECT 'CREATE DATABASE ${APP_DATABASE} OWNER ${APP_ROLE}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${APP_DATABASE}') \\gexec
SQL
`;
