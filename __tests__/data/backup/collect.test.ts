/** Copying the objects and taking the snapshots: the delivered program against doubles of MinIO, Nomad, Consul and Vault. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import fc from "../../properties";
import { BACKUP_PATHS, inventoryLineSchema, parseBackupManifest, RUN_FOLDER } from "../../../contracts/backup";
import { dumped, program, runStep, SECRETS, settingsAt, type Settings, type Version } from "./program";
import { RunFolder } from "./run-folder";
import { ServicesDouble } from "./services-double";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const BEFORE = "2026-01-01T11:00:00.000Z";
const DURING = "2026-01-01T12:00:05.000Z";

let services: ServicesDouble;
let folder: RunFolder;
beforeEach(async () => {
  services = new ServicesDouble();
  await services.start();
  services.buckets.set("convex-modules", []);
  services.buckets.set("convex-files", []);
  folder = new RunFolder();
  dumped(folder);
});
afterEach(async () => {
  folder.remove();
  await services.stop();
});

const collect = (changes: Partial<Settings> = {}, env: Readonly<Record<string, string>> = {}) => runStep("collect", folder, settingsAt(services.url, changes), env);
const at = (path: string) => join(folder.data, path.slice(RUN_FOLDER.length + 1));
const manifest = () => parseBackupManifest(readFileSync(at(BACKUP_PATHS.manifest), "utf8"));
const object = (bucket: string, key: string) => join(at(BACKUP_PATHS.objects), bucket, key);

test("copies what is there and what was deleted since the dump began, over several pages, and says so line by line", async () => {
  services.buckets.set("convex-files", [
    { key: "replaced", id: "1", at: BEFORE, body: "old" },
    { key: "replaced", id: "2", at: BEFORE, body: "new", type: "text/plain" },
    { key: "gone-before", id: "3", at: BEFORE, body: "nobody names it" },
    { key: "gone-before", id: "4", at: BEFORE },
    { key: "gone-during", id: "5", at: BEFORE, body: "a row names it" },
    { key: "gone-during", id: "6", at: DURING },
    { key: "back-again", id: "7", at: BEFORE, body: "one" },
    { key: "back-again", id: "8", at: BEFORE },
    { key: "back-again", id: "9", at: DURING, body: "two" },
    { key: "prefix/ünd +&'(%).bin", id: "10", at: BEFORE, body: "" },
  ]);
  services.buckets.set("convex-modules", [{ key: "m", id: "1", at: BEFORE, body: "code" }]);
  const { status, output } = await collect();
  expect([status, output]).toEqual([0, expect.stringContaining("convex-files: 4 objects, 20 bytes, 1 of them deleted since the dump began")]);
  for (const secret of Object.values(SECRETS)) expect(output).not.toContain(secret);

  expect(readFileSync(object("convex-files", "replaced"), "utf8")).toBe("new");
  expect(readFileSync(object("convex-files", "gone-during"), "utf8")).toBe("a row names it");
  expect(readFileSync(object("convex-files", "back-again"), "utf8")).toBe("two");
  expect(existsSync(object("convex-files", "gone-before"))).toBe(false);

  const text = readFileSync(at(BACKUP_PATHS.inventory), "utf8");
  const lines = text.trim().split("\n").map((line) => inventoryLineSchema.parse(JSON.parse(line)));
  expect(lines).toEqual([
    { bucket: "convex-files", key: "back-again", size: 3, sha256: sha256("two") },
    { bucket: "convex-files", key: "gone-during", size: 14, sha256: sha256("a row names it"), deleted: true },
    { bucket: "convex-files", key: "prefix/ünd +&'(%).bin", size: 0, sha256: sha256("") },
    { bucket: "convex-files", key: "replaced", size: 3, sha256: sha256("new"), contentType: "text/plain" },
    { bucket: "convex-modules", key: "m", size: 4, sha256: sha256("code") },
  ]);
  expect(manifest()).toMatchObject({
    environment: "test",
    run: "b4d6",
    startedAt: "2026-01-01T12:00:00Z",
    postgres: { version: "17.6", timeline: 1, checkpointLsn: "0/2000060", files: 971 },
    objects: { "convex-files": { objects: 4, bytes: 20, deletedSinceStart: 1, digest: sha256(text.split("\n").slice(0, 4).map((line) => `${line}\n`).join("")) }, "convex-modules": { objects: 1, bytes: 4, deletedSinceStart: 0 } },
    cluster: { nomad: { taken: true }, consul: { taken: true }, vault: { taken: true } },
  });
  expect(folder.step("warnings")).toBe("");
});

test("waits for the dump, and gives up with where to look", async () => {
  folder.remove();
  folder = new RunFolder();
  const { status, output } = await collect({ stepMs: 600 });
  expect([status, output]).toEqual([1, expect.stringMatching(/no dump of Postgres after 0\.6 s.*the log of the task database says why/)]);
  expect(services.asked).toEqual([]);
  expect(folder.step("failed")).toContain("no dump of Postgres");
});

test("a store that stumbles is asked again, and an object that is cut short is not kept as it came", async () => {
  services.buckets.set("convex-files", [{ key: "a", id: "1", at: BEFORE, body: "abc" }]);
  services.failing.set("a", 1);
  expect(await collect()).toMatchObject({ status: 0, output: expect.stringContaining("answered 503 (SlowDown: later); again") });
  services.cut.set("a", 1);
  const { status, output } = await collect();
  expect([status, output]).toEqual([1, expect.stringContaining("MinIO listed 3 bytes and gave 2")]);
  expect(folder.step("failed")).toContain("MinIO listed 3 bytes and gave 2");
});

test("planted: a bucket that is not versioned is a warning that names it", async () => {
  services.unversioned.add("convex-modules");
  expect((await collect()).status).toBe(0);
  expect(folder.step("warnings")).toMatch(/^the bucket convex-modules is not versioned: .*\n$/);
});

test("planted: objects that would fill the disk are not copied, and what is to be done is said", async () => {
  services.buckets.set("convex-files", [{ key: "a", id: "1", at: BEFORE, body: "abc" }]);
  expect(await collect({ reserveBytes: 2 ** 60 })).toMatchObject({ status: 1, output: expect.stringMatching(/no room for the next objects .* are kept free for the servers of Nomad and Consul.*make room on this node/) });
  expect(existsSync(object("convex-files", "a"))).toBe(false);
});

test("planted: a key that would leave the backup's folder is refused, and named", async () => {
  services.buckets.set("convex-files", [{ key: "../../escape", id: "1", at: BEFORE, body: "x" }]);
  expect(await collect()).toMatchObject({ status: 1, output: expect.stringContaining('the object "../../escape" of convex-files cannot be kept as a file') });
});

test("a wrong key of the store is said with the store's own word", async () => {
  expect(await collect({}, { BACKUP_STORE_KEY_ID: "OTHER" })).toMatchObject({ status: 1, output: expect.stringContaining("answered 403 (AccessDenied: no signature)") });
  expect(await collect({}, { BACKUP_STORE_KEY_ID: "" })).toMatchObject({ status: 1, output: expect.stringContaining("BACKUP_STORE_KEY_ID is not set") });
});

describe("snapshots of the clusters", () => {
  test("what is not permitted is not asked for, and the manifest says who decided that", async () => {
    await collect({ clusterSnapshots: { consul: { permitted: false, reason: "it could do anything" }, vault: { permitted: false, reason: "no storage of its own" } } });
    expect(manifest().cluster).toMatchObject({ nomad: { taken: true }, consul: { taken: false, reason: expect.stringContaining("dataPlane.backup.clusterSnapshots.consul): it could do anything") }, vault: { taken: false } });
    expect(services.asked.filter((path) => /\/v1\/(snapshot|sys)/.test(path))).toEqual([]);
    expect(folder.step("warnings")).toBe("");
  });

  test.each<[string, () => void, RegExp]>([
    ["one that is refused", () => (services.snapshot.status = 403), /Consul gave no snapshot: it answered 403: its token may not take one; see docs\/backup\.md/],
    ["planted: one that is cut off", () => (services.snapshot.vault = services.snapshot.vault.subarray(0, 12)), /Vault gave no snapshot: what it sent is no whole archive/],
    ["planted: one that arrives otherwise than it was sent", () => (services.snapshot.nomad = Buffer.from("another")), /Nomad gave no snapshot: .*its digest differs/],
  ])("%s costs the backup of the data nothing, and is a warning", async (_what, arrange, expected) => {
    arrange();
    expect((await collect()).status).toBe(0);
    expect(folder.step("warnings")).toMatch(expected);
    expect(Object.values(manifest().cluster).some((snapshot) => !snapshot.taken)).toBe(true);
    for (const [name, snapshot] of Object.entries(manifest().cluster)) expect(existsSync(join(at(BACKUP_PATHS.cluster), `${name}.snap`))).toBe(snapshot.taken);
  });

  test("a token that is not in Vault is named", async () => {
    await collect({}, { CONSUL_SNAPSHOT_TOKEN: "" });
    expect(manifest().cluster.consul).toEqual({ taken: false, reason: "Consul gave no snapshot: CONSUL_SNAPSHOT_TOKEN is not in Vault (ops/backup-access)" });
  });
});

/** A key's history: times go up, the newest is current. */
const history = fc.array(fc.record({ marker: fc.boolean(), gap: fc.integer({ min: 1, max: 100 }) }), { minLength: 1, maxLength: 8 }).map((steps) => {
  let modified = 0;
  return steps.map(({ marker, gap }, i): Version => ({ key: "k", versionId: String(i), latest: i === steps.length - 1, marker, modified: (modified += gap), size: 1 })).reverse();
});

