import fc from "../properties";
import { ENV_CONTRACT } from "../../contracts/env";
import { IMAGE_ROLES, imageReference, parseImageLock, UNPINNED_DIGEST } from "../../contracts/images";
import { allPairs, catalogEnv, catalogErrors, DEFAULT_CATALOG, FEEDS } from "../../contracts/markets";
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { renderJob } from "../../constructs/nomad/render";
import { pathsThatMustExist, secretFor, secretPathsFor, SECRETS } from "../../contracts/secrets";
import { APP_SERVICE_JOB, JOB_KEYS, JOBS } from "../../contracts/services";
import { environment, pinned } from "../jobs/worked-example";

describe("markets", () => {
  test("nine pairs in two sections, seven feeds", () => {
    expect(DEFAULT_CATALOG.gold).toEqual(["Gold-USDT", "XAUTUSDT", "PAXGUSDT"]);
    expect(DEFAULT_CATALOG.crypto).toEqual(["ALGO-USDT", "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "BNB-USDT"]);
    expect(Object.keys(FEEDS)).toHaveLength(7);
    expect(catalogErrors(DEFAULT_CATALOG)).toEqual([]);
  });

  test("the union keeps its order, and an override replaces it", () => {
    expect(catalogEnv(DEFAULT_CATALOG).BINGX_MARKET_DATA_PAIRS).toBe(allPairs(DEFAULT_CATALOG).join(","));
    expect(catalogEnv(DEFAULT_CATALOG, ["BTC-USDT"]).BINGX_MARKET_DATA_PAIRS).toBe("BTC-USDT");
  });

  test("property: a catalog is sound exactly when no two pairs name the same market", () => {
    const pair = fc.constantFrom("BTC-USDT", "btcusdt", "BTCUSDT", "ETH-USDT", "ETHUSDT", "XAUTUSDT", "SOL-USDT");
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 4 }), fc.array(pair, { minLength: 1, maxLength: 4 }), (gold, crypto) => {
        const markets = [...gold, ...crypto].map((p) => p.replace("-", "").toUpperCase());
        const repeated = markets.length - new Set(markets).size;
        return catalogErrors({ gold, crypto }).length === repeated;
      }),
    );
  });
});

describe("secrets", () => {
  test("every key that the contract marks secret is in the catalog, but the forbidden one", () => {
    const marked = new Set(ENV_CONTRACT.filter((e) => e.secret).map((e) => e.key));
    marked.delete("NEXT_PUBLIC_API_TOKEN");
    expect([...marked].filter((key) => !SECRETS.some((s) => s.field === key))).toEqual([]);
    expect(SECRETS.some((s) => s.field === "NEXT_PUBLIC_API_TOKEN")).toBe(false);
  });

  test("every job whose service reads a secret may read it from Vault", () => {
    for (const entry of ENV_CONTRACT.filter((e) => e.secret && e.key !== "NEXT_PUBLIC_API_TOKEN")) {
      for (const service of entry.services) expect(secretFor(APP_SERVICE_JOB[service], entry.key).field).toBe(entry.key);
    }
  });

  test("one path has one set of readers, and a field is on one path", () => {
    for (const path of new Set(SECRETS.map((s) => s.path))) {
      expect(new Set(SECRETS.filter((s) => s.path === path).map((s) => [...s.readers].sort().join())).size).toBe(1);
    }
    expect(new Set(SECRETS.map((s) => s.field)).size).toBe(SECRETS.length);
  });

  test("the paths that must exist are those that rendered jobs read", () => {
    const read = new Set(JOB_KEYS.flatMap((key) => [...JSON.stringify(renderJob(JOB_BUILDERS[key](environment, pinned))).matchAll(/with secret \\"gvfx\/data\/([^\\]+)\\"/g)].map(([, path]) => path)));
    expect([...read].sort()).toEqual(pathsThatMustExist());
  });

  test("a job is refused what is not its own", () => {
    expect(() => secretFor(JOBS.worker, "API_TOKEN")).toThrow(/gvfx-worker may not read API_TOKEN.*app\/api-token/);
    expect(() => secretFor(JOBS.api, "NOPE")).toThrow(/there is no secret NOPE/);
    expect(secretPathsFor(JOBS.gateway)).toEqual([]);
  });

  test.each(["INSTANCE_SECRET", "CONVEX_ADMIN_KEY", "POSTGRES_PASSWORD", "MINIO_ROOT_PASSWORD", "REGISTRY_PASSWORD", "BACKUP_KEY", "ALERT_TOKEN"])("%s is catalogued", (field) => {
    expect(SECRETS.filter((s) => s.field === field)).toHaveLength(1);
  });
});

describe("images.lock.json", () => {
  const lock = Object.fromEntries(IMAGE_ROLES.map((role) => [role, { digest: null, source: null }]));
  const digest = `sha256:${"a1".repeat(32)}`;

  test("without a digest an image is one that nothing can pull", () => {
    expect(imageReference("repo", parseImageLock(lock).backend)).toBe(`repo@${UNPINNED_DIGEST}`);
    expect(imageReference("repo", { digest, source: null })).toBe(`repo@${digest}`);
  });

  test("all errors at once", () => {
    expect(() => parseImageLock({ ...lock, backend: { digest: "latest", source: null }, extra: {}, convex: { digest: UNPINNED_DIGEST, source: 1 } })).toThrow(/has 4 errors[\s\S]*backend\.digest is "latest"[\s\S]*convex\.digest is all zeros[\s\S]*convex\.source is 1[\s\S]*extra is no image/);
    expect(() => parseImageLock({})).toThrow(new RegExp(`has ${IMAGE_ROLES.length} errors`));
  });
});

test("job ids are unique and named after the platform", () => {
  const ids = JOB_KEYS.map((key) => JOBS[key]);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^gvfx-[a-z-]+$/);
});
