import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkedSnapshots } from "../../../scripts/data/move/world/checked-snapshots";
import type { Problem } from "../../../scripts/data/snapshot/types";

test("a sound file is looked at once, a changed one again, and one with problems each time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "checked-"));
  try {
    const file = join(folder, "a.zip");
    let [looks, problems]: [number, Problem[]] = [0, []];
    const check = checkedSnapshots({}, async (path) => ({ path, bytes: ++looks, sha256: "", tables: [], files: undefined, problems }));
    writeFileSync(file, "one");
    expect((await check(file)).bytes).toBe(1);
    expect((await check(file)).bytes).toBe(1);
    writeFileSync(file, "other");
    problems = [{ place: "p", what: "w", fix: "f" }];
    expect([(await check(file)).bytes, (await check(file)).bytes]).toEqual([2, 3]);
    await expect(check(join(folder, "none"))).rejects.toThrow(/ENOENT/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
