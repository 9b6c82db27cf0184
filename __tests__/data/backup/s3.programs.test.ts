/** The second copy with a real restic and a real S3 server, MinIO, which the backup's key and address reach as any other. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { RESTIC_SCRIPT } from "../../../constructs/jobs/backup-scripts";
import { describeUnless } from "../../terraform/terraform";
import { RunFolder } from "./run-folder";

const IMAGE = "minio/minio:RELEASE.2025-09-07T16-13-09Z";
const CONTAINER = `gvfx-test-s3-${process.pid}`;
const BUCKET = "gvfx-backups";
const KEY_ID = "backup-key-id";
const SECRET = randomBytes(16).toString("hex");

const docker = (...args: string[]) => spawnSync("docker", args, { encoding: "utf8" });
const succeeds = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: "ignore", timeout: 60_000 }).status === 0;

function missing(): string | undefined {
  if (!succeeds("restic", "version")) return "restic not found";
  if (!succeeds("docker", "version")) return "no Docker engine answers";
  return succeeds("docker", "image", "inspect", IMAGE) ? undefined : `no image ${IMAGE} here`;
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

describeUnless(missing(), "the second copy in S3", () => {
  let folder: RunFolder;
  let repository: string;

  beforeAll(async () => {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    const { status, stderr } = docker("run", "--detach", "--rm", "--name", CONTAINER, "--publish", `127.0.0.1:${port}:9000`, "--env", `MINIO_ROOT_USER=${KEY_ID}`, "--env", `MINIO_ROOT_PASSWORD=${SECRET}`, IMAGE, "server", "/data");
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    const client = new AwsClient({ accessKeyId: KEY_ID, secretAccessKey: SECRET, service: "s3", region: "us-east-1" });
    const made = () => client.fetch(`${address}/${BUCKET}`, { method: "PUT" }).then(({ ok }) => ok, () => false);
    for (const end = Date.now() + 30_000; !(await made()); await sleep(200)) if (Date.now() > end) throw new Error(`MinIO took no bucket within 30 s: ${docker("logs", CONTAINER).stderr}`);
    repository = `s3:${address}/${BUCKET}/production`;

    folder = new RunFolder();
    mkdirSync(join(folder.root, "volume"));
    writeFileSync(join(folder.root, "key"), "the key\n");
  });
  afterAll(() => {
    docker("rm", "--force", CONTAINER);
    folder?.remove();
  });

  /** A run of the job's task, with what it copies. */
  function store(content: string, env: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of [["postgres/PG_VERSION", "17\n"], ["postgres/backup_manifest", "{}\n"], ["objects/convex-files/a/b", content], ["objects.jsonl", "{}\n"], ["cluster/nomad.snap", "snap"], ["manifest.json", "{}\n"]]) folder.write(path, text);
    const settings = { BACKUP_MOUNT: join(folder.root, "volume"), RESTIC_REPOSITORY: join(folder.root, "volume/restic"), RESTIC_PASSWORD_FILE: join(folder.root, "key"), SNAPSHOT_HOST: "gvfx", SNAPSHOT_TAG: "gvfx", KEEP_LAST: "2", KEEP_DAILY: "1", KEEP_WEEKLY: "1", CHECK_SECONDS: "86400", RUN_SECONDS: "540", RESERVE_MIB: "1" };
    return folder.script("sh", RESTIC_SCRIPT, { ...settings, S3_REPOSITORY: repository, S3_REGION: "us-east-1", BACKUP_S3_KEY_ID: KEY_ID, BACKUP_S3_SECRET_KEY: SECRET, ...env });
  }
  const fromS3 = (...args: string[]) => spawnSync("restic", ["--no-cache", "-r", repository, "--password-file", join(folder.root, "key"), ...args], { encoding: "utf8", env: { ...process.env, AWS_ACCESS_KEY_ID: KEY_ID, AWS_SECRET_ACCESS_KEY: SECRET, AWS_DEFAULT_REGION: "us-east-1" } });

  test("is made, follows, and gives back what was stored when the node with the first one is gone", () => {
    for (const content of ["one", "two"]) {
      const { status, stdout, stderr } = store(content);
      expect({ status, failed: folder.step("copy-failed"), copied: folder.step("copied"), stderr }).toEqual({ status: 0, failed: undefined, copied: "", stderr: expect.any(String) });
      expect(stdout + stderr).not.toContain(SECRET);
      spawnSync("rm", ["-rf", join(folder.data, "steps")]);
    }
    expect(JSON.parse(fromS3("snapshots", "--json").stdout)).toHaveLength(2);
    expect(fromS3("dump", "latest", join(folder.data, "objects/convex-files/a/b")).stdout).toBe("two");
    expect(fromS3("check", "--read-data").status).toBe(0);
  }, 120_000);

  test("planted: with a key that S3 refuses the run counts, and says that there is no second copy", () => {
    const { status } = store("three", { BACKUP_S3_SECRET_KEY: "not-the-secret" });
    expect([status, folder.step("copied"), folder.step("copy-failed")]).toEqual([0, undefined, expect.stringContaining("no second copy in S3")]);
    expect(JSON.parse(fromS3("snapshots", "--json").stdout)).toHaveLength(2);
  }, 120_000);
});
