/**
 * What the gateway must know of the app's HTTP contract: which calls take long.
 * Everything else answers within the ordinary timeout.
 */
import { API_WRITES, RL_SERVICE_WRITES, type Write } from "./http-writes";
import { Duration } from "./units";
import type { GatewayService } from "./services";

/** Ordinary calls: the frontend's own proxy gives up after 45 s (BACKEND_PROXY_TIMEOUT_MS), so the gateway waits a little longer. */
export const ORDINARY_TIMEOUT = Duration.seconds(50);

/** The longest call of the contract: a training run. Draining lasts as long. */
export const LONGEST_CALL = Duration.minutes(20);

/** Methods that change nothing, so that repeating a request is safe (RFC 9110, 9.2.1). Everything else is sent once: a replayed order trades twice. */
export const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"] as const;

/**
 * A decision for every call of the app that changes something: `long` says what it
 * waits for, none is an ordinary call. The frontend has none of its own: its proxy
 * (/api/backend/) ends every call after 45 s, and its other routes read.
 */
export const WRITES: Readonly<Record<GatewayService, readonly Write[]>> = { frontend: [], api: API_WRITES, "rl-service": RL_SERVICE_WRITES };

export interface LongRoute {
  readonly service: GatewayService;
  /** Reading the same path is an ordinary call. */
  readonly method: Write["method"];
  /** Anchored regular expression on the path. */
  readonly path: string;
  readonly timeout: Duration;
  readonly why: string;
}

/** The calls that the gateway waits for longer. */
export const LONG_ROUTES: readonly LongRoute[] = (Object.keys(WRITES) as GatewayService[]).flatMap((service) =>
  WRITES[service].flatMap(({ method, path, long }) => (long ? [{ service, method, path: `^${path.replaceAll(/:[A-Za-z]+/g, "[^/]+")}$`, timeout: LONGEST_CALL, why: long }] : [])),
);
