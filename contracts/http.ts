/**
 * What the gateway must know of the app's HTTP contract: which calls take long.
 * Everything else answers within the ordinary timeout.
 */
import { Duration } from "./units";
import type { GatewayService } from "./services";

/** Ordinary calls: the frontend's own proxy gives up after 45 s (BACKEND_PROXY_TIMEOUT_MS), so the gateway waits a little longer. */
export const ORDINARY_TIMEOUT = Duration.seconds(50);

/** The longest call of the contract: a training run. Draining lasts as long. */
export const LONGEST_CALL = Duration.minutes(20);

export interface LongRoute {
  readonly service: GatewayService;
  /** Anchored regular expression on the path. */
  readonly path: string;
  readonly timeout: Duration;
  readonly why: string;
}

const ingest = "answers when the ingest is done";
const learning = "answers when the model is trained or evaluated";

export const LONG_ROUTES: readonly LongRoute[] = [
  { service: "api", path: "^/bingx/market-data/(backfill|refresh)$", timeout: LONGEST_CALL, why: ingest },
  { service: "api", path: "^/ingestion/", timeout: LONGEST_CALL, why: ingest },
  { service: "api", path: "^/ops/ingestion/[^/]+/(run|backfill)$", timeout: LONGEST_CALL, why: ingest },
  { service: "api", path: "^/data-sources/backfill$", timeout: LONGEST_CALL, why: ingest },
  { service: "api", path: "^/agents/[^/]+/(training|learning-updates|evaluations(/confirm-heal)?)$", timeout: LONGEST_CALL, why: learning },
  { service: "api", path: "^/ops/learning/run$", timeout: LONGEST_CALL, why: learning },
  { service: "frontend", path: "^/api/backend/", timeout: ORDINARY_TIMEOUT, why: "the frontend's proxy has its own timeout of 45 s" },
  { service: "rl-service", path: "^/(training/run|evaluations)$", timeout: LONGEST_CALL, why: learning },
];

/** Methods that change nothing, so that repeating a request is safe (RFC 9110, 9.2.1). Everything else is sent once: a replayed order trades twice. */
export const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"] as const;
