/** The environment of each app service: what the platform sets, the market catalog, tuning, and secrets by name. */
import { entriesFor, validateEnv, type EnvSource, type EnvSpec } from "../../contracts/env";
import { catalogBuildArguments, catalogEnv } from "../../contracts/markets";
import { secretsFor } from "../../contracts/secrets";
import { APP_SERVICE_JOB, DEFAULT_PORTS, serviceName, type AppService } from "../../contracts/services";
import { MARKET_VARIABLE, tuningVariable } from "../../contracts/variables";
import type { Environment } from "../../environments/schema";

const TUNING_SECTION = { api: "api", worker: "worker", frontend: "frontend", "rl-service": "rlService" } as const;

/** `http://<service>.service.<domain>:<port>`: a name that survives the loss of any one node. */
export function serviceUrl(env: Environment, service: "api" | "frontend" | "rl-service" | "convex"): string {
  const port = { api: env.ports.api, frontend: env.ports.frontend, "rl-service": env.ports.rlService, convex: env.ports.convex }[service];
  return `http://${serviceName(service)}.service.${env.consul.domain}:${port}`;
}

/**
 * The whole environment of a service, checked against the app's contract.
 * @throws Error that lists every breach of the contract
 */
export function appEnvironment(env: Environment, service: AppService): EnvSpec {
  const spec: EnvSpec = { ...platformValues(env, service), ...fromVariable(MARKET_VARIABLE, marketValues(env, service)), ...fromVariable(tuningVariable(service), tuningValues(env, service)), ...secretSources(service) };
  const errors = validateEnv(service, spec);
  if (errors.length > 0) throw new Error(`the environment of ${service} breaks the app's contract:\n${errors.map((e) => `  ${e}`).join("\n")}`);
  return spec;
}

/** What the Nomad variable `gvfx/market` holds. */
export function marketVariableItems(env: Environment): Record<string, string> {
  return { ...catalogEnv(env.markets, env.markets.bingxOverride), ...catalogBuildArguments(env.markets) };
}

/** What the Nomad variable of a service's tuning holds. */
export function tuningValues(env: Environment, service: AppService): Record<string, string> {
  return env.tuning[TUNING_SECTION[service]];
}

function marketValues(env: Environment, service: AppService): Record<string, string> {
  const read = new Set(entriesFor(service).map((e) => e.key));
  return Object.fromEntries(Object.entries(marketVariableItems(env)).filter(([key]) => read.has(key)));
}

function platformValues(env: Environment, service: AppService): EnvSpec {
  const backend = {
    NODE_ENV: "production",
    // The app refuses to start in production without it.
    DISABLE_TEST_DATA_IN_DB: "true",
    CONVEX_URL: serviceUrl(env, "convex"),
    RL_SERVICE_URL: serviceUrl(env, "rl-service"),
    TIMESCALE_POOL_MAX: String(env.dataPlane.postgres.appPool),
  };
  switch (service) {
    case "api":
      return literals({ ...backend, PORT: String(DEFAULT_PORTS.api) });
    case "worker":
      return literals({ ...backend, BINGX_WS_ENABLED: "true", METRICS_PORT: String(WORKER_METRICS_PORT) });
    case "frontend":
      return literals({ API_BASE_URL: serviceUrl(env, "api") });
    case "rl-service":
      return literals({ RL_ENV: "production", RL_SERVICE_HOST: "0.0.0.0", RL_SERVICE_PORT: String(DEFAULT_PORTS.rlService) });
  }
}

/** Port of the worker's own metrics inside its container, where the lease program reads them and serves them with its own. */
export const WORKER_METRICS_PORT = 9465;

function secretSources(service: AppService): EnvSpec {
  const keys = new Set(entriesFor(service).filter((e) => e.secret).map((e) => e.key));
  return Object.fromEntries(secretsFor(APP_SERVICE_JOB[service]).filter((s) => keys.has(s.field)).map((s) => [s.field, { from: "secret" } as EnvSource]));
}

function literals(values: Record<string, string>): EnvSpec {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { from: "value", value } as EnvSource]));
}

function fromVariable(path: string, values: Record<string, string>): EnvSpec {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { from: "variable", path, value } as EnvSource]));
}
