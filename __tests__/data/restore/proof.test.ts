import { createHash } from "node:crypto";
import { inventoryProblems, manifestAlgorithm, objectProblems, parseHashes, parseInventory, postgresProblems, type FoundFiles } from "../../../scripts/data/restore/files";
import { danglingReferences, parseFingerprint, type ObjectReference } from "../../../scripts/data/restore/fingerprint";
import { parseManifests } from "../../../scripts/data/restore/look-around";
import { parseLook } from "../../../scripts/data/restore/look";
import { envFile, script } from "../../../scripts/data/restore/shell";
import { manifest } from "./facts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const FILES = [{ path: "base/1/1", content: "one" }, { path: "PG_VERSION", content: "17\n" }];

/** As pg_basebackup writes it, checksum of its own included. */
function backupManifest(files = FILES, algorithm = "SHA256"): string {
  const lines = files.map(({ path, content }) => `{ "Path": "${path}", "Size": ${content.length}, "Last-Modified": "2026-11-26 03:00:00 GMT", "Checksum-Algorithm": "${algorithm}", "Checksum": "${sha256(content)}" }`);
  const text = `{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": 7712350902180618115,\n"Files": [\n${lines.join(",\n")}\n],\n"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000138" }\n],\n`;
  return `${text}"Manifest-Checksum": "${sha256(text)}"}\n`;
}

const found = (files = FILES): FoundFiles => ({ files: files.map(({ path, content }) => ({ path, size: content.length, hash: sha256(content) })), others: [] });
const told = (text: string, files = FILES) => ({ postgres: { ...manifest().postgres, manifestSha256: sha256(text), files: files.length, bytes: files.reduce((sum, { content }) => sum + content.length, 0) } });

describe("files of Postgres", () => {
  const text = backupManifest();

  test("as the manifests say: nothing to say; WAL and what is written after the manifest are in none", () => {
    expect(postgresProblems(text, found(), told(text))).toEqual([]);
    const more = [...FILES, { path: "backup_manifest", content: text }, { path: "pg_wal/000000010000000000000002", content: "wal" }, { path: "postgresql.auto.conf", content: "x" }];
    expect(postgresProblems(text, found(more), told(text, more))).toEqual([]);
  });

  const changed = (change: (files: typeof FILES) => typeof FILES): string => postgresProblems(text, found(change([...FILES])), told(text)).join("\n");
  test.each([
    ["a flipped byte", () => [{ path: "base/1/1", content: "onf" }, FILES[1]], /postgres\/base\/1\/1 has the hash/],
    ["a missing file", () => [FILES[1]], /postgres\/base\/1\/1 is missing/],
    ["a cut file", () => [{ path: "base/1/1", content: "on" }, FILES[1]], /base\/1\/1 has 2 bytes, not 3/],
    ["a file too many", () => [...FILES, { path: "base/1/2", content: "two" }], /base\/1\/2 is in no manifest/],
  ] as const)("%s is found and named", (_name, change, message) => expect(changed(() => [...change()])).toMatch(message));

  test("a manifest that was changed, one without strong checksums, one that is none", () => {
    const tampered = text.replace(sha256("one"), sha256("two"));
    expect(postgresProblems(tampered, found([{ path: "base/1/1", content: "two" }, FILES[1]]), told(text)).join("\n")).toMatch(/SHA-256 .* was made with .*\n.*does not have the checksum that its last line gives/);
    expect(manifestAlgorithm(text)).toBe("sha256");
    expect(() => manifestAlgorithm(backupManifest(FILES, "CRC32C"))).toThrow(/crc32c.*--manifest-checksums=SHA256/);
    expect(() => manifestAlgorithm("{}")).toThrow(/not what pg_basebackup writes/);
  });

  test("a link is no file", () => {
    expect(postgresProblems(text, { ...found(), others: ["pg_tblspc/16384"] }, told(text)).join("\n")).toMatch(/pg_tblspc\/16384 is neither/);
  });
});

describe("objects", () => {
  const lines = [{ bucket: "convex-files", key: "i/u-1", size: 3, sha256: sha256("one") }, { bucket: "convex-files", key: "i/u-2", size: 3, sha256: sha256("two"), deleted: true }].map((line) => JSON.stringify(line));
  const inventory = parseInventory(lines);
  const buckets = { "convex-files": { objects: 2, bytes: 6, deletedSinceStart: 1, digest: sha256(lines.map((line) => `${line}\n`).join("")) }, "convex-search": { objects: 0, bytes: 0, deletedSinceStart: 0, digest: sha256("") } };
  const there = (contents: readonly (readonly [string, string])[]): FoundFiles => ({ files: contents.map(([path, content]) => ({ path, size: content.length, hash: sha256(content) })), others: [] });

  test("as the inventory and the manifest say: nothing to say", () => {
    expect(inventoryProblems(inventory, buckets)).toEqual([]);
    expect(objectProblems(inventory.lines, there([["convex-files/i/u-1", "one"], ["convex-files/i/u-2", "two"]]), "objects")).toEqual([]);
  });

  test("each difference is named", () => {
    const problems = objectProblems(inventory.lines, there([["convex-files/i/u-1", "onf"], ["convex-files/x", "x"]]), "objects").join("\n");
    expect(problems).toMatch(/objects\/convex-files\/i\/u-1 has the SHA-256/);
    expect(problems).toMatch(/objects\/convex-files\/x is in no inventory/);
    expect(problems).toMatch(/objects\/convex-files\/i\/u-2 is missing/);
    expect(inventoryProblems(parseInventory(lines.slice(1)), buckets).join()).toMatch(/1 objects with 3 bytes in convex-files, and the manifest says 2 with 6/);
    expect(inventoryProblems(parseInventory([lines[0], lines[1].replace("u-2", "u-3")]), buckets).join()).toMatch(/do not have the hash/);
    expect(() => parseInventory([lines[0], '{"bucket":1}'])).toThrow(/objects\.jsonl line 2/);
  });

  test("a row finds its object by the end of the key, with size and hash; a package by the key alone", () => {
    const reference = (changes: Partial<ObjectReference>): ObjectReference => ({ table: "_storage", id: "k", bucket: "convex-files", key: "u-1", sha256: sha256("one"), size: 3, ...changes });
    expect(danglingReferences([reference({}), reference({ key: "i/u-1" }), reference({ sha256: undefined, size: undefined, key: "u-2" })], inventory.lines)).toEqual([]);
    const dangling = danglingReferences([reference({ key: "1" }), reference({ key: "" }), reference({ sha256: sha256("x") }), reference({ bucket: "convex-modules" })], inventory.lines);
    expect(dangling).toEqual([expect.stringMatching(/not among the objects/), expect.stringMatching(/names no object/), expect.stringMatching(/says 3 bytes and SHA-256/), expect.stringMatching(/convex-modules\/u-1, which is not/)]);
  });
});

