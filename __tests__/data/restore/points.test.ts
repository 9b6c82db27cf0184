import { choosePoint, parseMoment, restorePoints } from "../../../scripts/data/restore/points";

const id = (digit: string): string => digit.repeat(64);
const printed = JSON.stringify([
  { id: id("a"), time: "2026-11-26T02:00:00.5Z", hostname: "gvfx", tags: ["gvfx"], paths: [] },
  { id: id("b"), time: "2026-11-26T03:00:00+01:00", hostname: "gvfx", tags: ["gvfx"] },
  { id: id("c"), time: "2026-11-26T02:45:00Z", hostname: "gvfx", tags: ["gvfx"] },
  { id: id("d"), time: "2026-11-26T02:50:00Z", hostname: "somebody", tags: ["gvfx"] },
  { id: id("e"), time: "2026-11-26T02:55:00Z", hostname: "gvfx", tags: null },
]);
const points = restorePoints(printed, "gvfx");
const LIST = "gvfx data backups";

test("restore points are the platform's own, newest first; times of another zone count as they are", () => {
  expect(points.map(({ id: [digit] }) => digit)).toEqual(["c", "a", "b"]);
  expect(restorePoints("null", "gvfx")).toEqual([]);
  expect(() => restorePoints("Fatal: no", "gvfx")).toThrow(/no list of snapshots/);
  expect(() => restorePoints('[{"id":"xyz","time":"","hostname":""}]', "gvfx")).toThrow(/id/);
});

test("the newest by default, the newest before a moment, or one by its id", () => {
  expect(choosePoint(points, {}, LIST, "gvfx")).toBe(points[0]);
  expect(choosePoint(points, { at: new Date("2026-11-26T02:44:59Z") }, LIST, "gvfx")).toBe(points[1]);
  expect(choosePoint(points, { at: new Date("2026-11-26T02:45:00Z") }, LIST, "gvfx")).toBe(points[0]);
  expect(choosePoint(points, { snapshot: "aaaa" }, LIST, "gvfx")).toBe(points[1]);
});

test("what is not there is said with what is", () => {
  expect(() => choosePoint(points, { at: new Date("2026-11-26T01:00:00Z") }, LIST, "gvfx")).toThrow(/as old as 2026-11-26T01.*go from 2026-11-26T02:00:00.000Z \(bbbbbbbb\) to 2026-11-26T02:45:00.000Z \(cccccccc\); see all: gvfx data backups --all/s);
  expect(() => choosePoint(points, { snapshot: "ffff" }, LIST, "gvfx")).toThrow(/there is no backup ffff/);
  expect(() => choosePoint([{ id: "aa11".repeat(16), time: new Date() }, { id: "aa12".repeat(16), time: new Date() }], { snapshot: "aa1" }, LIST, "gvfx")).toThrow(/2 backups \(aa11aa11, aa12aa12\)/);
  expect(() => choosePoint([], {}, LIST, "gvfx")).toThrow(/nomad job status -namespace gvfx gvfx-backup/);
});

test("a moment is ISO 8601 or an age; nonsense and the future are refused", () => {
  const now = new Date("2026-11-26T12:00:00Z");
  expect(parseMoment("2026-11-26T03:00Z", now)).toEqual(new Date("2026-11-26T03:00:00Z"));
  expect(parseMoment("2026-11-26 03:00:00+01:00", now)).toEqual(new Date("2026-11-26T02:00:00Z"));
  expect(parseMoment("1d2h30m ago", now)).toEqual(new Date("2026-11-25T09:30:00Z"));
  for (const bad of ["", "yesterday", "2026-13-45T03:00Z", "5", "ago"]) expect(() => parseMoment(bad, now)).toThrow(/is no time/);
  expect(() => parseMoment("2027-01-01T00:00Z", now)).toThrow(/in the future/);
});
