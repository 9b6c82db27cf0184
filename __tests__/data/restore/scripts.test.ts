/** The shell scripts that need no container engine, run by this machine's own sh. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashScript, parseHashes, readScript } from "../../../scripts/data/restore/files";
import { prepareFolder } from "../../../scripts/data/restore/repository";
import { quoted, script } from "../../../scripts/data/restore/shell";
import { arrangePostgresScript, discardScript, markProvenScript, removeScript, swapScript, undoCheckScript, undoScript } from "../../../scripts/data/restore/swap";
import { POINT } from "./facts";

const RESTORED = { point: POINT, from: { kind: "local", node: "server-2" } } as const;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gvfx-restore-scripts-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function sh(text: string): { readonly status: number | null; readonly lines: string[]; readonly complaint: string } {
  const { status, stdout, stderr } = spawnSync("sh", ["-s"], { input: text, encoding: "utf8", cwd: root });
  return { status, lines: stdout.split("\n").filter((line) => line !== ""), complaint: stderr.trim() };
}
function put(path: string, content = path): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), content);
}
const names = (): string[] => readdirSync(root).sort();

test("a secret is there while the script runs, to the byte, and gone however it ends", () => {
  const secret = "it's $HOME `id` \\ \"two\"";
  const seen = sh(script('cat "$secrets/key"; printf "\\n%s\\n" "$secrets"; stat -c %a "$secrets/key"; fail "no"', { key: secret }));
  expect(seen).toMatchObject({ status: 1, complaint: "no", lines: [secret, expect.stringMatching(/^\/dev\/shm\//), "600"] });
  expect(existsSync(seen.lines[1])).toBe(false);
});

test("what is cleaned up is, and the first failure's status stays", () => {
  put("left");
  expect(sh(script("exit 7", {}, `rm ${quoted(join(root, "left"))}; false`)).status).toBe(7);
  expect(names()).toEqual([]);
});

test("hashes of every file, whatever its name; a name that programs write differently is refused", () => {
  put("a/one file", "one");
  put("a/ two  spaces", "two");
  put("a/ünï", "");
  symlinkSync("/etc/passwd", join(root, "a/link"));
  const { files, others } = parseHashes(sh(hashScript(join(root, "a"))).lines);
  expect(Object.fromEntries(files.map(({ path, size, hash }) => [path, `${size} ${hash.slice(0, 8)}`]))).toEqual({ "one file": "3 7692c3ad", " two  spaces": "3 3fc4ccfe", ünï: "0 e3b0c442" });
  expect(others).toEqual(["link"]);
  expect(sh(hashScript(join(root, "nothing"))).lines).toEqual([]);
  put("b/odd\\name");
  expect(sh(hashScript(join(root, "b")))).toMatchObject({ status: 1, complaint: expect.stringMatching(/line end or a backslash/) });
  expect(sh(readScript(join(root, "nothing")))).toMatchObject({ status: 1, complaint: expect.stringMatching(/not whole/) });
});

test("a folder that no restore made is never removed, one that broke off is", () => {
  const folder = join(root, "gvfx-restore-1");
  put("gvfx-restore-1/mine");
  expect(sh(script(prepareFolder(folder)))).toMatchObject({ status: 1, complaint: expect.stringMatching(/move it away/) });
  expect(sh(removeScript(folder)).status).toBe(1);
  expect(existsSync(join(folder, "mine"))).toBe(true);
  put("gvfx-restore-1/gvfx-restore", "unfinished\n");
  expect(sh(script(prepareFolder(folder))).status).toBe(0);
  expect(readdirSync(folder).sort()).toEqual(["gvfx-restore", "raw", "volumes"]);
});

describe("in place", () => {
  const folder = () => join(root, "gvfx-restore-1");
  beforeEach(() => {
    put("gvfx-postgres/old");
    put("gvfx-objectstore/old");
    put("gvfx-restore-1/gvfx-restore", "unfinished\n");
    put("gvfx-restore-1/raw/alloc/data/postgres/PG_VERSION", "17\n");
    put("gvfx-restore-1/raw/alloc/data/manifest.json", "{}");
    put("gvfx-restore-1/volumes/gvfx-objectstore/new");
    const run = join(folder(), "raw/alloc/data");
    expect(sh(arrangePostgresScript(folder(), run)).status).toBe(0);
    expect(sh(markProvenScript(folder(), run, join(folder(), "read-back"), RESTORED)).status).toBe(0);
  });

  test("proven data is arranged as the jobs have it, and its manifest and which backup it is are kept", () => {
    expect(readFileSync(join(folder(), "gvfx-restore"), "utf8")).toBe("proven\n");
    expect(readdirSync(folder()).sort()).toEqual(["backup", "gvfx-restore", "volumes"]);
    expect(readFileSync(join(folder(), "volumes/gvfx-postgres/pgdata/PG_VERSION"), "utf8")).toBe("17\n");
    expect([readFileSync(join(folder(), "backup/manifest.json"), "utf8"), JSON.parse(readFileSync(join(folder(), "backup/point.json"), "utf8"))]).toEqual(["{}", { id: POINT.id, time: "2026-11-26T03:00:10.000Z", from: RESTORED.from }]);
  });

  test("a swap that broke off after one volume goes on with the same names; nothing is lost", () => {
    // As if killed between the two renames of the first volume.
    writeFileSync(join(folder(), "stamp"), "T1\n");
    sh(`mv gvfx-postgres gvfx-postgres.before-restore-T1`);
    expect(sh(swapScript(root, folder(), "T2"))).toMatchObject({ status: 0, lines: ["swapped gvfx-postgres", "swapped gvfx-objectstore"] });
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-objectstore.before-restore-T1", "gvfx-postgres", "gvfx-postgres.before-restore-T1"]);
    expect(sh(undoScript(root, "U1")).status).toBe(0);
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-objectstore.undone-U1", "gvfx-postgres", "gvfx-postgres.undone-U1"]);
    expect(existsSync(join(root, "gvfx-postgres/old")) && existsSync(join(root, "gvfx-objectstore/old"))).toBe(true);
  });

  test("an undo takes one restore's volumes, never the newest of each", () => {
    sh(swapScript(root, folder(), "T1"));
    // A second restore, of which one volume was discarded by hand.
    sh("mv gvfx-postgres gvfx-postgres.before-restore-T2; mkdir gvfx-postgres");
    expect(sh(undoCheckScript(root))).toMatchObject({ status: 1, complaint: expect.stringMatching(/restore of T2 kept no gvfx-objectstore/) });
    expect(sh(undoScript(root, "U1")).status).toBe(1);
    expect(existsSync(join(root, "gvfx-objectstore/new"))).toBe(true);
  });

  test("a first restore that broke off between two renames is undone, wherever it was killed", () => {
    rmSync(join(root, "gvfx-objectstore"), { recursive: true });
    mkdirSync(join(root, "gvfx-objectstore"));
    writeFileSync(join(folder(), "stamp"), "T1\n");
    sh("rmdir gvfx-objectstore; mv gvfx-restore-1/volumes/gvfx-objectstore . ; mv gvfx-postgres gvfx-postgres.before-restore-T1");
    expect(sh(undoCheckScript(root))).toMatchObject({ status: 0, lines: ["undo T1"] });
    expect(sh(undoScript(root, "U1"))).toMatchObject({ status: 0, complaint: "" });
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-postgres", "gvfx-restore-1"]);
    expect([readdirSync(join(root, "gvfx-objectstore")), readdirSync(join(root, "gvfx-postgres")), readdirSync(join(folder(), "volumes/gvfx-objectstore"))]).toEqual([[], ["old"], ["new"]]);
    // What it was restored from is whole again.
    expect(sh(swapScript(root, folder(), "T2"))).toMatchObject({ status: 0, lines: ["swapped gvfx-postgres", "swapped gvfx-objectstore"] });
  });

  test("a swap without all of its volumes renames nothing, and a folder without them is never called proven", () => {
    rmSync(join(folder(), "volumes/gvfx-objectstore"), { recursive: true });
    expect(sh(swapScript(root, folder(), "T1"))).toMatchObject({ status: 1, complaint: expect.stringMatching(/gvfx-objectstore is empty or not there.*nothing was renamed/) });
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-postgres", "gvfx-restore-1"]);
    expect(existsSync(join(folder(), "stamp"))).toBe(false);
    writeFileSync(join(folder(), "gvfx-restore"), "unfinished\n");
    expect(sh(markProvenScript(folder(), join(folder(), "raw"), join(folder(), "read-back"), RESTORED))).toMatchObject({ status: 1, complaint: expect.stringMatching(/not proven/) });
    expect(readFileSync(join(folder(), "gvfx-restore"), "utf8")).toBe("unfinished\n");
  });

  test("nothing is discarded while a swap is half done, and what was kept aside survives the removal of what is beside", () => {
    put("gvfx-postgres.before-restore-T0/old");
    writeFileSync(join(folder(), "stamp"), "T1\n");
    expect(sh(discardScript(root))).toMatchObject({ status: 1, complaint: expect.stringMatching(/half in place.*nothing was removed/s) });
    expect(existsSync(folder())).toBe(true);
    rmSync(join(folder(), "stamp"));
    expect(sh(discardScript(root, "beside")).status).toBe(0);
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-postgres", "gvfx-postgres.before-restore-T0"]);
  });

  test("an undo that broke off goes on", () => {
    sh(swapScript(root, folder(), "T1"));
    writeFileSync(join(root, ".gvfx-restore-undo"), "U1 T1\n");
    sh("mv gvfx-postgres gvfx-postgres.undone-U1; mv gvfx-postgres.before-restore-T1 gvfx-postgres");
    expect(sh(undoScript(root, "U2"))).toMatchObject({ status: 0, lines: [expect.stringMatching(/^restored gvfx-objectstore/)] });
    sh("rm -rf .gvfx-restore-undo");
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-objectstore.undone-U1", "gvfx-postgres", "gvfx-postgres.undone-U1"]);
    expect(existsSync(join(root, "gvfx-postgres/old")) && existsSync(join(root, "gvfx-objectstore/old"))).toBe(true);
  });

  test("an empty volume needs no keeping, and what is the only data is never discarded", () => {
    rmSync(join(root, "gvfx-postgres/old"));
    sh(swapScript(root, folder(), "T1"));
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-objectstore.before-restore-T1", "gvfx-postgres"]);
    expect(sh(undoScript(root, "U1"))).toMatchObject({ status: 1, complaint: expect.stringMatching(/kept no gvfx-postgres.*no whole state; nothing was changed/) });
    sh("rm -rf gvfx-objectstore");
    expect(sh(discardScript(root))).toMatchObject({ status: 1, complaint: expect.stringMatching(/may be the only data/) });
    expect(existsSync(join(root, "gvfx-objectstore.before-restore-T1/old"))).toBe(true);
  });

  test("discarding removes what restores left, and nothing else", () => {
    put("gvfx-restore-mine/photo");
    put("gvfx-postgres.before-restore-T0/old");
    expect(sh(discardScript(root)).status).toBe(0);
    expect(names()).toEqual(["gvfx-objectstore", "gvfx-postgres", "gvfx-restore-mine"]);
  });
});
