/** A whole restore with a real Postgres and a real restic; the container engine, MinIO's client and ssh are doubles. */
import { Command } from "commander";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UNPINNED_IMAGES } from "../../../contracts/images";
import { port } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import type { Environment } from "../../../environments/schema";
import { silentProgress } from "../../../scripts/data/progress";
import type { RestoreAccess } from "../../../scripts/data/restore/access";
import { restoreCommands } from "../../../scripts/data/restore/command";
import type { RestoreReport } from "../../../scripts/data/restore/report";
import { HAS_RESTIC, makeBackup, POSTGRES_BIN, type Backup } from "./backup-fixture";

const missing = !POSTGRES_BIN ? " (skipped: no Postgres server here)" : !HAS_RESTIC ? " (skipped: no restic here)" : "";
const KEY = "the-key-of-the-backups";
const ROOT_PASSWORD = "the-password-of-minio";
const HOST_KEY = "ssh-ed25519 AAAA";

jest.setTimeout(300_000);

let folder: string;
let backup: Backup;
let env: Environment;
let access: RestoreAccess;
let running: string[];
/** A backup that runs meanwhile. */
let backupRuns: string[];
/** Jobs that are stopped. */
let stopped: Set<string>;
/** Another run on this machine may have its own. */
const secretFolders = (): string[] => readdirSync("/dev/shm").filter((name) => name.startsWith("gvfx-restore."));
let secretsBefore: string[];
/** Each command happens at a moment of its own. */
let commands = 0;
const root = (node: string): string => join(folder, node);

