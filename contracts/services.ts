/**
 * Names and ports that jobs, policies, DNS and operators agree on. They are
 * known at synth, so no stack asks another one for them.
 */
import { port, type Port } from "./units";

/** Every Nomad job of the platform; the job id is its name everywhere. */
export const JOBS = {
  postgres: "gvfx-postgres",
  objectstore: "gvfx-objectstore",
  convex: "gvfx-convex",
  api: "gvfx-api",
  frontend: "gvfx-frontend",
  rlService: "gvfx-rl-service",
  worker: "gvfx-worker",
  gateway: "gvfx-gateway",
  guardian: "gvfx-guardian",
  backup: "gvfx-backup",
  images: "gvfx-images",
} as const;

export type JobKey = keyof typeof JOBS;
export type JobName = (typeof JOBS)[JobKey];
export const JOB_KEYS = Object.keys(JOBS) as JobKey[];

/** Jobs of kind system: one allocation on each app node, which Nomad does not place again by itself once it has failed. */
export const SYSTEM_JOBS: readonly JobName[] = [JOBS.gateway];

/** The four services of the app's env contract. */
export const APP_SERVICES = ["api", "worker", "frontend", "rl-service"] as const;
export type AppService = (typeof APP_SERVICES)[number];

export const APP_SERVICE_JOB: Readonly<Record<AppService, JobName>> = {
  api: JOBS.api,
  worker: JOBS.worker,
  frontend: JOBS.frontend,
  "rl-service": JOBS.rlService,
};

/** Services behind the gateway: a fixed public name and port, allocations on dynamic ports under `<name>-alloc`. */
export const GATEWAY_SERVICES = ["frontend", "api", "rl-service"] as const;
export type GatewayService = (typeof GATEWAY_SERVICES)[number];

/** Consul service name that users and jobs resolve. */
export function serviceName(service: GatewayService | "convex" | "convex-site" | "postgres" | "objectstore" | "worker" | "guardian"): string {
  return `gvfx-${service}`;
}

/** Consul service name under which the allocations of a gateway service register. */
export function allocationServiceName(service: GatewayService): string {
  return `gvfx-${service}-alloc`;
}

/** Ports that the app's contract fixes. An environment may move the data-plane ones, never the first three. */
export const DEFAULT_PORTS = {
  frontend: port(3000),
  api: port(8787),
  rlService: port(9101),
  convex: port(3210),
  convexSite: port(3211),
  postgres: port(5432),
  objectstore: port(9000),
} satisfies Readonly<Record<string, Port>>;

/** Ports of Nomad, Consul and Vault as their projects document them. */
export const CLUSTER_PORTS = {
  nomadHttp: port(4646),
  nomadRpc: port(4647),
  nomadSerf: port(4648),
  consulRpc: port(8300),
  consulSerfLan: port(8301),
  consulSerfWan: port(8302),
  consulHttp: port(8500),
  consulHttps: port(8501),
  consulGrpc: port(8502),
  consulGrpcTls: port(8503),
  consulDns: port(8600),
  dns: port(53),
  vault: port(8200),
  ssh: port(22),
} satisfies Readonly<Record<string, Port>>;

/** Range from which Nomad gives an allocation its port (Nomad's own default), both ends included. */
export const NOMAD_DYNAMIC_PORTS = { min: port(20_000), max: port(32_000) } satisfies Readonly<Record<string, Port>>;

/** The five buckets that Convex keeps apart; any one missing makes it fall back silently to local disk. */
export const CONVEX_BUCKETS = {
  S3_STORAGE_EXPORTS_BUCKET: "convex-exports",
  S3_STORAGE_SNAPSHOT_IMPORTS_BUCKET: "convex-snapshot-imports",
  S3_STORAGE_MODULES_BUCKET: "convex-modules",
  S3_STORAGE_FILES_BUCKET: "convex-files",
  S3_STORAGE_SEARCH_BUCKET: "convex-search",
} as const;

/** Consul KV keys that decide who trades and where users land. Owner and lease are siblings so that one transaction covers both. */
export const CUTOVER_KEYS = {
  workerOwner: "worker-owner",
  workerLease: "worker-lease",
  traffic: "traffic",
  sections: "sections",
} as const;
export const WORKER_OWNERS = ["legacy", "nomad", "nobody"] as const;
export const TRAFFIC_TARGETS = ["legacy", "nomad"] as const;
export const SECTION_STATES = ["closed", "open"] as const;

/** Node classes: the one that runs the app and the one that never runs anything. */
export const NODE_CLASS = { app: "app", witness: "witness" } as const;
/** The Nomad host network on which everything is published; its CIDR is the tailnet's. */
export const HOST_NETWORK = "tailnet";
/** Tailscale's address range, RFC 6598 shared address space. */
export const TAILNET_CIDR = "100.64.0.0/10";
