/** The api's double in this process, before the exchange's double in this process and a store in memory. */
import { Exchange } from "../../../lab/doubles/exchange/app";
import { ApiDouble } from "../../../lab/doubles/backend/api/app";
import { Received } from "../../../lab/doubles/backend/api/received";
import { Bingx } from "../../../lab/doubles/backend/bingx";
import { backendSettings } from "../../../lab/doubles/backend/settings";
import { MemoryStore } from "./store-double";

export const EXCHANGE_URL = "http://exchange.test:8080";
export const MINIMAL_ENV = { CONVEX_URL: "http://convex.test:3210", TIMESCALE_URL: "postgres://app@db.test/app", BINGX_BASE_URL: EXCHANGE_URL, RL_SERVICE_URL: "http://rl.test:9101" } as const;

export interface ApiUnderTest {
  readonly store: MemoryStore;
  readonly exchange: Exchange;
  /** What is asked of the rl-service, and what it answers. */
  readonly trainings: Record<string, unknown>[];
  readonly log: string[];
  uptimeMs: number;
  call(method: string, path: string, options?: { readonly body?: unknown; readonly headers?: Record<string, string> }): Promise<{ status: number; body: unknown; headers: Headers; text: string }>;
}

/** @param shared an exchange that several instances of the api use */
export function startApi(env: Record<string, string | undefined> = {}, shared?: Exchange): ApiUnderTest {
  const settings = backendSettings("api", { ...MINIMAL_ENV, API_TOKEN: "token", BINGX_API_KEY: "key", BINGX_SECRET_KEY: "secret", GVFX_DOUBLE_VERSION: "7", ...env });
  const store = new MemoryStore();
  const exchange = shared ?? new Exchange(() => []);
  const trainings: Record<string, unknown>[] = [];
  const log: string[] = [];
  const fetcher = (async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init);
    if (request.url.startsWith(EXCHANGE_URL)) return exchange.answer(request, "10.0.0.1", Date.now());
    if (request.url.endsWith("/training/run")) {
      trainings.push((await request.json()) as Record<string, unknown>);
      return Response.json({ artifact_base64: "AAAA", artifact_checksum: "c", algorithm_label: "double" });
    }
    throw new Error(`nobody answers ${request.url}`);
  }) as typeof fetch;
  const under: ApiUnderTest = {
    store,
    exchange,
    trainings,
    log,
    uptimeMs: 0,
    async call(method, path, { body, headers = {} } = {}) {
      const response = await api.answer(new Request(`http://api.test${path}`, { method, headers: { authorization: "Bearer token", ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }));
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text };
    },
  };
  const instance = `api/${Math.random().toString(36).slice(2)}`;
  const api = new ApiDouble({ settings, instance, store, bingx: new Bingx(settings.exchange, fetcher), received: new Received(settings.exchange.baseUrl, instance, fetcher), now: Date.now, uptimeMs: () => under.uptimeMs, fetcher, log: (message) => log.push(message) });
  return under;
}
