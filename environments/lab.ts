/**
 * The lab: the whole platform in containers on one machine (`npm run lab`).
 * The machines are made by LabStack; from foundation on, everything is what
 * production has, at a smaller size. docs/lab.md says what is a double.
 */
import { production } from "./production";
import type { EnvironmentInput } from "./schema";

const REGISTRY = "100.127.0.41:5000";
const EXCHANGE = "100.127.0.51";
/** What a node of the lab keeps for itself is little: the host counts its memory twice, once a node. */
const reserved = { cpuMhz: 200, memory: "256MiB", disk: "1GiB" };

export const lab: EnvironmentInput = {
  ...production,
  name: "lab",
  protect: false,
  requireImageDigests: true,

  nodes: [
    { name: "server-1", tailnetName: "server-1.lab.internal", tailnetAddress: "100.127.0.11", ssh: { user: "root", host: "127.0.0.1", port: 12_201 }, reserved, volumesRoot: "/srv/gvfx" },
    { name: "server-2", tailnetName: "server-2.lab.internal", tailnetAddress: "100.127.0.12", ssh: { user: "root", host: "127.0.0.1", port: 12_202 }, reserved, volumesRoot: "/srv/gvfx" },
  ],
  witness: { name: "witness", tailnetAddress: "100.127.0.13", ssh: { user: "root", host: "127.0.0.1", port: 12_203 } },
  vultr: { enabled: false, reason: "the lab's witness is a container" },
  tailnet: { enabled: false, reason: "the lab's network is a container network in the same address range" },

  nomad: { ...production.nomad, address: "https://127.0.0.1:14646", rotationFile: ".gvfx/lab/rotation.json", authorityFile: ".gvfx/lab/nomad-ca.pem" },
  // The lab's own authority, written as soon as it is made.
  lease: { ...production.lease, fallback: { enabled: true, authority: { file: ".gvfx/lab/ca/lab.pem" } } },
  consul: {
    ...production.consul,
    address: "https://127.0.0.1:18501",
    servers: ["100.127.0.21", "100.127.0.22", "100.127.0.23"],
    // The container engine's own resolver.
    recursors: ["127.0.0.11"],
  },
  vault: { ...production.vault, address: "https://100.127.0.31:8200", operatorAddress: "https://127.0.0.1:18200", servers: ["100.127.0.31"] },

  images: {
    registry: { host: REGISTRY, credentials: { delivery: "none" } },
    lockFile: ".gvfx/lab/images.lock.json",
    backend: `${REGISTRY}/tv-goldviewfx-backend`,
    frontend: `${REGISTRY}/tv-goldviewfx-frontend`,
    rlService: `${REGISTRY}/tv-goldviewfx-rl-service`,
    convex: `${REGISTRY}/convex-double`,
    postgres: `${REGISTRY}/postgres`,
    minio: `${REGISTRY}/minio`,
    minioClient: `${REGISTRY}/mc`,
    haproxy: `${REGISTRY}/haproxy`,
    restic: `${REGISTRY}/restic`,
  },
  // Images are on the nodes before a job needs them, and start in seconds.
  rollout: { healthyDeadline: "90s" },
  // memoryMax lets the real app run in place of the doubles (GVFX_APP_SOURCE).
  resources: {
    api: { cpuMhz: 200, memory: "192MiB", memoryMax: "1GiB" },
    frontend: { cpuMhz: 100, memory: "128MiB", memoryMax: "1GiB" },
    rlService: { cpuMhz: 100, memory: "128MiB", memoryMax: "2GiB" },
    worker: { cpuMhz: 200, memory: "256MiB", memoryMax: "1GiB" },
    gateway: { cpuMhz: 100, memory: "128MiB" },
    postgres: { cpuMhz: 200, memory: "384MiB" },
    objectstore: { cpuMhz: 100, memory: "384MiB" },
    convex: { cpuMhz: 200, memory: "384MiB" },
  },
  tuning: {
    api: { ...production.tuning.api, BINGX_BASE_URL: `http://${EXCHANGE}:8080` },
    worker: { ...production.tuning.worker, BINGX_BASE_URL: `http://${EXCHANGE}:8080`, BINGX_WS_URL: `ws://${EXCHANGE}:8080/ws` },
    frontend: production.tuning.frontend,
    rlService: production.tuning.rlService,
  },
  coverage: {
    // Three settlements of funding, and three calls' worth of candles.
    history: "24h",
    // The doubles ingest this interval alone.
    intervals: ["1m"],
    live: "2m",
    // The double of the worker has every pair and feed in 7 to 25 seconds; twice that, and a data move's freeze of ten between two.
    maxSilence: { candles: "2m", orderbook: "1m", trades: "1m", funding: "8h30m", open_interest: "1m", mark_index: "1m", ticker: "1m" },
  },
  dataPlane: {
    node: "server-1",
    // Every lab begins with empty volumes.
    initializeEmptyVolumes: true,
    convexInstance: production.dataPlane.convexInstance,
    postgres: { maxConnections: 60, convexPool: 20, appPool: 2, backupConnections: 3, reserve: 5, sharedBuffers: "64MiB" },
    killTimeout: "30s",
    // Without a second copy: the lab has no other place.
    backup: {
      ...production.dataPlane.backup,
      s3: undefined,
      deadManUrl: `http://${EXCHANGE}:8081/heartbeat?of=backup`,
      clusterSnapshots: { consul: { permitted: true }, vault: { permitted: true, authority: { file: ".gvfx/lab/ca/lab.pem" } } },
    },
  },

  backend: { kind: "local", folder: ".gvfx/state/lab" },
  alerts: { destination: `http://${EXCHANGE}:8081/alerts`, deadManUrl: `http://${EXCHANGE}:8081/heartbeat`, deadManInterval: "60s" },
  legacy: {
    ...production.legacy,
    host: { tailnetAddress: "100.127.0.61", ssh: { user: "trader", host: "127.0.0.1", port: 12_204 } },
    commands: { ...production.legacy.commands, startWorker: "scripts/start-worker.sh", stopWorker: undefined, startApi: "scripts/one-process.sh start api", convexAdminKey: "scripts/convex-admin-key.sh", startFrontend: "scripts/start-frontend.sh", stopFrontend: "scripts/stop-frontend.sh" },
    convexUrl: "http://100.127.0.61:3210",
  },
  dataMove: {
    ...production.dataMove,
    // The double of Convex runs nobody's code; GVFX_APP_SOURCE or --app-source takes the app's own.
    app: { from: "folder", folder: "lab/convex-app" },
    // The legacy host's container does not resolve Consul's names.
    convexUrl: "http://100.127.0.11:3210",
    envFiles: ["backend/.env"],
    room: "1GiB",
    ordersWithin: "30s",
    // The double's worker writes every 100 ms, and begins a run every ten seconds.
    quietFor: "5s",
    writesWithin: "60s",
    criticalTables: ["agent_configurations", "ingestion_runs"],
  },

  cutover: {
    ...production.cutover,
    // A rehearsal can wait for it.
    watch: "2m",
    trafficRequests: 80,
    // Both sides, the load and whatever else the machine does share its cores.
    perfAtMostRatio: 5,
  },

  lab: {
    network: { name: "gvfx-lab", subnet: "100.127.0.0/24" },
    images: {
      node: "gvfx-lab/node:lab",
      legacy: "gvfx-lab/legacy:lab",
      exchange: "gvfx-lab/exchange:lab",
      consul: "hashicorp/consul:1.21.4",
      openbao: "openbao/openbao:2.7.2",
      registry: "registry:2",
    },
    sources: {
      backend: "gvfx-lab/backend:lab",
      frontend: "gvfx-lab/frontend:lab",
      rlService: "gvfx-lab/rl-service:lab",
      convex: "gvfx-lab/convex:lab",
      postgres: "gvfx-lab/postgres:lab",
      minio: "minio/minio:RELEASE.2025-09-07T16-13-09Z",
      minioClient: "minio/mc:RELEASE.2025-08-13T08-35-41Z",
      haproxy: "haproxy:lts",
      restic: "gvfx-lab/restic:lab",
    },
    exchange: { tailnetAddress: EXCHANGE, port: 8080, alertsPort: 8081 },
    device: { tailnetAddress: "100.127.0.71" },
    published: [
      { machine: "server-1", port: 22, on: 12_201 },
      { machine: "server-2", port: 22, on: 12_202 },
      { machine: "witness", port: 22, on: 12_203 },
      { machine: "legacy", port: 22, on: 12_204 },
      { machine: "server-1", port: 4646, on: 14_646 },
      { machine: "server-2", port: 4646, on: 14_648 },
      { machine: "witness", port: 4646, on: 14_647 },
      { machine: "server-1", port: 3000, on: 13_000 },
      { machine: "server-2", port: 3000, on: 23_000 },
      { machine: "server-1", port: 8787, on: 18_787 },
      { machine: "server-2", port: 8787, on: 28_787 },
      { machine: "server-1", port: 9101, on: 19_101 },
      { machine: "server-2", port: 9101, on: 29_101 },
      { machine: "server-1", port: 3210, on: 13_310 },
      { machine: "server-2", port: 3210, on: 23_310 },
      { machine: "server-1", port: 5432, on: 15_432 },
      { machine: "server-2", port: 5432, on: 25_432 },
      { machine: "server-1", port: 9000, on: 19_000 },
      { machine: "server-2", port: 9000, on: 29_000 },
      { machine: "consul-1", port: 8501, on: 18_501 },
      { machine: "consul-2", port: 8501, on: 18_502 },
      { machine: "consul-3", port: 8501, on: 18_503 },
      { machine: "openbao", port: 8200, on: 18_200 },
      { machine: "registry", port: 5000, on: 15_000 },
      { machine: "exchange", port: 8080, on: 18_080 },
      { machine: "exchange", port: 8081, on: 18_081 },
      { machine: "legacy", port: 3000, on: 13_001 },
      { machine: "legacy", port: 8787, on: 18_788 },
      { machine: "legacy", port: 9101, on: 19_102 },
      { machine: "legacy", port: 3210, on: 13_311 },
    ],
  },
};

