/** The env files of the checkout, made from the container's environment: LEGACY_ENV_<KEY> for the app, LEGACY_CONVEX_ENV_<KEY> for Convex, LEGACY_PORT_<PROCESS> for where they listen. */
import { APP_SERVICES, DEFAULT_PORTS } from "../../../contracts/services";
import { catalogBuildArguments, catalogEnv, DEFAULT_CATALOG } from "../../../contracts/markets";
import { entriesFor } from "../../../contracts/env";
import { contractBreaches } from "../frontend/environment";

type Values = Readonly<Record<string, string>>;

const APP_PREFIX = "LEGACY_ENV_";
const CONVEX_PREFIX = "LEGACY_CONVEX_ENV_";

/** What each of the hand-started processes finds in its env file. */
export interface LegacyEnvironment {
  /** backend/.env: API, worker and RL service read the one file. */
  readonly backend: Values;
  /** frontend/.env.local */
  readonly frontend: Values;
  /** convex/.env */
  readonly convex: Values;
}

/** Of what each process listens on, where an operator had to move it: the container's variable, and the port otherwise. */
const PORTS = {
  frontend: ["LEGACY_PORT_FRONTEND", DEFAULT_PORTS.frontend],
  api: ["LEGACY_PORT_API", DEFAULT_PORTS.api],
  rlService: ["LEGACY_PORT_RL_SERVICE", DEFAULT_PORTS.rlService],
  convex: ["LEGACY_PORT_CONVEX", DEFAULT_PORTS.convex],
} as const;

const local = (port: number): string => `http://127.0.0.1:${port}`;

const BACKEND_DEFAULTS: Values = {
  NODE_ENV: "production",
  DISABLE_TEST_DATA_IN_DB: "true",
  // Required by the contract; the doubles keep nothing in it, as the app does not while TIMESCALE_*_ENABLED is off.
  TIMESCALE_URL: "postgres://legacy@127.0.0.1:5432/legacy",
  BINGX_WS_ENABLED: "true",
  // Never the real exchange, which the app takes when it is told nothing.
  BINGX_BASE_URL: "http://127.0.0.1:8080",
  BINGX_WS_URL: "ws://127.0.0.1:8080/ws",
  ...catalogEnv(DEFAULT_CATALOG),
};

/**
 * Sorts the container's environment into the env files.
 * @param secret 64 hex digits for Convex, used when the container is given none
 * @throws Error that lists every breach of the app's contract
 */
export function legacyEnvironment(container: Readonly<Record<string, string | undefined>>, secret: string): LegacyEnvironment {
  const app = withPrefix(container, APP_PREFIX);
  const port = ([variable, otherwise]: (typeof PORTS)[keyof typeof PORTS]): number => {
    const number = Number(container[variable] ?? otherwise);
    if (!Number.isInteger(number) || number < 1 || number > 65_534) throw new Error(`${variable} is ${JSON.stringify(container[variable])}: it must be a port, 1 to 65534`);
    return number;
  };
  const ports = { frontend: port(PORTS.frontend), api: port(PORTS.api), rlService: port(PORTS.rlService), convex: port(PORTS.convex) };
  const moved = (key: string, [variable]: readonly [string, number], value: number): Values => (container[variable] === undefined ? {} : { [key]: String(value) });
  const frontendKeys = new Set(entriesFor("frontend").map((e) => e.key));
  const backendKeys = new Set(APP_SERVICES.filter((s) => s !== "frontend").flatMap((s) => entriesFor(s).map((e) => e.key)));
  const pick = (belongs: (key: string) => boolean): Values => Object.fromEntries(Object.entries(app).filter(([key]) => belongs(key)));
  const environment = {
    // A key that no contract names is a setting of a double: they read the backend's file.
    backend: { ...BACKEND_DEFAULTS, CONVEX_URL: local(ports.convex), RL_SERVICE_URL: local(ports.rlService), ...moved("PORT", PORTS.api, ports.api), ...moved("RL_SERVICE_PORT", PORTS.rlService, ports.rlService), ...pick((key) => backendKeys.has(key) || !frontendKeys.has(key)) },
    frontend: { API_BASE_URL: local(ports.api), ...catalogBuildArguments(DEFAULT_CATALOG), ...moved("PORT", PORTS.frontend, ports.frontend), ...pick((key) => frontendKeys.has(key)) },
    convex: { INSTANCE_NAME: "legacy", INSTANCE_SECRET: secret, CONVEX_CLOUD_ORIGIN: local(ports.convex), ...moved("DOUBLE_API_PORT", PORTS.convex, ports.convex), ...moved("DOUBLE_SITE_PORT", PORTS.convex, ports.convex + 1), ...withPrefix(container, CONVEX_PREFIX) },
  };
  const errors = APP_SERVICES.flatMap((service) => contractBreaches(service, service === "frontend" ? environment.frontend : environment.backend).map((e) => `${service}: ${e}`));
  if (errors.length > 0) throw new Error(`${APP_PREFIX}* breaks the app's contract, so the processes would not start:\n${errors.map((e) => `  ${e}`).join("\n")}`);
  return environment;
}

/** An env file that bash sources, one key a line. */
export function envFile(values: Values): string {
  return Object.entries(values).map(([key, value]) => `${key}='${value.replaceAll("'", `'\\''`)}'\n`).join("");
}

function withPrefix(container: Readonly<Record<string, string | undefined>>, prefix: string): Values {
  return Object.fromEntries(Object.entries(container).flatMap(([key, value]) => (key.startsWith(prefix) && value !== undefined ? [[key.slice(prefix.length), value]] : [])));
}
