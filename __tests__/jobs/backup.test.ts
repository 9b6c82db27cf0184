/** The backup job, and its scripts under a real shell with doubles of pg_dump, mc and restic. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jobViolations } from "../../constructs/guardrails/rules";
import { backupJob } from "../../constructs/jobs/backup";
import { DUMP_SCRIPT, OBJECTS_SCRIPT, RESTIC_SCRIPT } from "../../constructs/jobs/backup-scripts";
import { deployTimeout } from "../../constructs/nomad/job";
import { renderJob } from "../../constructs/nomad/render";
import { cronEvery } from "../../contracts/schedule";
import { CONVEX_BUCKETS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { environment, pinned } from "./worked-example";

const job = renderJob(backupJob(environment, pinned));
const [group] = job.TaskGroups;
const task = (name: string) => group.Tasks.find(({ Name }) => Name === name)!;

describe("the job", () => {
  test("is a batch job that runs every quarter of an hour, never twice at once", () => {
    expect(job).toMatchObject({ Type: "batch", Periodic: { Enabled: true, Specs: ["*/15 * * * *"], SpecType: "cron", ProhibitOverlap: true, TimeZone: "UTC" } });
    expect(group).toMatchObject({ Count: 1, Services: [], RestartPolicy: { Mode: "fail" }, ReschedulePolicy: { Unlimited: false, Attempts: 0 } });
    for (const field of ["Update", "Migrate", "Disconnect", "Scaling", "Spreads"]) expect(group).not.toHaveProperty(field);
    expect(jobViolations(job)).toEqual([]);
  });

  test.each(["server-1", "server-2"])("with the data on %s it runs on the other app node, with the volume that only that one has", (node) => {
    const [{ Constraints, Volumes }] = renderJob(backupJob(parseEnvironment("moved", { ...production, dataPlane: { ...production.dataPlane, node } }), pinned)).TaskGroups;
    expect(Constraints).toContainEqual({ LTarget: "${node.unique.name}", Operand: "!=", RTarget: node });
    expect(Volumes).toEqual({ backups: { Name: "backups", Type: "host", Source: "gvfx-backup", ReadOnly: false } });
    expect(group.Tasks.filter(({ VolumeMounts }) => VolumeMounts).map(({ Name }) => Name)).toEqual(["restic"]);
  });

  test("dump and objects come before restic, and what they copied goes after it", () => {
    expect(Object.fromEntries(group.Tasks.map(({ Name, Lifecycle }) => [Name, Lifecycle?.Hook ?? "main"]))).toEqual({ dump: "prestart", objects: "prestart", restic: "main", clean: "poststop" });
    expect(task("clean").Config.entrypoint).toEqual(["/bin/rm", "-rf", "/alloc/data/postgres", "/alloc/data/objects"]);
  });

  test("covers both databases and all five buckets", () => {
    expect(task("dump").Env).toMatchObject({ DATABASES: "tv_goldviewfx gvfx", POSTGRES_SERVER: "postgres://postgres@gvfx-postgres.service.consul:5432" });
    expect(task("objects").Env?.BUCKETS.split(" ").sort()).toEqual(Object.values(CONVEX_BUCKETS).sort());
  });

  test("each task reads its own secrets alone, and the key is a file that only root reads", () => {
    const reads = (name: string) => [...(task(name).Templates ?? []).map((t) => t.EmbeddedTmpl).join().matchAll(/with secret "([^"]+)"/g)].map(([, path]) => path);
    expect(Object.fromEntries(group.Tasks.map(({ Name }) => [Name, reads(Name)]))).toEqual({ dump: ["gvfx/data/data/postgres"], objects: ["gvfx/data/data/objectstore-convex"], restic: ["gvfx/data/ops/backup"], clean: [] });
    expect(task("clean").Vault).toBeUndefined();
    const key = task("restic").Templates!.find(({ DestPath }) => DestPath === "secrets/backup-key")!;
    expect(key).toMatchObject({ Envvars: false, Perms: "0600" });
    expect(task("restic").Env).toMatchObject({ RESTIC_PASSWORD_FILE: "/secrets/backup-key" });
  });

  test("an apply waits for no deployment, since there is none", () => {
    expect(deployTimeout(backupJob(environment, pinned)).toString()).toBe("5m");
  });
});

test.each<[string, string | RegExp]>([
  ["5m", "*/5 * * * *"],
  ["30m", "*/30 * * * *"],
  ["1h", "0 */1 * * *"],
  ["6h", "0 */6 * * *"],
  ["24h", "0 0 * * *"],
  ["7m", /divides neither/],
  ["90m", /divides neither/],
  ["36h", /divides neither/],
  ["90s", /divides neither/],
  ["0s", /divides neither/],
])("every %s is %s", (interval, expected) => {
  const cron = () => cronEvery(Duration.parse(interval));
  if (typeof expected === "string") expect(cron()).toBe(expected);
  else expect(cron).toThrow(expected);
});

