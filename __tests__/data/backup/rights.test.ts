/** What the backup may do, and what others may not do to what it needs. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backupJobRules, guardianJobRules } from "../../../constructs/access/nomad-rules";
import { BACKUP_POLICY, BUCKETS, CONVEX_POLICY, lifecycle } from "../../../constructs/jobs/objectstore";
import { backupJob } from "../../../constructs/jobs/backup";
import { jobRules } from "../../../constructs/secrets/vault-rules";
import { BACKUP_STATUS_VARIABLE } from "../../../contracts/backup";
import { UNPINNED_IMAGES } from "../../../contracts/images";
import { secretPathsFor } from "../../../contracts/secrets";
import { CONVEX_BUCKETS, JOB_KEYS, JOBS } from "../../../contracts/services";
import { Duration } from "../../../contracts/units";
import { named, production, synthesize } from "../../access/identities";
import { readPolicy } from "../../access/policy-reader";

interface Statement { readonly Effect: string; readonly Action: readonly string[]; readonly Resource: readonly string[] }

/** As MinIO decides: a denial wins, and deleting a version is allowed to whoever may delete the object, unless it is denied. */
function may(policy: { readonly Statement: readonly Statement[] }, action: string, resource: string): boolean {
  const matches = ({ Action, Resource }: Statement, wanted: string) => Action.some((a) => a === wanted || a === "s3:*") && Resource.some((r) => r === resource || (r.endsWith("/*") && resource.startsWith(r.slice(0, -1))));
  const denied = (wanted: string) => policy.Statement.some((s) => s.Effect === "Deny" && matches(s, wanted));
  const allowed = (wanted: string) => !denied(wanted) && policy.Statement.some((s) => s.Effect === "Allow" && matches(s, wanted));
  return action === "s3:DeleteObjectVersion" ? !denied(action) && allowed("s3:DeleteObject") : allowed(action);
}

