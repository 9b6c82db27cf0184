/** The repository with a real restic: made, filled, kept within bounds, checked, copied; a folder stands for S3. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RESTIC_SCRIPT } from "../../../constructs/jobs/backup-scripts";
import { describeUnless } from "../../terraform/terraform";
import { RunFolder } from "./run-folder";

const missing = spawnSync("restic", ["version"], { stdio: "ignore" }).status === 0 ? undefined : "restic not found";

describeUnless(missing, "the repository", () => {
  let folder: RunFolder;
  const local = () => join(folder.root, "volume/restic");
  const copyAt = () => join(folder.root, "s3");

  beforeEach(() => {
    folder = new RunFolder();
    mkdirSync(join(folder.root, "volume"));
    writeFileSync(join(folder.root, "key"), "the key\n");
    fill("one");
  });
  afterEach(() => folder.remove());

  function fill(content: string): void {
    for (const [path, text] of [["postgres/PG_VERSION", "17\n"], ["postgres/backup_manifest", "{}\n"], ["objects/convex-files/a/b", content], ["objects.jsonl", "{}\n"], ["cluster/nomad.snap", "snap"], ["manifest.json", "{}\n"]]) folder.write(path, text);
  }
  const store = (env: Readonly<Record<string, string>> = {}) =>
    folder.script("sh", RESTIC_SCRIPT, { BACKUP_MOUNT: join(folder.root, "volume"), RESTIC_REPOSITORY: local(), RESTIC_PASSWORD_FILE: join(folder.root, "key"), SNAPSHOT_HOST: "gvfx", SNAPSHOT_TAG: "gvfx", KEEP_LAST: "2", KEEP_DAILY: "1", KEEP_WEEKLY: "1", CHECK_SECONDS: "86400", ...env });
  /** What the next run begins with. */
  const nextRun = () => rmSync(join(folder.data, "steps"), { recursive: true });
  const restic = (repository: string, ...args: string[]) => spawnSync("restic", ["--no-cache", "-r", repository, "--password-file", join(folder.root, "key"), ...args], { encoding: "utf8" });
  const snapshots = (repository: string) => JSON.parse(restic(repository, "snapshots", "--json").stdout) as { readonly tags: string[]; readonly hostname: string; readonly paths: string[] }[];
  const s3 = () => ({ S3_REPOSITORY: copyAt(), S3_REGION: "us-east-1", BACKUP_S3_KEY_ID: "id", BACKUP_S3_SECRET_KEY: "s3-secret" });

  test("is made where there is none, holds every part of a run, and is checked on the first day only", () => {
    expect(store()).toMatchObject({ status: 0, stdout: expect.stringContaining("making a new, empty one") });
    expect(JSON.parse(folder.step("stored")!)).toMatchObject({ message_type: "summary", snapshot_id: expect.stringMatching(/^[0-9a-f]{8,}$/) });
    const [snapshot] = snapshots(local());
    expect([snapshot.tags, snapshot.hostname, snapshot.paths.map((path) => path.replace(`${folder.data}/`, "")).sort()]).toEqual([["gvfx"], "gvfx", ["cluster", "manifest.json", "objects", "objects.jsonl", "postgres"]]);
    expect([folder.step("checked"), folder.step("check-failed")]).toEqual(["", undefined]);
    nextRun();
    expect(store()).toMatchObject({ status: 0, stdout: expect.not.stringContaining("making a new") });
    expect(folder.step("checked")).toBeUndefined();
  }, 60_000);

  test("keeps what it is told to keep", () => {
    for (const content of ["one", "two", "three", "four"]) {
      fill(content);
      expect(store().status).toBe(0);
      nextRun();
    }
    expect(snapshots(local())).toHaveLength(2);
  }, 60_000);

  test("a task that is started again after it stored does not store twice", () => {
    expect([store().status, store().status]).toEqual([0, 0]);
    expect(snapshots(local())).toHaveLength(1);
  }, 60_000);

  test("planted: a wrong key stores nothing and says which key it is", () => {
    expect(store().status).toBe(0);
    nextRun();
    writeFileSync(join(folder.root, "key"), "another key\n");
    const { status, stderr } = store();
    expect([status, stderr, folder.step("stored")]).toEqual([1, expect.stringContaining("does not open with the key in Vault (ops/backup)"), undefined]);
    expect(folder.step("failed")).toContain("does not open");
  }, 60_000);

  test.each(["postgres", "objects", "objects.jsonl", "cluster", "manifest.json"])("planted: without %s, which restic would pass over, nothing is stored", (part) => {
    rmSync(join(folder.data, part), { recursive: true });
    expect(store()).toMatchObject({ status: 1, stderr: expect.stringMatching(new RegExp(`restic: ${part}.* is missing from the run`)) });
    expect(folder.step("stored")).toBeUndefined();
  }, 60_000);

  test("planted: a damaged repository is found by the check, and the run counts all the same", () => {
    fill(randomBytes(2 ** 18).toString("base64"));
    expect(store().status).toBe(0);
    nextRun();
    fill("two");
    const packs = readdirSync(join(local(), "data"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    // The largest holds what was stored; the others say where it is.
    const [file] = packs.map((entry) => join(entry.parentPath, entry.name)).sort((a, b) => statSync(b).size - statSync(a).size);
    const bytes = readFileSync(file);
    bytes[1000] ^= 1;
    rmSync(file);
    writeFileSync(file, bytes);
    // Seven checks, each of another seventh, read all of it.
    const said: (string | undefined)[] = [];
    for (let n = 0; n < 7 && !said.some(Boolean); n++) {
      writeFileSync(join(folder.root, "volume/checked"), "0");
      const clock = join(folder.root, "bin");
      mkdirSync(clock, { recursive: true });
      writeFileSync(join(clock, "date"), `#!/bin/sh\necho $((86400 * (20000 + ${n})))\n`, { mode: 0o755 });
      expect(store({ PATH: `${clock}:${process.env.PATH}`, KEEP_LAST: "9" }).status).toBe(0);
      said.push(folder.step("check-failed"));
      nextRun();
    }
    expect(said.filter(Boolean)).toEqual([expect.stringMatching(/^(the repository is damaged: keep the volume as it is|old backups cannot be taken away)/)]);
  }, 120_000);

  test("a second copy is made, alike, and follows", () => {
    expect(store(s3())).toMatchObject({ status: 0 });
    expect([folder.step("copied"), folder.step("copy-failed")]).toEqual(["", undefined]);
    nextRun();
    fill("two");
    const { stdout, stderr } = store(s3());
    expect(stdout + stderr).not.toContain("s3-secret");
    expect(snapshots(copyAt())).toHaveLength(2);
    expect(restic(copyAt(), "dump", "latest", `${folder.data}/objects/convex-files/a/b`).stdout).toBe("two");
    expect(restic(copyAt(), "check", "--read-data").status).toBe(0);
  }, 60_000);

  test("a second copy that fails costs the run nothing, and is written down", () => {
    expect(store({ ...s3(), BACKUP_S3_SECRET_KEY: "" }).status).toBe(0);
    expect([folder.step("copied"), folder.step("copy-failed")]).toEqual([undefined, expect.stringContaining("BACKUP_S3_KEY_ID and BACKUP_S3_SECRET_KEY are not in Vault (ops/backup-access)")]);
    expect(existsSync(join(folder.data, "steps/stored"))).toBe(true);
    writeFileSync(copyAt(), "a file in its place");
    expect(store(s3()).status).toBe(0);
    expect(folder.step("copy-failed")).toContain("no second copy in S3: ");
  }, 60_000);
});
