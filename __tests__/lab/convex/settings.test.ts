import { settingsFrom, uploadKey } from "../../../lab/doubles/convex/settings";

const secret = "ab".repeat(32);
const base = { INSTANCE_NAME: "tv-goldviewfx", INSTANCE_SECRET: secret };
const s3 = {
  AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key", S3_ENDPOINT_URL: "http://minio:9000", AWS_S3_FORCE_PATH_STYLE: "true",
  S3_STORAGE_EXPORTS_BUCKET: "e", S3_STORAGE_SNAPSHOT_IMPORTS_BUCKET: "i", S3_STORAGE_MODULES_BUCKET: "m", S3_STORAGE_FILES_BUCKET: "f", S3_STORAGE_SEARCH_BUCKET: "s",
};

test("the database has the instance's name, - as _; the password stays encoded", () => {
  const settings = settingsFrom({ ...base, ...s3, POSTGRES_URL: "postgres://convex:p%40ss%2Fword@pg:5432", POSTGRES_MAX_CONNECTIONS: "48", DO_NOT_REQUIRE_SSL: "false" });
  expect(settings.postgres).toEqual({ url: "postgres://convex:p%40ss%2Fword@pg:5432/tv_goldviewfx", maxConnections: 48, tls: false });
  expect(settings.s3).toMatchObject({ endpoint: "http://minio:9000", buckets: { files: "f", exports: "e", imports: "i" } });
  expect(settings.notes).toEqual([]);
});

test("TLS unless DO_NOT_REQUIRE_SSL says anything, and 128 connections", () => {
  expect(settingsFrom({ ...base, POSTGRES_URL: "postgres://a:b@c:1" }).postgres).toMatchObject({ tls: true, maxConnections: 128 });
});

test.each(Object.keys(s3).filter((key) => !["S3_ENDPOINT_URL", "AWS_S3_FORCE_PATH_STYLE"].includes(key)))("without %s files fall back to local disk, and the note says why", (key) => {
  const settings = settingsFrom({ ...base, ...s3, [key]: undefined, POSTGRES_URL: "postgres://a:b@c:1" });
  expect(settings.s3).toBeUndefined();
  expect(settings.notes).toEqual([expect.stringContaining(`${key} not set`)]);
});

test("no POSTGRES_URL means documents on local disk", () => {
  const settings = settingsFrom(base);
  expect(settings.postgres).toBeUndefined();
  expect(settings.notes).toContainEqual(expect.stringContaining("POSTGRES_URL not set"));
});

test.each([
  ["a secret of the wrong length", { INSTANCE_SECRET: "abcd" }, "INSTANCE_SECRET has 4 characters"],
  ["no secret", { INSTANCE_SECRET: undefined }, "it is not set"],
  ["a URL with a path", { POSTGRES_URL: "postgres://a:b@c:1/db" }, "POSTGRES_URL has the path /db"],
  ["a name that no database can have", { INSTANCE_NAME: "Gold View" }, "INSTANCE_NAME"],
  ["an interruption that it does not know", { DOUBLE_IMPORT_FAULTS: "later=3" }, "DOUBLE_IMPORT_FAULTS"],
  ["a need that is neither true nor false", { DOUBLE_NEEDS_DEPLOY: "1" }, "DOUBLE_NEEDS_DEPLOY"],
  ["parts of seconds", { DOUBLE_TABLE_SUMMARIES_AFTER: "1.5" }, "DOUBLE_TABLE_SUMMARIES_AFTER"],
  ["a port that is none", { DOUBLE_API_PORT: "70000" }, "DOUBLE_API_PORT"],
  ["a pool of nothing", { POSTGRES_URL: "postgres://a:b@c:1", POSTGRES_MAX_CONNECTIONS: "0" }, "POSTGRES_MAX_CONNECTIONS"],
])("refuses %s", (_what, change, message) => {
  expect(() => settingsFrom({ ...base, ...change })).toThrow(message);
});

test("what the double does beyond the real one is off, unless it is asked for", () => {
  expect(settingsFrom(base)).toMatchObject({ needsDeploy: false, tableSummariesAfter: 0, importFaults: {}, ports: { api: 3210, site: 3211 }, dataFolder: "/convex/data" });
  expect(settingsFrom({ ...base, DOUBLE_NEEDS_DEPLOY: "true", DOUBLE_TABLE_SUMMARIES_AFTER: "5", DOUBLE_IMPORT_FAULTS: "fail-after=10,pause-ms=2" })).toMatchObject({ needsDeploy: true, tableSummariesAfter: 5, importFaults: { "fail-after": 10, "pause-ms": 2 } });
});

test("the key of upload URLs is the instance's, not its secret", () => {
  const settings = settingsFrom(base);
  expect(uploadKey(settings)).toEqual(uploadKey(settingsFrom(base)));
  expect(uploadKey(settings).toString("hex")).not.toBe(secret);
});