describe("in MinIO", () => {
  const bucket = "arn:aws:s3:::convex-files";
  const object = `${bucket}/key`;

  test("Convex writes, reads and deletes objects, and no version of one", () => {
    for (const action of ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]) expect([action, may(CONVEX_POLICY, action, object)]).toEqual([action, true]);
    expect(may(CONVEX_POLICY, "s3:DeleteObjectVersion", object)).toBe(false);
    for (const action of ["s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:DeleteBucket", "s3:PutBucketPolicy"]) expect([action, may(CONVEX_POLICY, action, bucket)]).toEqual([action, false]);
    expect(may(CONVEX_POLICY, "s3:GetObject", "arn:aws:s3:::another/key")).toBe(false);
  });

  test("planted: without the denial, or with every action of S3, versions could be deleted", () => {
    expect(may({ Statement: CONVEX_POLICY.Statement.filter(({ Effect }) => Effect === "Allow") }, "s3:DeleteObjectVersion", object)).toBe(true);
    expect(may({ Statement: [{ Effect: "Allow", Action: ["s3:*"], Resource: [object] }] }, "s3:DeleteObjectVersion", object)).toBe(true);
  });

  test("the backup reads every version in the five buckets, and writes nothing", () => {
    for (const name of Object.values(CONVEX_BUCKETS)) {
      expect(may(BACKUP_POLICY, "s3:ListBucketVersions", `arn:aws:s3:::${name}`)).toBe(true);
      expect(may(BACKUP_POLICY, "s3:GetObjectVersion", `arn:aws:s3:::${name}/key`)).toBe(true);
    }
    for (const action of ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]) expect([action, may(BACKUP_POLICY, action, object)]).toEqual([action, false]);
  });

  test("what was deleted goes after the retention time, in days; what is current never does", () => {
    expect(lifecycle(Duration.days(30)).Rules).toEqual([{ ID: "gvfx-retention", Status: "Enabled", Filter: { Prefix: "" }, NoncurrentVersionExpiration: { NoncurrentDays: 30 }, Expiration: { ExpiredObjectDeleteMarker: true } }]);
  });

  test("every bucket is versioned and has the rule before anybody gets a key, and no key is in an argument", () => {
    const root = mkdtempSync(join(tmpdir(), "gvfx-buckets-"));
    try {
      mkdirSync(join(root, "bin"));
      writeFileSync(join(root, "bin/mc"), `#!/bin/sh\necho "$*" >>"${root}/log"\ncase "$*" in *"policy attach"*) echo already attached >&2; exit 1 ;; *"policy entities"*) echo "\${ATTACHED:-convex backup}" ;; *rule*import*) cat >/dev/null ;; esac\n`);
      chmodSync(join(root, "bin/mc"), 0o755);
      const env = { PATH: `${root}/bin:${process.env.PATH}`, MINIO_URL: "http://store", MINIO_ROOT_USER: "root", MINIO_ROOT_PASSWORD: "root-secret", AWS_ACCESS_KEY_ID: "CONVEX", AWS_SECRET_ACCESS_KEY: "convex-secret", BACKUP_STORE_KEY_ID: "BACKUP", BACKUP_STORE_SECRET: "backup-secret" };
      const script = BUCKETS.replace("/local/lifecycle.json", join(root, "lifecycle.json"));
      writeFileSync(join(root, "lifecycle.json"), "{}");
      expect(spawnSync("sh", ["-c", script], { env, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
      const calls = readFileSync(join(root, "log"), "utf8").trim().split("\n");
      for (const name of Object.values(CONVEX_BUCKETS)) for (const call of [`mb --ignore-existing gvfx/${name}`, `version enable gvfx/${name}`, `ilm rule import gvfx/${name}`]) expect(calls.indexOf(`--quiet ${call}`)).toBeGreaterThan(-1);
      expect(calls.findIndex((call) => call.includes("user add"))).toBeGreaterThan(calls.findLastIndex((call) => call.includes("version enable")));
      expect(calls.join()).not.toContain("secret");
      expect(spawnSync("sh", ["-c", script], { env: { ...env, ATTACHED: "convex" }, encoding: "utf8" })).toMatchObject({ status: 1, stderr: "buckets: the policy backup cannot be attached: already attached\n" });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe("in Nomad and Vault", () => {
  test("the job writes its status and takes Nomad's snapshot, the guardian reads the status; bound to the job", () => {
    expect(backupJobRules("gvfx")).toEqual({ namespace: { gvfx: { variables: { path: { [BACKUP_STATUS_VARIABLE]: { capabilities: ["read", "write"] } } } } }, operator: { capabilities: ["snapshot-save"] } });
    expect(guardianJobRules("gvfx").namespace.gvfx.variables?.path[BACKUP_STATUS_VARIABLE]).toEqual({ capabilities: ["read"] });
    const policy = named(synthesize(production).resource, "nomad_acl_policy", "gvfx-status-backup");
    expect(policy.job_acl).toEqual({ namespace: "gvfx", job_id: JOBS.backup });
    expect(readPolicy(policy.rules_hcl as string).map(({ type }) => type).sort()).toEqual(["namespace", "operator"]);
  });

  test("Vault's snapshot is the backup's alone, and only where the environment permits it", () => {
    const paths = (job: (typeof JOBS)[keyof typeof JOBS], raftSnapshots: boolean) => Object.keys(jobRules("gvfx", job, { raftSnapshots }).path);
    for (const key of JOB_KEYS) {
      expect(paths(JOBS[key], false)).not.toContain("sys/storage/raft/snapshot");
      expect([key, paths(JOBS[key], true).includes("sys/storage/raft/snapshot")]).toEqual([key, key === "backup"]);
    }
    expect(jobRules("gvfx", JOBS.backup, { raftSnapshots: true }).path["sys/storage/raft/snapshot"]).toEqual({ capabilities: ["read"] });
  });

  test("no job but Postgres itself reads the superuser's password, and Convex's key is not the backup's", () => {
    expect(secretPathsFor(JOBS.backup)).toEqual(["data/objectstore-backup", "data/postgres-backup", "ops/alert", "ops/backup", "ops/backup-access"]);
  });
});

test("every step reads what the ones before it left for root alone: the backend's image, which has a user of its own, runs as root there", () => {
  const { tasks } = backupJob(production, UNPINNED_IMAGES).group;
  expect(tasks.filter(({ image }) => image.startsWith(production.images.backend)).map(({ name, user }) => [name, user])).toEqual([["collect", "root"], ["report", "root"]]);
});