/** Where legacy listens when it shares server-1's address with the gateway and the data plane: the ports that they have are taken. */
const MOVED_PORTS = { ssh: 2222, frontend: 13_000, api: 18_787, rlService: 19_101, convex: 13_210 } as const;

/** The lab with legacy on server-1 instead of on a host of its own: where an operator has no machine to spare. */
export const labLegacyOnServer1: EnvironmentInput = {
  ...lab,
  name: "lab-legacy-on-server-1",
  backend: { kind: "local", folder: ".gvfx/state/lab-legacy-on-server-1" },
  legacy: {
    ...lab.legacy,
    host: { ...lab.legacy.host, node: "server-1", tailnetAddress: "100.127.0.11" },
    ports: { frontend: MOVED_PORTS.frontend, api: MOVED_PORTS.api, rlService: MOVED_PORTS.rlService },
    convexUrl: `http://100.127.0.11:${MOVED_PORTS.convex}`,
  },
  lab: {
    ...lab.lab!,
    legacySshPort: MOVED_PORTS.ssh,
    published: [
      ...lab.lab!.published.filter(({ machine }) => machine !== "legacy"),
      { machine: "server-1", port: MOVED_PORTS.ssh, on: 12_204 },
      { machine: "server-1", port: MOVED_PORTS.frontend, on: 13_001 },
      { machine: "server-1", port: MOVED_PORTS.api, on: 18_788 },
      { machine: "server-1", port: MOVED_PORTS.rlService, on: 19_102 },
      { machine: "server-1", port: MOVED_PORTS.convex, on: 13_311 },
    ],
  },
};

/** The lab after server-1, with the data, is gone for good: what an operator changes then (docs/restore.md). */
export const labWithoutServer1: EnvironmentInput = {
  ...lab,
  nomad: { ...lab.nomad, address: "https://127.0.0.1:14648" },
  dataPlane: { ...lab.dataPlane, node: "server-2", initializeEmptyVolumes: false },
  dataMove: { ...lab.dataMove, convexUrl: "http://100.127.0.12:3210" },
};
