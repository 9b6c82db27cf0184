/** A proven folder is put in place by its own record: the node with the repository is gone. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chooseRecord, parseRecord } from "../../../scripts/data/restore/record";
import type { RestoreRecord } from "../../../scripts/data/restore/types";
import { manifest, POINT } from "./facts";
import { twoNodes, type TwoNodes } from "./two-nodes";

let nodes: TwoNodes;
beforeEach(async () => {
  nodes = twoNodes();
  nodes.put("gvfx-postgres/old");
  nodes.put("gvfx-objectstore/old");
  await nodes.prove();
});
afterEach(() => nodes.remove());

const IN_PLACE = ["restore", "--in-place", "--snapshot", "01234567", "--confirm", "production"];

test("what was proven is put in place without the repository, its key or MinIO's", async () => {
  expect(await nodes.gvfx(...IN_PLACE)).toMatchObject({ code: 0, complained: "", said: expect.stringMatching(/Restore backup 01234567 of 2026-11-26T03:00:10\.000Z .*from server-2, in place on server-1.*Postgres 17\.6 of 2026-11-26T03:00:00Z with 2 files, and 0 objects; no repository is read.*PROVEN/s) });
  expect([existsSync(nodes.at("gvfx-postgres/new")), existsSync(nodes.at("gvfx-objectstore/new")), existsSync(nodes.at("gvfx-restore-01234567"))]).toEqual([true, true, false]);
  expect(nodes.told.slice(-3)).toEqual(["start gvfx-postgres", "start gvfx-objectstore", "start gvfx-convex"]);
});

test("a swap that broke off goes on without the repository too", async () => {
  writeFileSync(nodes.at("gvfx-restore-01234567/stamp"), "T1\n");
  expect(await nodes.gvfx(...IN_PLACE)).toMatchObject({ code: 0, complained: "" });
  expect(existsSync(nodes.at("gvfx-postgres.before-restore-T1/old"))).toBe(true);
});

test.each([["the newest", []], ["one of a moment", ["--at", "2026-11-26T03:30Z"]], ["fewer digits than a command prints", ["--snapshot", "0123456"]]])("%s is the repository's to know: the refusal names what needs none", async (_name, which) => {
  expect(await nodes.gvfx("restore", "--in-place", ...which, "--confirm", "production")).toMatchObject({ code: 2, complained: expect.stringMatching(/no node that answers has a repository.*server-1 and proven needs no repository: .*--in-place --snapshot 01234567 --from server-2 --to server-1 --confirm production$/s) });
  expect(nodes.told).toEqual([]);
  expect(existsSync(nodes.at("gvfx-postgres/old"))).toBe(true);
});

test.each([
  ["without a record", () => rmSync(nodes.at("gvfx-restore-01234567/backup/point.json"))],
  ["with the record of another backup", () => writeFileSync(nodes.at("gvfx-restore-01234567/backup/point.json"), readFileSync(nodes.at("gvfx-restore-01234567/backup/point.json"), "utf8").replaceAll("0123456789", "f123456789"))],
  ["whose manifest cannot be read", () => writeFileSync(nodes.at("gvfx-restore-01234567/backup/manifest.json"), "{}")],
  ["that is not proven", () => writeFileSync(nodes.at("gvfx-restore-01234567/gvfx-restore"), "unfinished\n")],
])("a folder %s is not put in place by it", async (_name, damage) => {
  damage();
  expect(await nodes.gvfx(...IN_PLACE)).toMatchObject({ code: 2, complained: expect.stringMatching(/no node that answers has a repository/) });
  expect(nodes.told).toEqual([]);
});

test("a record is what was written, and the one that is meant is found by the digits that commands print", () => {
  const record: RestoreRecord = { point: POINT, from: { kind: "s3" }, manifest: manifest() };
  const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");
  expect(parseRecord("01234567", `${base64({ id: POINT.id, time: POINT.time, from: { kind: "s3" } })} ${base64(manifest())}`)).toEqual(record);
  expect(parseRecord("01234567", undefined)).toBeUndefined();
  expect(chooseRecord([record], "012345678")).toBe(record);
  expect([chooseRecord([record], "0123456"), chooseRecord([record], "ffffffff"), chooseRecord([record], undefined)]).toEqual([undefined, undefined, undefined]);
});
