/** The database of TIMESCALE_URL moved by the real programs, where this machine has them. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { port } from "../../../contracts/units";
import { connection, timescale } from "../../../scripts/data/move/world/timescale";

const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
const programs = versions.map((version) => `/usr/lib/postgresql/${version}/bin`).find((folder) => existsSync(join(folder, "initdb")));
const described = programs === undefined ? describe.skip : describe;

test("an address becomes libpq's variables, safe in a shell", () => {
  expect(connection("postgres://us%40er:p'%20w@db.example:6000/name?sslmode=require")).toBe("PGHOST='db.example' PGPORT='6000' PGUSER='us@er' PGPASSWORD='p'\\'' w' PGDATABASE='name' PGSSLMODE='require'");
  expect(() => connection("http://x")).toThrow(/TIMESCALE_URL is no address of a Postgres/);
});

described("with a Postgres of this machine", () => {
  let folder: string;
  let number: number;
  const asOwner = (program: string, args: readonly string[]): void => {
    // Postgres refuses to run as root.
    const root = process.getuid?.() === 0;
    execFileSync(root ? "setpriv" : join(programs!, program), [...(root ? ["--reuid=65534", "--regid=65534", "--clear-groups", join(programs!, program)] : []), ...args], { stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env.PATH, HOME: folder, LC_ALL: "C" } });
  };
  const url = (database: string): string => `postgres://gvfx:pw@127.0.0.1:${number}/${database}`;
  const sql = (database: string, text: string): string => execFileSync("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text, url(database)], { encoding: "utf8" }).trim();
  const run = async (script: string): Promise<string[]> => {
    const { status, stdout, stderr } = spawnSync("sh", ["-s"], { input: script, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1));
    return stdout.split("\n").filter(Boolean);
  };
  const moved = (database = "legacy", named = "legacy") => timescale({ named: { host: "127.0.0.1", port: port(number), database: named, schema: "public" }, checkout: folder, sourceUrl: async () => url(database), targetUrl: async () => url("platform"), run });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-pg-"));
    chmodSync(folder, 0o777);
    number = await new Promise<number>((done) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port: free } = server.address() as AddressInfo;
        server.close(() => done(free));
      });
    });
    mkdirSync(join(folder, "sockets"));
    chmodSync(join(folder, "sockets"), 0o777);
    asOwner("initdb", ["-D", join(folder, "data"), "-U", "gvfx", "-A", "trust", "--no-sync"]);
    asOwner("pg_ctl", ["-D", join(folder, "data"), "-w", "-l", join(folder, "log"), "-o", `-p ${number} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${join(folder, "sockets")} -c fsync=off`, "start"]);
    for (const database of ["legacy", "platform"]) sql("postgres", `CREATE DATABASE ${database}`);
    sql("legacy", `CREATE TABLE trades (id uuid PRIMARY KEY, quantity double precision, note text, at timestamptz, data jsonb, raw bytea);
      INSERT INTO trades SELECT gen_random_uuid(), random() * 1e17, chr(64 + n % 60) || ' | ä', now(), jsonb_build_object('n', n), decode('00ff', 'hex') FROM generate_series(1, 500) n;
      CREATE TABLE "Odd|name" (n bigserial, x numeric); INSERT INTO "Odd|name" (x) VALUES ('NaN'), (9007199254740993), (NULL);`);
  });

  afterAll(() => {
    asOwner("pg_ctl", ["-D", join(folder, "data"), "-m", "immediate", "stop"]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("what is copied reads the same, again and again, and is gone when it is cleared", async () => {
    const database = moved();
    expect(await database.check()).toEqual([]);
    await database.copy();
    await database.copy();
    const [before, after] = await Promise.all([database.fingerprint("legacy"), database.fingerprint("nomad")]);
    expect([...before].map(([table, { rows }]) => [table, rows])).toEqual([["Odd|name", 3], ["trades", 500]]);
    expect(after).toEqual(before);
    expect(await database.check()).toEqual([expect.stringContaining("has tables already (")]);
    sql("platform", "UPDATE trades SET note = note || '!' WHERE id = (SELECT id FROM trades LIMIT 1)");
    expect(await database.fingerprint("nomad")).not.toEqual(before);
    const dump = await database.keep("given up.dump");
    expect(dump).toBe(join(folder, "given up.dump"));
    expect(statSync(dump).mode & 0o777).toBe(0o600);
    expect(execFileSync("pg_restore", ["--data-only", "--table=trades", "-f", "-", dump], { encoding: "utf8" })).toMatch(/ \| ä.*!/);
    await database.clear();
    await expect(database.keep("given up.dump")).rejects.toThrow(/no matching tables/);
    expect(existsSync(dump)).toBe(true);
    expect(await database.check()).toEqual([]);
  });

  test("another database than the environment names is not moved", async () => {
    expect(await moved("legacy", "other").check()).toEqual([expect.stringMatching(/is of 127\.0\.0\.1:\d+\/legacy, and the environment names 127\.0\.0\.1:\d+\/other/)]);
  });

  test("one that is not reached is said, without its password", async () => {
    const problems = await timescale({ named: { host: "127.0.0.1", port: port(number), database: "none", schema: "public" }, checkout: folder, sourceUrl: async () => `postgres://gvfx:s3cret@127.0.0.1:${number}/none`, targetUrl: async () => url("platform"), run }).check();
    expect(problems).toEqual([expect.stringMatching(/the database of TIMESCALE_URL is not reached from the legacy host \(.*none.*\)/)]);
    expect(problems.join()).not.toContain("s3cret");
  });
});
