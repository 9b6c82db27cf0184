import { execFileSync } from "node:child_process";
import { allPairs, DEFAULT_CATALOG } from "../../../contracts/markets";
import { envFile, legacyEnvironment } from "../../../lab/doubles/legacy/environment";

const SECRET = "ab".repeat(32);

describe("env files of the legacy host's double", () => {
  it("are complete without any setting: everything on the host itself", () => {
    const { backend, frontend, convex } = legacyEnvironment({ PATH: "/bin" }, SECRET);
    expect(backend).toMatchObject({ CONVEX_URL: "http://127.0.0.1:3210", RL_SERVICE_URL: "http://127.0.0.1:9101", BINGX_MARKET_DATA_PAIRS: allPairs(DEFAULT_CATALOG).join(",") });
    expect(Object.entries(backend).filter(([, value]) => value.includes("://")).map(([, value]) => new URL(value).hostname)).toEqual(Array(5).fill("127.0.0.1"));
    expect(frontend).toEqual({ API_BASE_URL: "http://127.0.0.1:8787", NEXT_PUBLIC_MARKET_GOLD_PAIRS: DEFAULT_CATALOG.gold.join(","), NEXT_PUBLIC_MARKET_CRYPTO_PAIRS: DEFAULT_CATALOG.crypto.join(",") });
    expect(convex).toEqual({ INSTANCE_NAME: "legacy", INSTANCE_SECRET: SECRET, CONVEX_CLOUD_ORIGIN: "http://127.0.0.1:3210" });
  });

  it("take LEGACY_ENV_* where the contract says it belongs; what no contract names is the backend's", () => {
    const { backend, frontend, convex } = legacyEnvironment({ LEGACY_ENV_API_TOKEN: "t", LEGACY_ENV_BINGX_BASE_URL: "http://exchange:8080", LEGACY_ENV_BACKEND_PROXY_TIMEOUT_MS: "1000", LEGACY_ENV_DOUBLE_LOAD_MS: "10", LEGACY_CONVEX_ENV_INSTANCE_NAME: "old" }, SECRET);
    expect(backend).toMatchObject({ API_TOKEN: "t", BINGX_BASE_URL: "http://exchange:8080", DOUBLE_LOAD_MS: "10" });
    expect(backend).not.toHaveProperty("BACKEND_PROXY_TIMEOUT_MS");
    expect(frontend).toMatchObject({ API_TOKEN: "t", BACKEND_PROXY_TIMEOUT_MS: "1000" });
    expect(frontend).not.toHaveProperty("BINGX_BASE_URL");
    expect(convex).toMatchObject({ INSTANCE_NAME: "old" });
  });

  it("move every process, and whoever calls it, to the ports that it is given", () => {
    const { backend, frontend, convex } = legacyEnvironment({ LEGACY_PORT_FRONTEND: "13000", LEGACY_PORT_API: "18787", LEGACY_PORT_RL_SERVICE: "19101", LEGACY_PORT_CONVEX: "13210" }, SECRET);
    expect(backend).toMatchObject({ PORT: "18787", RL_SERVICE_PORT: "19101", RL_SERVICE_URL: "http://127.0.0.1:19101", CONVEX_URL: "http://127.0.0.1:13210" });
    expect(frontend).toMatchObject({ PORT: "13000", API_BASE_URL: "http://127.0.0.1:18787" });
    expect(convex).toMatchObject({ DOUBLE_API_PORT: "13210", DOUBLE_SITE_PORT: "13211", CONVEX_CLOUD_ORIGIN: "http://127.0.0.1:13210" });
  });

  it("are refused with a port that is none", () => {
    for (const given of ["", "0", "8787x", "65535"]) expect(() => legacyEnvironment({ LEGACY_PORT_API: given }, SECRET)).toThrow(/LEGACY_PORT_API is ".*": it must be a port, 1 to 65534/);
  });

  it("are refused when a process would not start with them", () => {
    expect(() => legacyEnvironment({ LEGACY_ENV_CONVEX_URL: "nowhere", LEGACY_ENV_NEXT_PUBLIC_API_TOKEN: "t" }, SECRET)).toThrow(/api: CONVEX_URL is "nowhere"[\s\S]*worker: CONVEX_URL is "nowhere"[\s\S]*frontend: NEXT_PUBLIC_API_TOKEN is forbidden/);
  });

  it("say to bash exactly what was given", () => {
    const value = "a 'quoted' $HOME `id` \\ \"text\"";
    expect(execFileSync("bash", ["-c", `${envFile({ KEY: value })}printf %s "$KEY"`], { encoding: "utf8" })).toBe(value);
  });
});
