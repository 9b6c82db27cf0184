/** What runs: images, ports, resources, markets, tuning and the data plane. */
import { z } from "zod";
import { DEFAULT_PORTS } from "../../contracts/services";
import { backupSchema } from "./backup";
import { count, duration, label, nonEmpty, portNumber, size, withExample } from "./fields";

const repository = (example: string) =>
  withExample(z.string().regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+$|^[a-z0-9._-]+(\/[a-z0-9._-]+)*$/, "must be an image repository without tag or digest: the digest comes from images.lock.json"), example);

export const imagesSchema = z.strictObject({
  registry: z.strictObject({
    /** Host (and port) that nodes pull from. */
    host: nonEmpty("registry.example.com"),
    /** How the registry's credentials reach the nodes. `node-file`: a Docker config file that the operator places; `credential-helper`: a program on each node; `none`: an open registry. */
    credentials: z.discriminatedUnion("delivery", [
      z.strictObject({ delivery: z.literal("node-file"), path: nonEmpty("/etc/nomad.d/registry.json") }),
      z.strictObject({ delivery: z.literal("credential-helper"), helper: nonEmpty("ecr-login") }),
      z.strictObject({ delivery: z.literal("none") }),
    ]),
  }),
  /** File with the digests, relative to the repository, when it is not the committed images.lock.json. One that is not there pins nothing. */
  lockFile: nonEmpty(".gvfx/lab/images.lock.json").optional(),
  backend: repository("registry.example.com/tv-goldviewfx-backend"),
  frontend: repository("registry.example.com/tv-goldviewfx-frontend"),
  rlService: repository("registry.example.com/tv-goldviewfx-rl-service"),
  convex: repository("ghcr.io/get-convex/convex-backend"),
  postgres: repository("postgres"),
  minio: repository("minio/minio"),
  minioClient: repository("minio/mc"),
  haproxy: repository("haproxy"),
  restic: repository("restic/restic"),
});

/** Host ports on the tailnet. The first three are fixed by the app's contract. */
export const portsSchema = z.strictObject({
  frontend: portNumber(DEFAULT_PORTS.frontend),
  api: portNumber(DEFAULT_PORTS.api),
  rlService: portNumber(DEFAULT_PORTS.rlService),
  convex: portNumber(DEFAULT_PORTS.convex),
  convexSite: portNumber(DEFAULT_PORTS.convexSite),
  postgres: portNumber(DEFAULT_PORTS.postgres),
  objectstore: portNumber(DEFAULT_PORTS.objectstore),
});

const resources = (cpu: number, memory: string) =>
  z.strictObject({
    /** Share of the node's CPU, in MHz: what the scheduler counts. */
    cpuMhz: count(cpu),
    memory: size(memory),
    /** Hard limit, when a task may use memory that happens to be free. At least `memory`. */
    memoryMax: size(memory).optional(),
  });

export const resourcesSchema = z.strictObject({
  api: resources(1000, "1GiB"),
  frontend: resources(500, "1GiB"),
  rlService: resources(1200, "4GiB"),
  worker: resources(1000, "1GiB"),
  gateway: resources(200, "128MiB"),
  postgres: resources(1000, "2GiB"),
  objectstore: resources(500, "1GiB"),
  convex: resources(1000, "3GiB"),
});

/** How a new version replaces the old one. */
export const rolloutSchema = z.strictObject({
  /** How long an allocation may take until it is healthy, its image's pull included; one that takes longer fails the deployment, and the job goes back to the version before. */
  healthyDeadline: duration("5m"),
});

export const replicasSchema = z.strictObject({ api: count(2), frontend: count(2), rlService: count(2) });

const pairs = (example: string[]) => withExample(z.array(withExample(z.string().regex(/^[A-Za-z0-9]+(-[A-Za-z0-9]+)?$/, "must be a trading pair"), example[0])).min(1), example);

export const marketsSchema = z.strictObject({
  gold: pairs(["Gold-USDT", "XAUTUSDT", "PAXGUSDT"]),
  crypto: pairs(["BTC-USDT", "ETH-USDT"]),
  /** Replaces the union of both sections for ingestion. */
  bingxOverride: pairs(["BTC-USDT"]).optional(),
});

const settings = (example: Record<string, string>) => withExample(z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/, "must be an environment key"), z.string()), example);

/** Environment keys beyond what the platform sets itself, by service; each is checked against the app's contract. */
export const tuningSchema = z.strictObject({
  api: settings({ OPS_READ_TIMEOUT_MS: "4000" }),
  worker: settings({ BINGX_WS_FLUSH_INTERVAL_MS: "1000" }),
  frontend: settings({ BACKEND_PROXY_TIMEOUT_MS: "45000" }),
  rlService: settings({ RL_SERVICE_LOG_LEVEL: "info" }),
});

export const dataPlaneSchema = z.strictObject({
  /** The app node that holds every volume. */
  node: label("server-1"),
  /** Set for the very first deploy only: an empty volume is refused otherwise, since it means the wrong disk. */
  initializeEmptyVolumes: z.boolean(),
  convexInstance: label("tv-goldviewfx"),
  postgres: z.strictObject({
    maxConnections: count(100),
    /** Connection pool of the Convex backend (its own default, 128, exceeds a stock Postgres). */
    convexPool: count(48),
    /** TIMESCALE_POOL_MAX of each api allocation and of the worker. */
    appPool: count(4),
    backupConnections: count(3),
    /** Kept for the operator and for Postgres itself. */
    reserve: count(10),
    sharedBuffers: size("512MiB"),
  }),
  /** How long Postgres and MinIO may take to stop cleanly. */
  killTimeout: duration("60s"),
  /** Backups on the other app node. */
  backup: backupSchema,
});
