/** The frontend's settings. Unlike the app, the double refuses values that break the contract instead of falling back. */
import { entriesFor, validateEnv, type EnvSource } from "../../../contracts/env";
import type { AppService } from "../../../contracts/services";

type ProcessEnv = Readonly<Record<string, string | undefined>>;

/** Everything in a process's environment that breaks the app's contract for a service: one sentence each. */
export function contractBreaches(service: AppService, env: ProcessEnv): string[] {
  const given = entriesFor(service).flatMap(({ key, secret }): [string, EnvSource][] => {
    const value = env[key];
    if (value === undefined) return [];
    return [[key, secret ? { from: "secret" } : { from: "value", value }]];
  });
  return validateEnv(service, Object.fromEntries(given));
}

export interface FrontendSettings {
  /** Where /api/backend/* goes; undefined: the host that the browser asked, port 8787, as the app has it. */
  readonly apiBaseUrl: string | undefined;
  readonly apiToken: string | undefined;
  /** Milliseconds after which the proxy gives up on a call. @default 45000, as the app has it */
  readonly proxyTimeoutMs: number;
  readonly goldPairs: readonly string[];
  readonly cryptoPairs: readonly string[];
}

/** What the app shows when it was built without a catalog (frontend/src/config/marketCatalog.ts of the app). */
const BUILT_IN = { gold: "XAUTUSDT,PAXGUSDT", crypto: "ALGO-USDT,BTC-USDT,ETH-USDT,SOL-USDT,XRP-USDT,BNB-USDT" };

/**
 * Reads the settings.
 * @throws Error that lists every breach of the contract
 */
export function frontendSettings(env: ProcessEnv): FrontendSettings {
  const errors = contractBreaches("frontend", env);
  if (errors.length > 0) throw new Error(`the environment breaks the app's contract:\n${errors.map((e) => `  ${e}`).join("\n")}`);
  return {
    apiBaseUrl: env.API_BASE_URL ?? env.NEXT_PUBLIC_API_BASE_URL,
    apiToken: env.API_TOKEN,
    proxyTimeoutMs: Number(env.BACKEND_PROXY_TIMEOUT_MS ?? env.API_PROXY_TIMEOUT_MS ?? "45000"),
    goldPairs: (env.NEXT_PUBLIC_MARKET_GOLD_PAIRS ?? BUILT_IN.gold).split(","),
    cryptoPairs: (env.NEXT_PUBLIC_MARKET_CRYPTO_PAIRS ?? BUILT_IN.crypto).split(","),
  };
}
