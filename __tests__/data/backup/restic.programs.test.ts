/** The repository with a real restic: made, filled, kept within bounds, checked, copied; a folder stands for S3. */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RESTIC_SCRIPT } from "../../../constructs/jobs/backup-scripts";
import { describeUnless } from "../../terraform/terraform";
import { RunFolder } from "./run-folder";

const missing = spawnSync("restic", ["version"], { stdio: "ignore" }).status === 0 ? undefined : "restic not found";

async function waitUntil(true_: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !true_(); ) {
    if (Date.now() > end) throw new Error("it did not come about within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

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
    folder.script("sh", RESTIC_SCRIPT, { BACKUP_MOUNT: join(folder.root, "volume"), RESTIC_REPOSITORY: local(), RESTIC_PASSWORD_FILE: join(folder.root, "key"), SNAPSHOT_HOST: "gvfx", SNAPSHOT_TAG: "gvfx", KEEP_LAST: "2", KEEP_DAILY: "1", KEEP_WEEKLY: "1", CHECK_SECONDS: "86400", RUN_SECONDS: "540", RESERVE_MIB: "1", ...env });
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
  });

  test("keeps what it is told to keep", () => {
    for (const content of ["one", "two", "three", "four"]) {
      fill(content);
      expect(store().status).toBe(0);
      nextRun();
    }
    expect(snapshots(local())).toHaveLength(2);
  });

  test("a task that is started again after it stored does not store twice", () => {
    expect([store().status, store().status]).toEqual([0, 0]);
    expect(snapshots(local())).toHaveLength(1);
  });

  test("a key that was rotated takes the place of the one before it, here and in S3, and what was stored stays", async () => {
    expect(store(s3()).status).toBe(0);
    nextRun();
    const before = join(folder.root, "key-before");
    // Two rotations without a run in between, and the lock of a run that was killed.
    writeFileSync(before, "a key that no run has seen\nthe key\n");
    const killed = spawn("restic", ["--no-cache", "-r", local(), "--password-file", join(folder.root, "key"), "backup", "--stdin"], { stdio: ["pipe", "ignore", "ignore"] });
    await waitUntil(() => readdirSync(join(local(), "locks")).length > 0);
    killed.kill("SIGKILL");
    writeFileSync(join(folder.root, "key"), "another key\n");
    expect(store({ ...s3(), KEY_BEFORE_FILE: before })).toMatchObject({ status: 0, stdout: expect.stringContaining("is given the key that Vault has now") });
    const former = join(folder.root, "former");
    writeFileSync(former, "the key\n");
    for (const repository of [local(), copyAt()]) {
      expect(snapshots(repository)).toHaveLength(2);
      expect(spawnSync("restic", ["--no-cache", "-r", repository, "--password-file", former, "cat", "config"]).status).not.toBe(0);
    }
    // The key before is in Vault until the next rotation, and means nothing any more.
    nextRun();
    expect(store({ ...s3(), KEY_BEFORE_FILE: before })).toMatchObject({ status: 0, stdout: expect.not.stringContaining("is given the key") });
  });

  test("planted: a wrong key stores nothing and says which key it is", () => {
    expect(store().status).toBe(0);
    nextRun();
    writeFileSync(join(folder.root, "key"), "another key\n");
    const { status, stderr } = store();
    expect([status, stderr, folder.step("stored")]).toEqual([1, expect.stringContaining("does not open with the key in Vault (ops/backup)"), undefined]);
    expect(folder.step("failed")).toContain("does not open");
  });

  test.each(["postgres", "objects", "objects.jsonl", "cluster", "manifest.json"])("planted: without %s, which restic would pass over, nothing is stored", (part) => {
    rmSync(join(folder.data, part), { recursive: true });
    expect(store()).toMatchObject({ status: 1, stderr: expect.stringMatching(new RegExp(`restic: ${part}.* is missing from the run`)) });
    expect(folder.step("stored")).toBeUndefined();
  });

  /** The next check reads this seventh. */
  const checkNext = (part: number) => writeFileSync(join(folder.root, "volume/checked"), `0 ${part}\n`);
  const onVolume = (name: string) => (existsSync(join(folder.root, "volume", name)) ? readFileSync(join(folder.root, "volume", name), "utf8").trim() : undefined);
  /** The largest pack holds what was stored; the others say where it is. */
  function largestPack(): string {
    const packs = readdirSync(join(local(), "data"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return packs.map((entry) => join(entry.parentPath, entry.name)).sort((a, b) => statSync(b).size - statSync(a).size)[0];
  }

  test("planted: damage stays known until that part is sound again, and until then nothing is taken away, here or in S3", () => {
    fill(randomBytes(2 ** 18).toString("base64"));
    expect(store(s3()).status).toBe(0);
    const file = largestPack();
    const sound = readFileSync(file);
    const broken = Buffer.from(sound);
    broken[1000] ^= 1;
    const put = (bytes: Buffer) => (rmSync(file), writeFileSync(file, bytes));
    put(broken);
    // Seven checks, each of another seventh, read all of it.
    const said: string[] = [];
    for (let part = 1; part <= 7 && said.length === 0; part++) {
      nextRun();
      checkNext(part);
      fill(`run ${part}`);
      expect(store({ ...s3(), KEEP_LAST: "9" }).status).toBe(0);
      const failed = folder.step("check-failed");
      if (failed !== undefined) {
        said.push(failed);
        expect([failed, onVolume("damaged")]).toEqual([expect.stringMatching(new RegExp(`^part ${part} of 7 of the repository is damaged, and nothing is taken away any more`)), String(part)]);
      }
    }
    expect(said).toHaveLength(1);
    const before = [snapshots(local()).length, snapshots(copyAt()).length];
    const part = onVolume("damaged");
    for (const content of ["later", "later still"]) {
      nextRun();
      fill(content);
      expect(store({ ...s3(), KEEP_LAST: "1" }).status).toBe(0);
      expect([folder.step("checked"), folder.step("check-failed")]).toEqual([undefined, expect.stringMatching(new RegExp(`^part ${part} of 7 of the repository is damaged`))]);
    }
    expect([snapshots(local()).length, snapshots(copyAt()).length]).toEqual(before.map((count) => count + 2));
    // A check that cannot be done is no sound one.
    nextRun();
    expect(store({ ...hanging("check"), KEEP_LAST: "1", RUN_SECONDS: "0" }).status).toBe(0);
    expect([onVolume("damaged"), folder.step("check-failed")]).toEqual([part, expect.stringMatching(/could not be checked in this run.*\n.*was found damaged, and is not yet found sound again/)]);
    put(sound);
    nextRun();
    expect(store({ KEEP_LAST: "1", KEEP_DAILY: "0", KEEP_WEEKLY: "0" }).status).toBe(0);
    expect([onVolume("damaged"), folder.step("check-failed"), folder.step("checked")]).toEqual([undefined, undefined, ""]);
    expect(onVolume("checked")).toMatch(new RegExp(` ${(Number(part) % 7) + 1}$`));
    expect(snapshots(local())).toHaveLength(1);
  }, 120_000);

  /** restic, but this command of it ends as if its time were over. */
  function hanging(command: string): Readonly<Record<string, string>> {
    const bin = join(folder.root, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "restic"), `#!/bin/sh\nif [ "$2" = ${command} ]; then exec sleep 300; fi\nPATH=${process.env.PATH} exec restic "$@"\n`, { mode: 0o755 });
    // Ends what hangs after a second, whatever time it has.
    writeFileSync(join(bin, "timeout"), `#!/bin/sh\necho "$3" >>"${join(folder.data, "timeouts")}"\nshift 3\nPATH=${bin}:${process.env.PATH}\n[ "$3" = ${command} ] && exec /usr/bin/timeout -s INT 1 "$@"\nexec "$@"\n`, { mode: 0o755 });
    return { PATH: `${bin}:${process.env.PATH}` };
  }

  test("planted: a run whose interval is over before the check keeps to two minutes, and what hangs is ended and said", () => {
    expect(store({ ...hanging("check"), RUN_SECONDS: "-100000" }).status).toBe(0);
    expect([folder.step("stored"), folder.step("checked"), folder.step("check-failed"), onVolume("damaged")]).toEqual([expect.stringContaining("snapshot_id"), undefined, expect.stringContaining("could not be checked in this run"), undefined]);
    expect(readFileSync(join(folder.data, "timeouts"), "utf8").split("\n").filter(Boolean).map(Number).slice(-2).every((seconds) => seconds > 100 && seconds <= 120)).toBe(true);
  });

  test("planted: the lock of a run that was killed while it freed space does not stop the next; another run that lives does", async () => {
    expect(store().status).toBe(0);
    nextRun();
    fill("two");
    const bin = join(folder.root, "bin");
    mkdirSync(bin);
    // The first time, the repository is locked, as by a container that is gone.
    writeFileSync(join(bin, "restic"), `#!/bin/sh\nif [ "$2" = backup ] && mkdir "${bin}/once" 2>/dev/null; then echo "unable to create lock in backend: repository is already locked exclusively by PID 7 on 3f2a by root (UID 0, GID 0)" >&2; exit 1; fi\nPATH=${process.env.PATH} exec restic "$@"\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}` };
    expect(store(env)).toMatchObject({ status: 0, stderr: expect.stringContaining("taking away the lock of a run that was killed") });
    expect(snapshots(local())).toHaveLength(2);
    nextRun();
    const other = spawn("flock", [join(folder.root, "volume/running"), "sleep", "30"], { detached: true });
    try {
      await waitUntil(() => spawnSync("flock", ["-n", join(folder.root, "volume/running"), "true"]).status === 1);
      expect(store()).toMatchObject({ status: 1, stderr: expect.stringContaining("another run of this job holds the repository") });
    } finally {
      process.kill(-other.pid!, "SIGKILL");
    }
  });

  test("planted: a volume below its reserve stores nothing, and says what to do", () => {
    const bin = join(folder.root, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "df"), "#!/bin/sh\necho Filesystem\necho /dev/sda 100 99 1023 99% /backups\n", { mode: 0o755 });
    expect(store({ PATH: `${bin}:${process.env.PATH}` })).toMatchObject({ status: 1, stderr: expect.stringMatching(/only 0 MiB are free .*1 MiB are kept free.*make room/) });
    expect(folder.step("stored")).toBeUndefined();
  });

  test("planted: another repository than before is named by its id; that it is meant so is asked for once", () => {
    expect(store().status).toBe(0);
    const first = folder.step("repository");
    expect(first).toMatch(/^[0-9a-f]{64}\n$/);
    nextRun();
    rmSync(local(), { recursive: true });
    writeFileSync(join(folder.root, "volume/accept-repository"), "");
    expect(store().status).toBe(0);
    expect([folder.step("repository") === first, folder.step("accepted"), onVolume("accept-repository")]).toEqual([false, "", undefined]);
    nextRun();
    expect(store().status).toBe(0);
    expect(folder.step("accepted")).toBeUndefined();
  });

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
  });

  test("a second copy that fails costs the run nothing, and is written down", () => {
    expect(store({ ...s3(), BACKUP_S3_SECRET_KEY: "" }).status).toBe(0);
    expect([folder.step("copied"), folder.step("copy-failed")]).toEqual([undefined, expect.stringContaining("BACKUP_S3_KEY_ID and BACKUP_S3_SECRET_KEY are not in Vault (ops/backup-access)")]);
    expect(existsSync(join(folder.data, "steps/stored"))).toBe(true);
    writeFileSync(copyAt(), "a file in its place");
    expect(store(s3()).status).toBe(0);
    expect(folder.step("copy-failed")).toContain("no second copy in S3: ");
  });
});