(missing ? describe.skip : describe)(`a restore${missing}`, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-restore-"));
    chmodSync(folder, 0o755);
    backup = makeBackup(folder);
    backup.seal();
    const programs = join(folder, "programs");
    mkdirSync(programs);
    for (const [name, double] of [["docker", "docker.mjs"], ["mc", "mc.sh"], ["ssh", "ssh.sh"]]) symlinkSync(join(__dirname, "doubles", double), join(programs, name));
    const production = loadEnvironment("production");
    env = { ...production, nodes: production.nodes.map((node) => ({ ...node, volumesRoot: root(node.name) })) };
    running = [];
    access = {
      images: UNPINNED_IMAGES,
      references: ["restic", "postgres", "minio", "mc"],
      machine: (name) => ({ name, user: "root", host: "127.0.0.1", port: port(22), hostKey: HOST_KEY }),
      repository: async (from) => ({ image: "restic", key: KEY, place: { kind: "local", volumesRoot: root(from.kind === "local" ? from.node : "none") } }),
      objectstore: async () => ({ rootUser: "root", rootPassword: ROOT_PASSWORD }),
      jobs: () => ({
        facts: async () => ["gvfx-postgres", "gvfx-objectstore", "gvfx-convex", "gvfx-api", "gvfx-worker"].map((id) => ({ id, state: stopped.has(id) ? ("stopped" as const) : ("running" as const), node: /api|worker/.test(id) ? undefined : "server-1" })),
        stop: async (id) => (stopped.add(id), void running.push(`stop ${id}`)),
        start: async (id) => (stopped.delete(id), void running.push(`start ${id}`)),
        stopBackups: async () => (running.push(...backupRuns.map((id) => `stop ${id}`)), backupRuns),
      }),
      sshVariables: { PATH: `${programs}:${process.env.PATH}`, DOCKER_DOUBLE: join(folder, "engine"), POSTGRES_BIN },
    };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeEach(() => {
    for (const each of ["server-1", "server-2", "engine", "reports"]) {
      rmSync(root(each), { recursive: true, force: true });
      mkdirSync(root(each), { recursive: true });
    }
    running.length = 0;
    backupRuns = [];
    stopped = new Set();
    secretsBefore = secretFolders();
  });
  afterEach(() => {
    process.exitCode = undefined;
    // What others on a node see of a command never holds a secret.
    const file = join(folder, "engine", "calls");
    const calls = existsSync(file) ? readFileSync(file, "utf8") : "";
    expect(calls).not.toMatch(new RegExp(`${KEY}|${ROOT_PASSWORD}`));
    expect(existsSync(join(folder, "engine", "containers")) ? readdirSync(join(folder, "engine", "containers")) : []).toEqual([]);
    expect(secretFolders()).toEqual(secretsBefore);
  });

  const store = (): string => backup.store(join(root("server-2"), "gvfx-backup", "restic"), KEY);

  async function gvfx(...args: string[]) {
    process.exitCode = undefined;
    commands++;
    const said: string[] = [];
    const complained: string[] = [];
    const program = new Command();
    for (const command of restoreCommands(() => env, { variables: {}, access: () => access, progress: silentProgress, reports: root("reports"), now: () => new Date(Date.now() + commands * 2_000), write: (text) => void said.push(text), complain: (text) => void complained.push(text) })) program.addCommand(command);
    await program.parseAsync(args, { from: "user" });
    return { code: process.exitCode, said: said.join("\n"), complained: complained.join("\n") };
  }
  const report = (text: string): RestoreReport => JSON.parse(text) as RestoreReport;

  test("backups are listed with what they hold", async () => {
    mkdirSync(join(root("server-2"), "gvfx-backup"), { recursive: true });
    const id = store();
    const { code, said } = await gvfx("backups");
    expect({ code, said }).toMatchObject({ code: 0, said: expect.stringMatching(new RegExp(`^snapshot.*\n${id.slice(0, 8)}.*2, 1 KiB +nomad$`, "s")) });
  });

  test("a rehearsal proves every count and hash where the backups are, and leaves nothing", async () => {
    mkdirSync(join(root("server-2"), "gvfx-backup"), { recursive: true });
    const id = store();
    const { code, said, complained } = await gvfx("restore", "--rehearse", "--json");
    expect({ code, complained }).toEqual({ code: 0, complained: "" });
    expect(report(said)).toMatchObject({ verdict: "proven", mode: "rehearse", snapshot: id, from: "server-2", target: "server-2", layout: "double", references: 2, problems: [] });
    expect(report(said).convex).toEqual([{ name: "_storage", rows: 2, hash: expect.stringMatching(/^[0-9a-f]{32}$/) }, { name: "bingx_trades", rows: 500, hash: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
    expect(readdirSync(root("server-2"))).toEqual(["gvfx-backup"]);
    expect(readdirSync(root("reports") + "/production/data/restore").map((file) => file.replace(/^\d{8}T\d{6}Z-/, ""))).toEqual(["rehearse.json", "rehearse.txt"]);
  });

  test("beside on the other node, then in place, back again, and what was kept discarded", async () => {
    mkdirSync(join(root("server-2"), "gvfx-backup"), { recursive: true });
    const id = store();
    for (const volume of ["gvfx-postgres", "gvfx-objectstore"]) {
      mkdirSync(join(root("server-1"), volume));
      writeFileSync(join(root("server-1"), volume, "old"), "old data");
    }
    const beside = await gvfx("restore");
    expect(beside).toMatchObject({ code: 0, said: expect.stringMatching(/PROVEN.*through this machine to server-1/s) });
    expect(readFileSync(join(root("server-1"), `gvfx-restore-${id.slice(0, 8)}`, "gvfx-restore"), "utf8")).toBe("proven\n");
    expect(await gvfx("restore")).toMatchObject({ code: 1, complained: expect.stringMatching(/holds this restore point already/) });
    expect(await gvfx("restore", "--in-place")).toMatchObject({ code: 1, complained: expect.stringMatching(/replaces the data of "production".*--confirm production/) });
    expect(running).toEqual([]);

    backupRuns = ["gvfx-backup/periodic-1"];
    expect(await gvfx("restore", "--in-place", "--confirm", "production")).toMatchObject({ code: 0, complained: "", said: expect.stringMatching(/Next: gvfx-api and gvfx-worker are stopped and stay so.*Next: .*data restore --start/s) });
    const upAndDown = ["stop gvfx-backup/periodic-1", "stop gvfx-worker", "stop gvfx-api", "stop gvfx-convex", "stop gvfx-objectstore", "stop gvfx-postgres", "start gvfx-postgres", "start gvfx-objectstore", "start gvfx-convex"];
    expect(running).toEqual(upAndDown);
    expect([...stopped]).toEqual(["gvfx-worker", "gvfx-api"]);
    backupRuns = [];
    running.length = 0;
    expect(await gvfx("restore", "--start")).toMatchObject({ code: 0, said: expect.stringMatching(/gvfx-convex, gvfx-api, gvfx-worker are healthy/) });
    expect(running.slice(-2)).toEqual(["start gvfx-api", "start gvfx-worker"]);
    running.length = 0;
    expect(existsSync(join(root("server-1"), "gvfx-postgres/pgdata/PG_VERSION"))).toBe(true);
    expect(readFileSync(join(root("server-1"), "gvfx-objectstore/convex-files/instance/u-1"), "utf8")).toBe(backup.objects["instance/u-1"]);
    const kept = () => readdirSync(root("server-1")).sort().map((name) => name.replace(/\d{8}T\d{6}Z$/, "*"));
    expect(kept()).toEqual(["gvfx-objectstore", "gvfx-objectstore.before-restore-*", "gvfx-postgres", "gvfx-postgres.before-restore-*"]);

    expect(await gvfx("restore", "--undo", "--confirm", "production")).toMatchObject({ code: 0, complained: "", said: expect.stringMatching(/Next: .*data restore --start/) });
    expect(running).toEqual(upAndDown.slice(1));
    expect([...stopped]).toEqual(["gvfx-worker", "gvfx-api"]);
    expect(readFileSync(join(root("server-1"), "gvfx-postgres/old"), "utf8")).toBe("old data");
    expect(kept()).toEqual(["gvfx-objectstore", "gvfx-objectstore.undone-*", "gvfx-postgres", "gvfx-postgres.undone-*"]);
    running.length = 0;
    expect(await gvfx("restore", "--undo", "--confirm", "production")).toMatchObject({ code: 2, complained: expect.stringMatching(/no data from before a restore.*nothing was changed/) });
    expect(running).toEqual([]);

    expect(await gvfx("restore", "--discard-old")).toMatchObject({ code: 1 });
    expect(await gvfx("restore", "--discard-old", "--confirm", "production")).toMatchObject({ code: 0 });
    expect(kept()).toEqual(["gvfx-objectstore", "gvfx-postgres"]);
    expect(readFileSync(join(root("server-1"), "gvfx-objectstore/old"), "utf8")).toBe("old data");
  });

  describe("a swap that broke off", () => {
    const at = (...path: string[]): string => join(root("server-1"), ...path);
    // As if killed after the first volume: Postgres is the restored one, the object store the old one.
    beforeEach(() => {
      for (const path of ["gvfx-postgres/new", "gvfx-postgres.before-restore-T1/old", "gvfx-objectstore/old", "gvfx-restore-01234567/volumes/gvfx-objectstore/new"]) {
        mkdirSync(at(path, ".."), { recursive: true });
        writeFileSync(at(path), "");
      }
      writeFileSync(at("gvfx-restore-01234567/gvfx-restore"), "proven\n");
      writeFileSync(at("gvfx-restore-01234567/stamp"), "T1\n");
    });

    test("nothing is started on the mixture, and nothing of it is discarded", async () => {
      expect(await gvfx("restore", "--start")).toMatchObject({ code: 2, complained: expect.stringMatching(/two states.*gvfx-restore-01234567.*nothing was started.*--undo --confirm production/s) });
      expect(running).toEqual([]);
      expect(await gvfx("restore", "--discard-old", "--confirm", "production")).toMatchObject({ code: 2, complained: expect.stringMatching(/half in place.*nothing was removed/s) });
      expect(existsSync(at("gvfx-postgres.before-restore-T1/old"))).toBe(true);
    });

    test("it is undone, and what it had put in place is proven beside again", async () => {
      expect(await gvfx("restore", "--undo", "--confirm", "production")).toMatchObject({ code: 0, complained: "" });
      expect([existsSync(at("gvfx-postgres/old")), existsSync(at("gvfx-objectstore/old")), existsSync(at("gvfx-restore-01234567/volumes/gvfx-postgres/new")), existsSync(at("gvfx-restore-01234567/stamp"))]).toEqual([true, true, true, false]);
    });

    test("another restore is refused while it is half in place", async () => {
      mkdirSync(join(root("server-2"), "gvfx-backup"), { recursive: true });
      store();
      expect(await gvfx("restore", "--in-place", "--confirm", "production")).toMatchObject({ code: 1, complained: expect.stringMatching(/gvfx-restore-01234567 on server-1 is half in place.*--undo --confirm production/s) });
    });

    test("an undo whose script fails before a rename starts again what it stopped, and one that may have renamed does not", async () => {
      rmSync(at("gvfx-restore-01234567"), { recursive: true });
      mkdirSync(at("gvfx-objectstore.before-restore-T1"));
      // The last job does not stop.
      const { jobs } = access;
      const busy = access.jobs();
      access = { ...access, jobs: () => ({ ...busy, stop: async (id) => (id === "gvfx-postgres" ? Promise.reject(new Error("still runs")) : busy.stop(id, undefined as never)) }) };
      expect(await gvfx("restore", "--undo", "--confirm", "production")).toMatchObject({ code: 2, complained: expect.stringMatching(/still runs; nothing is half done, and what was stopped runs again/) });
      expect(running.slice(-2)).toEqual(["start gvfx-worker", "start gvfx-api"].sort());
      running.length = 0;
      writeFileSync(at(".gvfx-restore-undo"), "U1 T1\n");
      expect(await gvfx("restore", "--undo", "--confirm", "production")).toMatchObject({ code: 2, complained: expect.stringMatching(/two states \(undoing\)/) });
      expect(running.filter((line) => line.startsWith("start"))).toEqual([]);
      access = { ...access, jobs };
    });
  });

  describe("planted defects", () => {
    const file = (path: string): string => join(backup.root, "alloc/data", path);
    /** Changes a file of the run, stores that, and puts the file back. */
    async function rehearseWith(path: string, change: (content: Buffer) => Buffer | undefined, sealed: boolean) {
      mkdirSync(join(root("server-2"), "gvfx-backup"), { recursive: true });
      const content = readFileSync(file(path));
      const changed = change(content);
      if (changed) writeFileSync(file(path), changed);
      else rmSync(file(path));
      if (sealed) backup.seal();
      try {
        store();
      } finally {
        writeFileSync(file(path), content);
        backup.seal();
      }
      return gvfx("restore", "--rehearse", "--json");
    }

    test("a byte of Postgres that is not what the server sent", async () => {
      const { code, said } = await rehearseWith("postgres/global/pg_control", (content) => Buffer.concat([content.subarray(0, -1), Buffer.from([content.at(-1)! ^ 1])]), true);
      expect(code).toBe(1);
      expect(report(said)).toMatchObject({ verdict: "not proven", problems: [expect.stringMatching(/postgres\/global\/pg_control has the hash/)] });
    });

    test("a row whose file was not copied", async () => {
      const { code, said } = await rehearseWith("objects/convex-files/instance/u-2", () => undefined, true);
      expect(code).toBe(1);
      expect(report(said)).toMatchObject({ verdict: "not proven", problems: [expect.stringMatching(/row file1 of _storage names convex-files\/u-2, which is not among the objects/)] });
    });

    test("an object that is not the one of the inventory", async () => {
      const { code, said } = await rehearseWith("objects/convex-files/instance/u-1", () => Buffer.from("b model"), false);
      expect(code).toBe(1);
      expect(report(said).problems).toEqual([expect.stringMatching(/objects\/convex-files\/instance\/u-1 has the SHA-256/)]);
    });

    test("WAL that is missing: Postgres cannot become consistent", async () => {
      const wal = readdirSync(file("postgres/pg_wal")).find((name) => /^[0-9A-F]{24}$/.test(name))!;
      const { code, said } = await rehearseWith(`postgres/pg_wal/${wal}`, () => undefined, true);
      expect(code).toBe(1);
      expect(report(said)).toMatchObject({ verdict: "not proven", problems: [expect.stringMatching(/Postgres does not start on the restored files: .*FATAL.*checkpoint record/)] });
    });

    test("another key than the repository's", async () => {
      mkdirSync(join(root("server-2"), "gvfx-backup"), { recursive: true });
      backup.store(join(root("server-2"), "gvfx-backup", "restic"), "another key");
      expect(await gvfx("restore", "--rehearse")).toMatchObject({ code: 2, complained: expect.stringMatching(/BACKUP_KEY.*does not open this repository.*version history of ops\/backup/) });
    });
  });
});