test("a fingerprint is read: sizes and hashes as either layout writes them", () => {
  const base64 = createHash("sha256").update("one").digest("base64");
  const line = (value: object): string => JSON.stringify(value);
  const fingerprint = parseFingerprint([
    line({ kind: "server", version: "17.6", systemIdentifier: "1", databases: ["postgres"] }),
    line({ kind: "table", database: "d", table: "public.t", rows: 2, hash: "h" }),
    line({ kind: "layout", layout: "backend" }),
    line({ kind: "convex", table: "users", rows: 1, hash: "h" }),
    line({ kind: "reference", table: "_file_storage", id: "1", bucket: "convex-files", key: "k", sha256: base64, size: "AwAAAAAAAAA=" }),
    line({ kind: "reference", table: "_source_packages", id: "2", bucket: "convex-modules", key: "k", sha256: null, size: null }),
  ]);
  expect(fingerprint.references).toEqual([expect.objectContaining({ sha256: sha256("one"), size: 3 }), expect.objectContaining({ sha256: undefined, size: undefined })]);
  expect(fingerprint.tables).toEqual([{ name: "d.public.t", rows: 2, hash: "h" }]);
  expect(() => parseFingerprint(["FATAL: no"])).toThrow(/FATAL: no/);
  expect(() => parseFingerprint([])).toThrow(/ended before it answered/);
});

test("a node's answer, the manifests of several points, and hashes are read", () => {
  const look = parseLook("server-1", "/srv/gvfx", ["missing docker", "free 1000", "repository", "volume gvfx-postgres filled", "mounted gvfx-postgres", "user gvfx-postgres container x", "volume gvfx-objectstore missing", "image a@sha256:1", "restored proven /srv/gvfx/gvfx-restore-01234567", "restored foreign /srv/gvfx/gvfx-restore-mine", "aside /srv/gvfx/gvfx-postgres.before-restore-1", "owner aaaaaaaaaaaa laptop 2026-11-26T02:00:00.000Z", "owned z", "restoring y", "restoring z"]);
  expect(look).toMatchObject({ freeBytes: 1000, hasRepository: true, missingPrograms: ["docker"], missingImages: ["a@sha256:1"], keptAside: ["/srv/gvfx/gvfx-postgres.before-restore-1"], restoreContainers: ["y"], owner: { run: "aaaaaaaaaaaa", host: "laptop", since: "2026-11-26T02:00:00.000Z" } });
  expect(look.volumes).toEqual([{ name: "gvfx-postgres", path: "/srv/gvfx/gvfx-postgres", state: "filled", mountPoint: true, usedBy: ["container x"] }, { name: "gvfx-objectstore", path: "/srv/gvfx/gvfx-objectstore", state: "missing", mountPoint: false, usedBy: [] }]);
  expect(look.restored).toEqual([{ path: "/srv/gvfx/gvfx-restore-01234567", shortId: "01234567", state: "proven", begun: false }]);
  expect(parseLook("server-1", "/srv/gvfx", ["free 1", "restored proven /srv/gvfx/gvfx-restore-01234567", "begun /srv/gvfx/gvfx-restore-01234567", "undoing"])).toMatchObject({ undoing: true, owner: undefined, restored: [{ begun: true }] });
  expect(() => parseLook("server-1", "/srv/gvfx", ["motd"])).toThrow(/server-1 did not say.*motd/);
  const manifests = parseManifests([`point ${"a".repeat(64)}`, ...JSON.stringify(manifest(), null, 1).split("\n"), `none ${"b".repeat(64)}`, `point ${"c".repeat(64)}`, "{}"]);
  expect([...manifests.values()]).toEqual([manifest(), null, null]);
  expect(parseHashes(["file\t3\tabc\ta b", "other\tlink", "noise"])).toEqual({ files: [{ path: "a b", size: 3, hash: "abc" }], others: ["link"] });
});

test("a secret is in no script's text as it is, and a value with a line end is refused", () => {
  expect(script("true", { key: "GVFX_END_OF_SECRET\nrm -rf /" })).not.toMatch(/rm -rf \/\n/);
  expect(() => envFile({ MINIO_ROOT_PASSWORD: "a\nB=c" })).toThrow(/MINIO_ROOT_PASSWORD has a line end/);
});
