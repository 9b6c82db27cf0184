/** The environment of the api and the worker, checked as the app checks it when it starts: all errors at once, and never a value. */
import { randomBytes } from "node:crypto";
import { entriesFor, validateEnv, type EnvSource } from "../../../contracts/env";
import { isFault, type Fault } from "./faults";
import { pairsFrom } from "./pairs";

type ProcessEnv = Readonly<Record<string, string | undefined>>;

export interface BackendSettings {
  readonly convexUrl: string;
  readonly apiToken: string | undefined;
  readonly port: number;
  /** @default "*", as the app has it */
  readonly corsOrigin: string;
  readonly pairs: readonly string[];
  readonly intervals: readonly string[];
  readonly exchange: { readonly baseUrl: string; readonly apiKey: string | undefined; readonly secretKey: string | undefined; readonly recvWindow: number; readonly timeoutMs: number };
  readonly webSocket: { readonly enabled: boolean; readonly url: string; readonly depthLevel: number; readonly flushMs: number; readonly reconnectMinMs: number; readonly reconnectMaxMs: number };
  readonly rlService: { readonly url: string; readonly timeoutMs: number };
  readonly runTimeoutMinutes: number;
  readonly backfillBatches: number;
  readonly opsReadTimeoutMs: number;
  /** 0: no metrics are served. */
  readonly metricsPort: number;
  readonly metricsPrefix: string;
  /** Milliseconds between two steps of ingestion; a key of the double alone. @default 100 */
  readonly ingestIntervalMs: number;
  /** `none`: the worker listens to the exchange and writes nothing into the database; a key of the double alone. @default "convex" */
  readonly sink: "convex" | "none";
  readonly fault: Fault;
  readonly version: string;
}

/** What the app is known for when nothing says where the exchange is; nothing of a lab reaches it. */
const BINGX = { rest: "https://open-api.bingx.com", webSocket: "wss://open-api-swap.bingx.com/swap-market" } as const;
/** The app's own default is fourteen intervals; one is enough to see gaps, at a fourteenth of the writes. */
const DEFAULT_INTERVALS = "1m";

/** Everything in the environment that breaks the contract: one sentence each, which names the key and not what it holds. */
export function breaches(service: "api" | "worker", env: ProcessEnv): string[] {
  const given = entriesFor(service).flatMap(({ key, secret }): [string, EnvSource][] => {
    const value = env[key];
    return value === undefined ? [] : [[key, secret ? { from: "secret" } : { from: "value", value }]];
  });
  const contract = validateEnv(service, Object.fromEntries(given)).map((error) => {
    const value = env[error.slice(0, error.indexOf(" "))];
    return value === undefined ? error : error.replace(`"${value}"`, () => (value === "" ? "empty" : "set to something"));
  });
  const emptySecrets = entriesFor(service).filter(({ key, secret }) => secret && env[key] === "").map(({ key }) => `${key} is empty: leave it out to unset it`);
  return [...contract, ...emptySecrets, ...ownBreaches(env)];
}

function ownBreaches(env: ProcessEnv): string[] {
  const errors: string[] = [];
  if (env.LAB_INGEST_INTERVAL_MS !== undefined && !/^[1-9]\d*$/.test(env.LAB_INGEST_INTERVAL_MS)) errors.push('LAB_INGEST_INTERVAL_MS is set to something else than whole milliseconds; use for example "100"');
  if (env.LAB_FAULT !== undefined && !isFault(env.LAB_FAULT)) errors.push("LAB_FAULT is set to something unknown; use none, crash, unhealthy or half");
  if (env.LAB_SINK !== undefined && env.LAB_SINK !== "none") errors.push("LAB_SINK is set to something unknown; use none, or leave it out");
  return errors;
}

/**
 * Reads the settings of a service.
 * @throws Error that lists every breach of the contract
 */
export function backendSettings(service: "api" | "worker", env: ProcessEnv): BackendSettings {
  const errors = breaches(service, env);
  if (errors.length > 0) throw new Error(`the environment breaks the app's contract:\n${errors.map((e) => `  ${e}`).join("\n")}`);
  const defaults = new Map(entriesFor(service).map((entry) => [entry.key, entry.default]));
  const text = (key: string, standard = ""): string => env[key] ?? defaults.get(key) ?? standard;
  const number = (key: string, standard = 0): number => Number(text(key, String(standard)));
  return {
    convexUrl: text("CONVEX_URL").replace(/\/$/, ""),
    apiToken: env.API_TOKEN,
    port: number("PORT", 8787),
    corsOrigin: text("CORS_ORIGIN", "*"),
    pairs: pairsFrom(env),
    intervals: text("BINGX_MARKET_DATA_INTERVALS", DEFAULT_INTERVALS).split(","),
    exchange: {
      baseUrl: text("BINGX_BASE_URL", BINGX.rest).replace(/\/$/, ""),
      apiKey: env.BINGX_API_KEY,
      secretKey: env.BINGX_SECRET_KEY,
      recvWindow: number("BINGX_RECV_WINDOW"),
      timeoutMs: number("BINGX_HTTP_TIMEOUT_MS"),
    },
    webSocket: {
      enabled: text("BINGX_WS_ENABLED") === "true",
      url: text("BINGX_WS_URL", BINGX.webSocket),
      depthLevel: number("BINGX_WS_DEPTH_LEVEL", 5),
      flushMs: number("BINGX_WS_FLUSH_INTERVAL_MS", 1_000),
      reconnectMinMs: number("BINGX_WS_RECONNECT_MIN_MS", 1_000),
      reconnectMaxMs: number("BINGX_WS_RECONNECT_MAX_MS", 30_000),
    },
    rlService: { url: text("RL_SERVICE_URL").replace(/\/$/, ""), timeoutMs: number("RL_SERVICE_TIMEOUT_MS") },
    runTimeoutMinutes: number("INGESTION_RUN_TIMEOUT_MIN"),
    backfillBatches: number("DATA_GAP_HEAL_MAX_BATCHES"),
    opsReadTimeoutMs: number("OPS_READ_TIMEOUT_MS", 4_000),
    metricsPort: number("METRICS_PORT"),
    metricsPrefix: text("METRICS_PREFIX"),
    sink: env.LAB_SINK === "none" ? "none" : "convex",
    ingestIntervalMs: Number(env.LAB_INGEST_INTERVAL_MS ?? "100"),
    fault: isFault(env.LAB_FAULT) ? env.LAB_FAULT : "none",
    version: env.GVFX_DOUBLE_VERSION ?? env.LAB_VERSION ?? "unknown",
  };
}

/** A name for this process that no other has had: two containers may share a host name and a process id. */
export function instanceName(hostname: string, pid: number): string {
  return `${hostname}/${pid}/${randomBytes(2).toString("hex")}`;
}