describe("the scripts", () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-backup-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A run's folders, and doubles that write down how they were called. */
  function run(name: string) {
    const root = join(folder, name);
    for (const sub of ["bin", "alloc/data", "repository"]) mkdirSync(join(root, sub), { recursive: true });
    const log = join(root, "log");
    const double = (program: string, body: string) => {
      writeFileSync(join(root, "bin", program), `#!/bin/sh\necho "${program} $*" >>"${log}"\n${body}\n`);
      chmodSync(join(root, "bin", program), 0o755);
    };
    double("pg_dump", `for word in "$@"; do case $word in --file=*) echo rows >"\${word#--file=}" ;; esac; done; echo "password $PGPASSWORD" >>"${log}"; exit "\${PG_DUMP_STATUS:-0}"`);
    double("pg_restore", "exit 0");
    double("mc", `[ "$2" = alias ] && cat >>"${log}"; exit 0`);
    double("restic", `[ "$2" = init ] && : >"$RESTIC_REPOSITORY/config"; [ "$2" = "\${FAILING:-}" ] && exit 1; exit 0`);
    const env = {
      PATH: `${join(root, "bin")}:${process.env.PATH}`, NOMAD_ALLOC_DIR: join(root, "alloc"), STEP_SECONDS: "5",
      POSTGRES_SERVER: "postgres://postgres@db:5432", DATABASES: "one two", POSTGRES_PASSWORD: "pg-secret",
      OBJECTSTORE_URL: "http://store:9000", BUCKETS: "a b", AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "s3-secret",
      RESTIC_REPOSITORY: join(root, "repository"), SNAPSHOT_HOST: "gvfx", KEEP_LAST: "96", KEEP_DAILY: "14", KEEP_WEEKLY: "8",
    };
    return {
      root, env,
      sh: (text: string, more: Readonly<Record<string, string>> = {}) => spawnSync("sh", ["-c", text], { env: { ...env, ...more }, encoding: "utf8" }),
      calls: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
      has: (path: string) => existsSync(join(root, path)),
    };
  }

  test.each([["dump", DUMP_SCRIPT], ["objects", OBJECTS_SCRIPT], ["restic", RESTIC_SCRIPT]])("%s is sound shell", (_name, text) => {
    expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  test("dump: each database to a file that only root reads, and the password in no argument", () => {
    const { sh, calls, has, root } = run("dump");
    expect(sh(DUMP_SCRIPT)).toMatchObject({ status: 0, stderr: "" });
    expect([has("alloc/data/postgres/one.dump"), has("alloc/data/postgres/two.dump"), has("alloc/data/dumped")]).toEqual([true, true, true]);
    expect(statSync(join(root, "alloc/data/postgres/one.dump")).mode & 0o077).toBe(0);
    expect(calls()).toContain("password pg-secret");
    expect(calls().filter((call) => call.startsWith("pg_") && call.includes("pg-secret"))).toEqual([]);
  });

  test("dump: one that fails says nothing to the objects", () => {
    const { sh, has } = run("dump-fails");
    expect(sh(DUMP_SCRIPT, { PG_DUMP_STATUS: "1" }).status).not.toBe(0);
    expect(has("alloc/data/dumped")).toBe(false);
  });

  test("objects: copies nothing before the dump is done, then every bucket, and the key is in no argument", async () => {
    const { env, calls, root } = run("objects");
    const child = spawn("sh", ["-c", OBJECTS_SCRIPT], { env });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(calls()).toEqual([]);
    writeFileSync(join(root, "alloc/data/dumped"), "");
    expect(await ended).toBe(0);
    expect(calls().filter((call) => call.includes(" mirror "))).toEqual(["a", "b"].map((bucket) => `mc --quiet mirror --overwrite gvfx/${bucket} ${root}/alloc/data/objects/${bucket}`));
    expect(calls().filter((call) => call.startsWith("mc ") && call.includes("s3-secret"))).toEqual([]);
  }, 15_000);

  test("objects: without a dump it gives up, and says where to look", () => {
    const { sh, calls } = run("objects-alone");
    const { status, stderr } = sh(OBJECTS_SCRIPT, { STEP_SECONDS: "1" });
    expect([status, calls()]).toEqual([1, []]);
    expect(stderr).toMatch(/no dump of Postgres after 1 s.*the log of the task dump says why/);
  });

  test("restic: makes a repository only where there is none; backs up before it forgets", () => {
    const { sh, calls } = run("restic");
    expect(sh(RESTIC_SCRIPT).status).toBe(0);
    expect(sh(RESTIC_SCRIPT).status).toBe(0);
    const verbs = calls().map((call) => call.split(" ")[2]);
    expect(verbs).toEqual(["init", "unlock", "backup", "forget", "unlock", "backup", "forget"]);
    expect(calls().find((call) => call.includes(" forget "))).toContain("--prune --host gvfx --tag gvfx --group-by host,tags --keep-last 96 --keep-daily 14 --keep-weekly 8");
  });

  test("restic: a backup that fails forgets nothing, and the run fails", () => {
    const { sh, calls } = run("restic-fails");
    expect(sh(RESTIC_SCRIPT, { FAILING: "backup" }).status).toBe(1);
    expect(calls().some((call) => call.includes(" forget "))).toBe(false);
  });
});
