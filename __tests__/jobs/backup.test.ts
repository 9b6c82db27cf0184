/** The backup job. __tests__/data/backup runs what it delivers. */
import { spawnSync } from "node:child_process";
import { jobViolations } from "../../constructs/guardrails/rules";
import { backupJob } from "../../constructs/jobs/backup";
import { DATABASE_SCRIPT, RESTIC_SCRIPT } from "../../constructs/jobs/backup-scripts";
import { deployTimeout } from "../../constructs/nomad/job";
import { renderJob } from "../../constructs/nomad/render";
import { BACKUP_PATHS, RUN_FOLDER } from "../../contracts/backup";
import { cronEvery } from "../../contracts/schedule";
import { CONVEX_BUCKETS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { environment, pinned } from "./worked-example";

const job = renderJob(backupJob(environment, pinned));
const [group] = job.TaskGroups;
const task = (name: string) => group.Tasks.find(({ Name }) => Name === name)!;
interface Settings { readonly buckets: readonly string[]; readonly clusterSnapshots: unknown }
const settings = ({ Templates } = task("collect")) => JSON.parse(Templates!.find(({ DestPath }) => DestPath === "local/settings.json")!.EmbeddedTmpl) as Settings;

describe("the job", () => {
  test("is a batch job that runs every ten minutes, never twice at once", () => {
    expect(job).toMatchObject({ Type: "batch", Periodic: { Enabled: true, Specs: ["*/10 * * * *"], SpecType: "cron", ProhibitOverlap: true, TimeZone: "UTC" } });
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

  test("database and objects come before restic, and what they copied goes after it, however it went", () => {
    expect(Object.fromEntries(group.Tasks.map(({ Name, Lifecycle }) => [Name, Lifecycle?.Hook ?? "main"]))).toEqual({ database: "prestart", collect: "prestart", restic: "main", report: "poststop", clean: "poststop" });
    const copies = [BACKUP_PATHS.postgres, BACKUP_PATHS.objects, BACKUP_PATHS.inventory, BACKUP_PATHS.cluster];
    expect(task("clean").Config.entrypoint).toEqual(["/bin/rm", "-rf", ...copies]);
    for (const path of [...copies, BACKUP_PATHS.manifest]) expect(RESTIC_SCRIPT).toContain(`"${path.replace(RUN_FOLDER, "$data")}"`);
  });

  test("what follows the storing is over before the next run is due, and every step leaves the node its reserve", () => {
    expect(task("restic").Env).toMatchObject({ RUN_SECONDS: "540", RESERVE_MIB: "2048" });
    expect(task("database").Env).toMatchObject({ RESERVE_MIB: "2048" });
    expect(settings()).toMatchObject({ reserveBytes: 2 * 2 ** 30, dataNode: "server-1" });
  });

  test("covers the whole cluster of databases and all five buckets", () => {
    expect(task("database").Env).toMatchObject({ POSTGRES_SERVER: "host=gvfx-postgres.service.consul port=5432 user=gvfx_backup" });
    expect([...settings().buckets].sort()).toEqual(Object.values(CONVEX_BUCKETS).sort());
  });

  test("each task reads its own secrets alone, and the key is a file that only root reads", () => {
    const reads = (name: string) => [...(task(name).Templates ?? []).map((t) => t.EmbeddedTmpl).join().matchAll(/with secret "([^"]+)"/g)].map(([, path]) => path);
    expect(Object.fromEntries(group.Tasks.map(({ Name }) => [Name, reads(Name)]))).toEqual({ database: ["gvfx/data/data/postgres-backup"], collect: ["gvfx/data/data/objectstore-backup"], restic: ["gvfx/data/ops/backup", "gvfx/data/ops/backup", "gvfx/data/ops/backup-access"], report: ["gvfx/data/ops/alert"], clean: [] });
    expect(task("clean").Vault).toBeUndefined();
    for (const file of ["secrets/backup-key", "secrets/backup-key-before"]) {
      const key = task("restic").Templates!.find(({ DestPath }) => DestPath === file)!;
      expect(key).toMatchObject({ Envvars: false, Perms: "0600" });
    }
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

test.each([["database", "bash", DATABASE_SCRIPT], ["restic", "sh", RESTIC_SCRIPT]])("%s is sound shell", (_name, shell, text) => {
  expect(spawnSync(shell, ["-n"], { input: text, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
});

describe("what the environment decides", () => {
  const other = (backup: object) => renderJob(backupJob(parseEnvironment("other", { ...production, dataPlane: { ...production.dataPlane, backup: { ...production.dataPlane.backup, ...backup } } }), pinned)).TaskGroups[0].Tasks;
  const authority = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

  test("without S3, nothing is copied", () => {
    const restic = other({ s3: undefined }).find(({ Name }) => Name === "restic")!;
    expect(Object.keys(restic.Env!).filter((name) => name.startsWith("S3_"))).toEqual([]);
    expect(task("restic").Env).toMatchObject({ S3_REPOSITORY: "s3:https://s3.example.com/gvfx-backups/production", S3_REGION: "eu-central-1" });
  });

  test("a token of Vault is given to the one task that asks Vault for its snapshot, and only where that is permitted", () => {
    expect(group.Tasks.filter(({ Vault }) => Vault?.Env).map(({ Name }) => Name)).toEqual([]);
    const tasks = other({ clusterSnapshots: { consul: { permitted: true }, vault: { permitted: true, authority: { pem: authority } } } });
    expect(tasks.filter(({ Vault }) => Vault?.Env).map(({ Name }) => Name)).toEqual(["collect"]);
    const collect = tasks.find(({ Name }) => Name === "collect")!;
    expect(settings(collect).clusterSnapshots).toEqual({ consul: { permitted: true }, vault: { permitted: true, address: "https://100.64.0.21:8200", caFile: "/local/vault-ca.pem" } });
    expect(collect.Templates!.find(({ DestPath }) => DestPath === "local/vault-ca.pem")?.EmbeddedTmpl).toBe(authority);
    expect(JSON.stringify(collect.Templates)).toContain("CONSUL_SNAPSHOT_TOKEN");
    expect(JSON.stringify(task("collect").Templates)).not.toContain("CONSUL_SNAPSHOT_TOKEN={{");
  });

  test.each<[string, object, RegExp]>([
    ["an alert that one failed run would raise", { lateAfter: "20m" }, /lateAfter: 20m is shorter than twice the interval 10m and 10m for a run/],
    ["a retention that MinIO cannot count", { objectRetention: "36h" }, /objectRetention: 36h is not a whole number of days/],
    ["none at all", { objectRetention: "0s" }, /objectRetention: 0s is not a whole number/],
    ["checks more often than runs", { checkEvery: "5m" }, /checkEvery: 5m is shorter than the interval/],
    ["credentials in the address", { s3: { repository: "s3:https://key:secret@s3.example.com/bucket", region: "x" } }, /s3\.repository: must be .* without credentials/],
    ["a lab's file elsewhere", { clusterSnapshots: { consul: { permitted: true }, vault: { permitted: true, authority: { file: "x.pem" } } } }, /authority\.file: is for a lab/],
    ["a refusal without a reason", { clusterSnapshots: { consul: { permitted: false }, vault: { permitted: true } } }, /clusterSnapshots\.consul\.reason: is missing/],
  ])("planted: %s fails synth", (_what, backup, message) => {
    expect(() => other(backup)).toThrow(message);
  });
});