test("property: an object that existed at any moment since the dump began is in the backup, and none that did not", () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 0, max: 900 }), (versions, began) => {
      const oldestFirst = [...versions].reverse();
      const aliveWhenItBegan = oldestFirst.filter(({ modified }) => modified < began).at(-1)?.marker === false;
      const chosen = program.wanted(versions, began);
      const current = versions[0];
      if (!current.marker) expect(chosen).toEqual({ version: current, deleted: false });
      else if (aliveWhenItBegan) expect(chosen).toMatchObject({ deleted: true, version: { marker: false } });
      else if (current.modified < began) expect(chosen).toBeUndefined();
    }),
  );
});

test.each(["", "a//b", "/a", "a/", ".", "a/../b", `a/${"x".repeat(256)}`, "a\0b"])("%j is no file's path", (key) => expect(program.unsafeKey(key)).toBeDefined());
test.each(["a", "a/b.c", "..a", "ü", "a b", "019c-7"])("%j is", (key) => expect(program.unsafeKey(key)).toBeUndefined());

test("a key is read as the store says that it wrote it", () => {
  const page = (encoding: string, key: string) => program.parsePage(`<ListVersionsResult>${encoding}<IsTruncated>false</IsTruncated><Version><Key>${key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size><VersionId>1</VersionId><IsLatest>true</IsLatest></Version></ListVersionsResult>`).versions[0].key;
  expect(page("<EncodingType>url</EncodingType>", "a+b%2B%C3%BC/c")).toBe("a b+ü/c");
  expect(page("", "a+b%2B &amp;&#x27;&#252;")).toBe("a+b%2B &'ü");
});

test("an answer that is no list is refused", () => {
  expect(() => program.parsePage("<html>proxy</html>")).toThrow("something else");
  expect(() => program.parsePage("<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>")).toThrow("without saying where it goes on");
});

test("planted: what the database's step left cannot be read, and the run fails at once instead of waiting for it", async () => {
  rmSync(join(folder.data, "steps", "dumped"));
  mkdirSync(join(folder.data, "steps", "dumped"), { recursive: true });
  const { status, output } = await collect();
  expect([status, output]).toEqual([1, expect.stringContaining("EISDIR")]);
});
