/** The physical backup with a real Postgres: roles, access, copy, verification, and a server on the copy. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_SCRIPT } from "../../../constructs/jobs/backup-scripts";
import { BACKUP_ROLE } from "../../../constructs/jobs/postgres";
import { describeUnless } from "../../terraform/terraform";
import { POSTGRES_PATH, postgresMissing, PostgresServer } from "./postgres-server";
import { RunFolder } from "./run-folder";

describeUnless(postgresMissing(), "the copy of Postgres", () => {
  let server: PostgresServer;
  let folder: RunFolder;

  beforeAll(async () => {
    server = await PostgresServer.create();
    server.roles({ CONVEX_DB_PASSWORD: "convex secret's", APP_DB_PASSWORD: "app-secret", BACKUP_DB_PASSWORD: "backup-secret" });
    server.sql("CREATE TABLE documents (id int, body bytea); INSERT INTO documents SELECT n, decode(md5(n::text), 'hex') FROM generate_series(1, 5000) n", "tv_goldviewfx");
  });
  afterAll(() => server?.destroy());
  beforeEach(() => {
    folder = new RunFolder();
  });
  afterEach(() => folder.remove());

  const dump = (env: Readonly<Record<string, string>> = {}) =>
    folder.script("bash", DATABASE_SCRIPT, { PATH: POSTGRES_PATH, POSTGRES_SERVER: `host=127.0.0.1 port=${server.port} user=${BACKUP_ROLE}`, BACKUP_DB_PASSWORD: "backup-secret", RESERVE_MIB: "1", ...env });
  const connect = (user: string, password: string, database: string) => spawnSync("psql", ["-h", "127.0.0.1", "-p", String(server.port), "-U", user, "-d", database, "-c", "select 1"], { env: { PATH: POSTGRES_PATH, PGPASSWORD: password }, encoding: "utf8" });

  test("a server on the copy has every row of the moment, and the facts say which moment", async () => {
    const result = dump();
    expect(result).toMatchObject({ status: 0, stdout: expect.stringMatching(/database: \d+ KiB of Postgres \d+\.\d+, verified/) });
    expect(result.stdout + result.stderr).not.toContain("backup-secret");
    const facts = Object.fromEntries(folder.step("dumped")!.trim().split("\n").map((line) => line.split("=") as [string, string]));
    expect(facts).toEqual({
      version: server.sql("show server_version").split(" ")[0],
      systemIdentifier: server.sql("select system_identifier from pg_control_system()"),
      timeline: "1",
      checkpointLsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      endLsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      startedAt: expect.stringMatching(/Z$/),
      finishedAt: expect.stringMatching(/Z$/),
      files: expect.stringMatching(/^\d{3,}$/),
      bytes: expect.stringMatching(/^\d{7,}$/),
      manifestSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(folder.step("failed")).toBeUndefined();

    const copy = join(server.root, "copy");
    cpSync(join(folder.data, "postgres"), copy, { recursive: true });
    const restored = await server.on(copy);
    try {
      const digest = "select count(*), md5(string_agg(body::text, '' order by id)) from documents";
      expect(restored.sql(digest, "tv_goldviewfx")).toBe(server.sql(digest, "tv_goldviewfx"));
      expect(restored.sql("select string_agg(rolname, ' ' order by rolname) from pg_roles where rolname !~ '^pg_'")).toBe("convex gvfx gvfx_backup postgres");
    } finally {
      await restored.stop();
    }
  });

  test("the role copies, and reads no database; the others copy nothing", () => {
    expect(connect(BACKUP_ROLE, "backup-secret", "tv_goldviewfx")).toMatchObject({ status: 2, stderr: expect.stringContaining("pg_hba.conf rejects connection") });
    expect(connect("convex", "convex secret's", "tv_goldviewfx").status).toBe(0);
    const stolen = dump({ POSTGRES_SERVER: `host=127.0.0.1 port=${server.port} user=convex`, BACKUP_DB_PASSWORD: "convex secret's" });
    expect(stolen).toMatchObject({ status: 1, stderr: expect.stringContaining("no pg_hba.conf entry for replication connection") });
    expect(server.sql(`select rolsuper, rolcreatedb, rolcreaterole, rolreplication from pg_roles where rolname = '${BACKUP_ROLE}'`)).toBe("f|f|f|t");
  });

  test("roles may be set again, and a changed password holds", () => {
    server.roles({ CONVEX_DB_PASSWORD: "convex secret's", APP_DB_PASSWORD: "app-secret", BACKUP_DB_PASSWORD: "changed" });
    expect(dump()).toMatchObject({ status: 1, stderr: expect.stringMatching(/does not answer the backup's role.*password authentication failed/) });
    expect(folder.step("failed")).toMatch(/^database: Postgres does not answer/);
    expect(dump({ BACKUP_DB_PASSWORD: "changed" }).status).toBe(0);
    expect(folder.step("failed")).toBeUndefined();
    server.roles({ CONVEX_DB_PASSWORD: "convex secret's", APP_DB_PASSWORD: "app-secret", BACKUP_DB_PASSWORD: "backup-secret" });
  });

  /** A program of the image that is not what it should be; the others are real. */
  function instead(program: string, text: string): Readonly<Record<string, string>> {
    const bin = join(folder.root, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, program), `#!/bin/bash\n${text}\n`);
    chmodSync(join(bin, program), 0o755);
    return { PATH: `${bin}:${POSTGRES_PATH}` };
  }

  test("an older pg_basebackup is refused before it starts, with the way out", () => {
    const { status, stderr } = dump(instead("pg_basebackup", 'echo "pg_basebackup (PostgreSQL) 12.4 (Debian 12.4-1)"'));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/pg_basebackup is of version 12\.4 and the server of \d+\.\d+: an older one cannot copy it; give .* the same image \(images\.lock\.json, postgres\)/)]);
    expect(folder.step("dumped")).toBeUndefined();
  });

  test("planted: a file that was damaged on its way fails the run, and no objects are copied for it", () => {
    const { status, stderr } = dump(instead("pg_verifybackup", `folder=\${@: -1}; printf x | dd of="$folder/PG_VERSION" conv=notrunc status=none; PATH=${POSTGRES_PATH} exec pg_verifybackup "$@"`));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/the copy of Postgres is not what the server sent: .*PG_VERSION/)]);
    expect([folder.step("dumped"), folder.step("failed")]).toEqual([undefined, expect.stringContaining("PG_VERSION")]);
  });

  test("planted: a copy without its write-ahead log fails the run", () => {
    const { status, stderr } = dump(instead("pg_verifybackup", `folder=\${@: -1}; rm -f "$folder"/pg_wal/0*; PATH=${POSTGRES_PATH} exec pg_verifybackup "$@"`));
    expect([status, stderr]).toEqual([1, expect.stringContaining("the copy of Postgres is not what the server sent")]);
  });

  test("planted: a disk that fills up while Postgres is copied ends the copy and takes it away; a full one begins none", () => {
    const counter = join(folder.root, "asked");
    const full = (after: number) => instead("df", `echo >>${counter}; echo head; [ $(wc -l <${counter}) -gt ${after} ] && echo /dev/sda 1 1 5 1% / || echo /dev/sda 1 1 99999999 1% /`);
    const slow = instead("pg_basebackup", `[ "$1" = --version ] || sleep 5; PATH=${POSTGRES_PATH} exec pg_basebackup "$@"`);
    expect(dump({ ...slow, ...full(2) })).toMatchObject({ status: 1, stderr: expect.stringMatching(/pg_basebackup: only 0 MiB are free .*make room on this node/) });
    expect([existsSync(join(folder.data, "postgres")), folder.step("dumped")]).toEqual([false, undefined]);
    expect(dump(full(0)).stderr).toContain("there is no room for a copy of Postgres: only 0 MiB are free");
  });

  test("a server that is not there, and a step that hangs, are said in words", () => {
    expect(dump({ POSTGRES_SERVER: `host=127.0.0.1 port=1 user=${BACKUP_ROLE}` }).stderr).toMatch(/does not answer the backup's role.*: /);
    expect(dump({ ...instead("pg_basebackup", 'if [ "$1" = --version ]; then echo "pg_basebackup (PostgreSQL) 99.0"; else exec sleep 30; fi'), STEP_SECONDS: "1" }).stderr).toContain("pg_basebackup: not done after 1 s, and ended");
  });
});
