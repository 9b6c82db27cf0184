/**
 * The app's environment contract, typed. `validateEnv` is the gate that a job's
 * environment passes at synth: the app validates every key in every process when
 * it starts, so a wrong value would otherwise be found by a crash loop.
 */
import { ENV_CATALOG } from "./env-catalog";
import type { AppService } from "./services";

export type EnvKind = "string" | "url" | "int" | "number" | "boolean" | "csv" | "enum";
type Row = (typeof ENV_CATALOG)[number];

/** Every key of the contract. */
export type EnvKey = Row["key"];

export interface EnvEntry {
  readonly key: string;
  readonly kind: EnvKind;
  readonly services: readonly AppService[];
  /** The app refuses to start without it. */
  readonly required: boolean;
  /** What the app uses when the key is absent; null when it has no default. */
  readonly default: string | null;
  /** Rendered from Vault only. */
  readonly secret: boolean;
}

export const ENV_CONTRACT: readonly EnvEntry[] = ENV_CATALOG;

/** Values that an `enum` key takes (backend/src/config/env.ts of the app). */
const ENUM_VALUES: Readonly<Record<string, readonly string[]>> = {
  RL_ONLINE_LEARNING_ROLLOUT_MODE: ["shadow", "canary", "full"],
};

/** Where the value of a key comes from. */
export type EnvSource =
  /** Literal text in the job specification; never for a secret. */
  | { readonly from: "value"; readonly value: string }
  /** Read from Vault by the task itself, through its workload identity. */
  | { readonly from: "secret" }
  /** Read from a Nomad variable by the task's template. */
  | { readonly from: "variable"; readonly path: string; readonly value: string };

export type EnvSpec = Readonly<Record<string, EnvSource>>;

/**
 * Keys that only the worker may be given, since they start something in it: a scheduler,
 * a market data socket, polling or a backfill. In two processes it runs twice. The
 * worker's other keys (addresses, sizes) start nothing; the contract keeps them apart.
 */
export const WORKER_ONLY_KEYS: ReadonlySet<string> = new Set([
  "BINGX_WS_ENABLED",
  ...ENV_CONTRACT.filter((e) => e.services.length === 1 && e.services[0] === "worker" && /_(INTERVAL_(MIN|SEC|MS)|ENABLED)$/.test(e.key)).map((e) => e.key),
]);

/** Keys that no job may be given, and why. */
export const FORBIDDEN_KEYS: Readonly<Record<string, string>> = {
  NEXT_PUBLIC_API_TOKEN: "Next.js inlines it into what browsers download; the frontend's server adds API_TOKEN itself",
};

/** Switches that the app refuses when NODE_ENV is production. */
const REFUSED_IN_PRODUCTION = ["E2E_RUN", "BINGX_MARKET_DATA_MOCK", "TRADINGVIEW_USE_HTML", "TRADINGVIEW_HTML_PATH", "TELEGRAM_MESSAGES_PATH"];
const OFF = new Set(["", "0", "false", "no", "off"]);

export function entriesFor(service: AppService): EnvEntry[] {
  return ENV_CONTRACT.filter((e) => e.services.includes(service));
}

const EXPECTED: Readonly<Record<EnvKind, { readonly test: (v: string) => boolean; readonly expected: string }>> = {
  string: { test: (v) => v.length > 0, expected: "a non-empty text; leave the key out to unset it" },
  url: { test: isUrl, expected: 'an absolute URL, for example "http://gvfx-api.service.consul:8787"' },
  int: { test: (v) => /^-?\d+$/.test(v) && Number.isSafeInteger(Number(v)), expected: 'a whole number, for example "30"' },
  number: { test: (v) => /^-?\d+(\.\d+)?$/.test(v), expected: 'a decimal number, for example "0.35"' },
  boolean: { test: (v) => v === "true" || v === "false", expected: '"true" or "false"' },
  csv: { test: (v) => v.split(",").every((part) => part.length > 0 && part.trim() === part), expected: 'a comma-separated list without spaces, for example "BTC-USDT,ETH-USDT"' },
  enum: { test: (v) => v.length > 0, expected: "one of the values that the app names" },
};

function isUrl(value: string): boolean {
  try {
    return /^[a-z]+:$/.test(new URL(value).protocol) && value.includes("://");
  } catch {
    return false;
  }
}

/** What is wrong with the text of one key, or undefined. */
export function valueError(entry: EnvEntry, value: string): string | undefined {
  const allowed = entry.kind === "enum" ? ENUM_VALUES[entry.key] : undefined;
  if (allowed) return allowed.includes(value) ? undefined : `is "${value}"; use one of ${allowed.join(", ")}`;
  const { test, expected } = EXPECTED[entry.kind];
  return test(value) ? undefined : `is "${value}", which is not of kind ${entry.kind}; use ${expected}`;
}

/** Everything that is wrong with the environment of a service; empty when it honours the contract. */
export function validateEnv(service: AppService, env: EnvSpec): string[] {
  const entries = new Map(entriesFor(service).map((e) => [e.key, e]));
  const errors: string[] = [];
  for (const [key, source] of Object.entries(env)) {
    const entry = entries.get(key);
    if (Object.hasOwn(FORBIDDEN_KEYS, key)) errors.push(`${key} is forbidden: ${FORBIDDEN_KEYS[key]}; remove it`);
    else if (!entry) errors.push(`${key} is not in the contract of ${service}: the app would ignore it; remove it, or give it to a service that reads it (contracts/env-catalog.ts)`);
    else if (entry.secret && source.from !== "secret") errors.push(`${key} is a secret and is given as plain ${source.from}: it would be readable in the job; use { from: "secret" }`);
    else if (source.from !== "secret") {
      const error = valueError(entry, source.value);
      if (error) errors.push(`${key} ${error}`);
    }
  }
  for (const entry of entries.values()) {
    if (entry.required && !env[entry.key]) errors.push(`${entry.key} is required by ${service} and missing: the app would not start; set it`);
  }
  return [...errors, ...productionErrors(env)];
}

function productionErrors(env: EnvSpec): string[] {
  const text = (key: string): string | undefined => {
    const source = env[key];
    return source && source.from !== "secret" ? source.value : undefined;
  };
  if (text("NODE_ENV") !== "production") return [];
  const errors = REFUSED_IN_PRODUCTION.filter((key) => text(key) !== undefined && !OFF.has(text(key)!)).map(
    (key) => `${key} is set while NODE_ENV is production: the app refuses to start; remove it`,
  );
  if (text("DISABLE_TEST_DATA_IN_DB") !== "true") errors.push("DISABLE_TEST_DATA_IN_DB must be true while NODE_ENV is production: the app refuses to start otherwise");
  return errors;
}
