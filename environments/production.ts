/**
 * Production: a complete worked example. Every address, name and key is a
 * documentation value; replace them with yours (README, "Make it yours").
 */
import type { EnvironmentInput } from "./schema";

/** The authority that signed the certificates of Consul's servers: public, a copy of consul.caFile. */
const CONSUL_AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBpjCCAU2gAwIBAgIUCgeyanA2KemZ9BngcT73EOpUfvwwCgYIKoZIzj0EAwIw
KTEnMCUGA1UEAwweQ29uc3VsIEFnZW50IENBIG9mIHRoZSBleGFtcGxlMB4XDTI2
MTEyNTIzMDgzM1oXDTM2MTEyMjIzMDgzM1owKTEnMCUGA1UEAwweQ29uc3VsIEFn
ZW50IENBIG9mIHRoZSBleGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
ULKSd7gABEPTeTYciLDbSRuft9php0JAv4FsKuHRBtk4yRCkFssUHc/xaccGT4+U
QJ1dJPk0/pQs05L64+/fl6NTMFEwHQYDVR0OBBYEFPzzO4GCIbLzxHGZVZEGaHDQ
lHHLMB8GA1UdIwQYMBaAFPzzO4GCIbLzxHGZVZEGaHDQlHHLMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgSBQUGJTwyA06yCWllFCYHDLCs83SlW9x
oTQS69RdzkUCIHH/rGlX7n+dx+L3OzJ+/MxOYoQliBsbFzrLk4QRRtli
-----END CERTIFICATE-----
`;

export const production: EnvironmentInput = {
  name: "production",
  protect: true,
  requireImageDigests: true,

  versions: {
    nomad: { version: "2.0.5", url: "https://releases.hashicorp.com/nomad/2.0.5/nomad_2.0.5_linux_amd64.zip", sha256: "0000000000000000000000000000000000000000000000000000000000000000" },
    consul: { version: "1.21.4", url: "https://releases.hashicorp.com/consul/1.21.4/consul_1.21.4_linux_amd64.zip", sha256: "0000000000000000000000000000000000000000000000000000000000000000" },
    tailscale: "1.90.6",
  },

  nodes: [
    {
      name: "server-1",
      tailnetName: "server-1.example-tailnet.ts.net",
      tailnetAddress: "100.64.0.11",
      ssh: { user: "deploy", port: 22, hostKey: "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDs1vxozWQj1xFoJ/gwe2FX+VYGfEgpj4iCbbO2h/pCYfFY2hiVYyIpWVFMzv9MkvVawV8bGK0UX/5v1Mym8Aiw=" },
      reserved: { cpuMhz: 1000, memory: "1GiB", disk: "10GiB" },
      volumesRoot: "/srv/gvfx",
    },
    {
      name: "server-2",
      tailnetName: "server-2.example-tailnet.ts.net",
      tailnetAddress: "100.64.0.12",
      ssh: { user: "deploy", port: 22, hostKey: "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBM6zdsZIPt7Dz4LhyuAXInNeyAtdgOwYyzEJ949N4wtXViqu3QZ+kr+5jENitxxkzPR5FGgw0B9JtZIAP29J1+I=" },
      reserved: { cpuMhz: 1000, memory: "1GiB", disk: "10GiB" },
      volumesRoot: "/srv/gvfx",
    },
  ],
  witness: { name: "witness", ssh: { user: "root", port: 22 } },
  vultr: {
    enabled: true,
    plan: "vc2-1c-2gb",
    region: "fra",
    os: "Debian 12 x64 (bookworm)",
    sshAuthorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFZ1WlR0c8o1b7dAqFqJ0mJxqS4wVt3nTn1y8yB2r5fT operator"],
  },
  tailnet: {
    enabled: true,
    name: "example.com",
    tagPrefix: "gvfx",
    userGroup: "group:gvfx-users",
    userGroupMembers: ["trader@example.com"],
    operatorGroup: "group:gvfx-operators",
    operators: ["operator@example.com"],
    consulTag: "tag:consul",
    vaultTag: "tag:vault",
  },

  nomad: {
    address: "https://100.64.0.11:4646",
    region: "global",
    datacenter: "dc1",
    namespace: "gvfx",
    dataDir: "/var/lib/nomad",
    configDir: "/etc/nomad.d",
    minHeartbeatTtl: "5s",
    heartbeatGrace: "6s",
    failoverHeartbeatTtl: "31s",
    rpcKeepAliveInterval: "1s",
    rpcConnectionWriteTimeout: "2s",
    caValidity: "3650d",
    certificateValidity: "365d",
    certificateRenewal: "60d",
    rotationFile: "environments/production.rotation.json",
    authorityFile: "environments/production.ca.pem",
  },
  lease: {
    ttl: "10s",
    lockDelay: "12s",
    renewEvery: "1s",
    requestTimeout: "3s",
    terminateAfter: "8s",
    killAfter: "9s",
    deadAfter: "10s",
    stopGrace: "20s",
    fallback: { enabled: true, authority: { pem: CONSUL_AUTHORITY } },
  },
  consul: {
    address: "https://100.64.0.21:8501",
    servers: ["100.64.0.21", "100.64.0.22", "100.64.0.23"],
    datacenter: "dc1",
    domain: "consul",
    aclsEnabled: true,
    caFile: "/etc/consul.d/ca.pem",
    gossipKeyFile: "/etc/consul.d/gossip.key",
    configDir: "/etc/consul.d",
    dataDir: "/var/lib/consul",
    recursors: ["100.100.100.100"],
  },
  vault: {
    address: "https://100.64.0.21:8200",
    servers: ["100.64.0.21"],
    kvMount: "gvfx",
    authPath: "jwt-nomad",
    caFile: "/etc/nomad.d/vault-ca.pem",
    tokenPeriod: "30m",
  },

  images: {
    registry: { host: "registry.example.com", credentials: { delivery: "node-file", path: "/etc/nomad.d/registry.json" } },
    backend: "registry.example.com/tv-goldviewfx-backend",
    frontend: "registry.example.com/tv-goldviewfx-frontend",
    rlService: "registry.example.com/tv-goldviewfx-rl-service",
    convex: "ghcr.io/get-convex/convex-backend",
    postgres: "postgres",
    minio: "minio/minio",
    minioClient: "minio/mc",
    haproxy: "haproxy",
    restic: "restic/restic",
  },
  ports: { frontend: 3000, api: 8787, rlService: 9101, convex: 3210, convexSite: 3211, postgres: 5432, objectstore: 9000 },
  replicas: { api: 2, frontend: 2, rlService: 2 },
  rollout: { healthyDeadline: "5m" },
  resources: {
    api: { cpuMhz: 1000, memory: "1GiB", memoryMax: "2GiB" },
    frontend: { cpuMhz: 500, memory: "1GiB" },
    rlService: { cpuMhz: 1200, memory: "4GiB", memoryMax: "8GiB" },
    worker: { cpuMhz: 1000, memory: "1GiB", memoryMax: "2GiB" },
    gateway: { cpuMhz: 200, memory: "128MiB" },
    postgres: { cpuMhz: 1000, memory: "2GiB" },
    objectstore: { cpuMhz: 500, memory: "1GiB" },
    convex: { cpuMhz: 1000, memory: "3GiB" },
  },
  markets: {
    gold: ["Gold-USDT", "XAUTUSDT", "PAXGUSDT"],
    crypto: ["ALGO-USDT", "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "BNB-USDT"],
  },
  coverage: {
    // As far back as the app's own gap monitor looks (DATA_GAP_LOOKBACK_DAYS).
    history: "30d",
    // The app's own default, all that it ingests while BINGX_MARKET_DATA_INTERVALS is not set.
    intervals: ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "3d", "1w", "1M"],
    // A cycle over all pairs and intervals takes minutes: fifteen hold several.
    live: "15m",
    // Twice to three times what the app calls stale (60 s to 120 s): a cycle by REST may take longer than that. Funding is settled every eight hours.
    maxSilence: { candles: "5m", orderbook: "2m", trades: "5m", funding: "8h30m", open_interest: "5m", mark_index: "2m", ticker: "2m" },
  },
  tuning: {
    // RL_SERVICE_TIMEOUT_MS: the app's default of 15 s would end a training call, which takes up to 20 minutes.
    api: { CORS_ORIGIN: "http://gvfx-frontend.service.consul:3000", OPS_READ_TIMEOUT_MS: "4000", RL_SERVICE_TIMEOUT_MS: "1200000" },
    worker: { BINGX_MARKET_DATA_INTERVAL_MIN: "1", BINGX_WS_FLUSH_INTERVAL_MS: "1000", RL_SERVICE_TIMEOUT_MS: "1200000" },
    frontend: { BACKEND_PROXY_TIMEOUT_MS: "45000" },
    rlService: { RL_SERVICE_LOG_LEVEL: "info" },
  },
  dataPlane: {
    node: "server-1",
    initializeEmptyVolumes: false,
    convexInstance: "tv-goldviewfx",
    postgres: { maxConnections: 100, convexPool: 48, appPool: 4, backupConnections: 3, reserve: 10, sharedBuffers: "512MiB" },
    killTimeout: "60s",
    backup: {
      interval: "10m",
      lateAfter: "30m",
      keepLast: 144,
      keepDaily: 14,
      keepWeekly: 8,
      objectRetention: "30d",
      checkEvery: "24h",
      s3: { repository: "s3:https://s3.example.com/gvfx-backups/production", region: "eu-central-1" },
      deadManUrl: "https://alerts.example.com/heartbeat/gvfx-backup",
      clusterSnapshots: {
        consul: { permitted: false, reason: "Consul gives its snapshot only to a token that may write ACLs, which could then do anything" },
        vault: { permitted: false, reason: "Vault's storage is Consul's here: it has no snapshot of its own" },
      },
    },
  },

  backend: { kind: "local", folder: ".gvfx/state/production" },
  alerts: { destination: "https://alerts.example.com/hooks/gvfx", deadManUrl: "https://alerts.example.com/heartbeat/gvfx", deadManInterval: "60s" },
  legacy: {
    host: { tailnetAddress: "100.64.0.31", ssh: { user: "trader", port: 22, hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBq5pC8mR1vX0aWd7zYk3sT6uHf2nLe9oGj4iVr1bQxM" } },
    ports: { frontend: 3000, api: 8787, rlService: 9101 },
    checkout: "/home/trader/tv-goldviewfx",
    pidFiles: { api: ".pids/backend-api.pid", worker: ".pids/backend-jobs.pid", rlService: ".pids/rl-service.pid" },
    commands: {
      start: "scripts/daemonize-backend.sh start",
      stop: "scripts/daemonize-backend.sh stop",
      restart: "scripts/daemonize-backend.sh restart",
      status: "scripts/daemonize-backend.sh status",
      startWorker: "systemctl --user start gvfx-worker",
      startFrontend: "systemctl --user start gvfx-frontend",
      stopFrontend: "systemctl --user stop gvfx-frontend",
      stopWorker: "systemctl --user stop gvfx-worker",
      convexAdminKey: "docker compose --env-file deploy/local/convex-selfhost/.env -f deploy/local/convex-selfhost/docker-compose.yml exec -T convex-backend ./generate_admin_key.sh",
    },
    convexUrl: "http://100.64.0.31:3210",
    retired: false,
  },
  dataMove: {
    app: { from: "repository", repository: "git@git.example.com:trading/tv-goldviewfx.git", revision: "16f2e8d2b00e7963fdeb675e231c44c0663cb754" },
    convexUrl: "http://gvfx-convex.service.consul:3210",
    envFiles: ["backend/.env", ".env.local"],
    room: "20GiB",
    ordersWithin: "10m",
    stopGrace: "40s",
    // Longer than BINGX_MARKET_DATA_INTERVAL_MIN, 1 minute: an overlooked worker begins a run within it.
    quietFor: "75s",
    // BINGX_MARKET_DATA_INTERVAL_MIN is 1, and a run over nine pairs takes up to two minutes.
    writesWithin: "5m",
    criticalTables: ["trades", "trade_executions", "agent_configurations", "agent_versions", "model_artifacts", "ingestion_runs"],
  },
  cutover: {
    watch: "48h",
    trafficRequests: 200,
    // The gateway is one more hop, of a millisecond or two; what takes half as long again is something else.
    perfAtMostRatio: 1.5,
    guardianMode: "advise",
    rollback: {
      duplicateIngestionRuns: { window: "10m", threshold: 1, minimumSamples: 1, missingData: "inconclusive" },
      unresolvedConvexWriteFailures: { window: "10m", threshold: 5, minimumSamples: 1, missingData: "inconclusive" },
      apiErrorRatio: { window: "5m", threshold: 0.05, minimumSamples: 20, missingData: "inconclusive" },
      rlErrorRatio: { window: "5m", threshold: 0.2, minimumSamples: 10, missingData: "inconclusive" },
    },
  },
};
