/** The scripts for the legacy host, run for real by this machine's shell on a checkout of a moment. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duration } from "../../../contracts/units";
import { importsFromHost } from "../../../scripts/data/move/world/host-convex";
import { legacyHost, type HostCommands } from "../../../scripts/data/move/world/ssh-host";

// A shell takes a second where others compute.

let folder: string;
let checkout: string;
let children: ChildProcess[];

/** As ssh's remote shell reads it. */
const run = async (script: string): Promise<string[]> => {
  const { status, stdout, stderr } = await new Promise<{ status: number | null; stdout: string; stderr: string }>((done) => {
    const sh = spawn("sh", ["-s"]);
    let [stdout, stderr] = ["", ""];
    sh.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    sh.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    sh.once("close", (status) => done({ status, stdout, stderr }));
    sh.stdin.end(script);
  });
  if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1) || `status ${status}`);
  return stdout.split("\n").filter(Boolean);
};

const host = (commands: Partial<HostCommands> = {}) =>
  legacyHost({ checkout, pidFiles: { worker: ".pids/backend-jobs.pid", api: ".pids/backend-api.pid" }, stop: { worker: undefined, api: undefined }, start: { worker: "scripts/start.sh worker jobs/worker.ts backend-jobs", api: "scripts/start.sh api api/server.ts backend-api" }, grace: Duration.ms(700), ...commands }, run);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-host-"));
  checkout = join(folder, "the checkout");
  children = [];
  mkdirSync(join(checkout, ".pids"), { recursive: true });
  mkdirSync(join(checkout, "scripts"));
  for (const [name, program] of [["jobs", "worker.ts"], ["api", "server.ts"]]) {
    mkdirSync(join(checkout, "backend/src", name), { recursive: true });
    writeFileSync(join(checkout, "backend/src", name, program), "");
  }
  // A bun that runs anything for a minute; told so, it does not end at SIGTERM.
  writeFileSync(join(folder, "bun"), '#!/bin/bash\nif [ -n "$STUBBORN" ]; then trap "" TERM; fi\nfor n in $(seq 600); do sleep 0.1; done\n');
  writeFileSync(join(checkout, "scripts/start.sh"), `#!/bin/bash\nset -a; . backend/.env; set +a\nnohup "${folder}/bun" run "$PWD/backend/src/$2" >log 2>&1 &\necho $! >.pids/$3.pid\n`);
  for (const file of [join(folder, "bun"), join(checkout, "scripts/start.sh")]) chmodSync(file, 0o755);
  writeFileSync(join(checkout, "backend/.env"), "# mine\nCONVEX_URL='http://old:1'\nAPI_TOKEN=\"to ken\"$SUFFIX\nEMPTY=\n", { mode: 0o640 });
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const name of ["backend-jobs", "backend-api"]) {
    const file = join(checkout, `.pids/${name}.pid`);
    if (existsSync(file)) spawnSync("kill", ["-KILL", readFileSync(file, "utf8").trim()]);
  }
  rmSync(folder, { recursive: true, force: true });
});

test("what was started is seen with its identity, its environment, and without strangers; what was stopped is gone", async () => {
  const legacy = host();
  appendFileSync(join(checkout, "backend/.env"), "TIMESCALE_URL='postgres://a:p w@b/c'\nTIMESCALE_RL_OPS_ENABLED=true\nTIMESCALE_MARKET_DATA_ENABLED=\n");
  await legacy.start(["worker", "api"]);
  const { writers, freeBytes } = await legacy.look();
  expect(writers.worker).toMatchObject({ ours: true, strangers: [], running: { args: expect.stringContaining("backend/src/jobs/worker.ts") as string } });
  expect(writers.api).toMatchObject({ ours: true, strangers: [] });
  if (existsSync("/proc/self/environ")) expect(writers.worker.convexUrl).toBe("http://old:1");
  if (existsSync("/proc/self/environ")) expect(writers.worker.variables).toEqual({ TIMESCALE_URL: "postgres://a:p w@b/c", TIMESCALE_RL_OPS_ENABLED: "true" });
  expect(freeBytes).toBeGreaterThan(0);
  await legacy.start(["worker", "api"]);
  expect((await legacy.look()).writers.worker.running?.pid).toBe(writers.worker.running!.pid);
  await legacy.stop("worker");
  await legacy.stop("worker");
  const after = (await legacy.look()).writers;
  expect([after.worker.running, after.api.running?.pid]).toEqual([undefined, writers.api.running!.pid]);
  expect(existsSync(join(checkout, ".pids/backend-jobs.pid"))).toBe(false);
});

test("one that does not end at SIGTERM is killed after the grace", async () => {
  const legacy = host();
  writeFileSync(join(checkout, "backend/.env"), "STUBBORN=1\n");
  await legacy.start(["worker"]);
  const began = Date.now();
  await legacy.stop("worker");
  expect(Date.now() - began).toBeGreaterThanOrEqual(600);
  expect((await legacy.look()).writers.worker.running).toBeUndefined();
});

test("a pid file that names somebody else is seen, and nobody is stopped", async () => {
  const other = spawn("sleep", ["60"]);
  children.push(other);
  writeFileSync(join(checkout, ".pids/backend-jobs.pid"), `${other.pid}\n`);
  const legacy = host();
  expect((await legacy.look()).writers.worker).toMatchObject({ ours: false, running: { pid: other.pid, args: "sleep 60" } });
  await expect(legacy.stop("worker")).rejects.toThrow(`process ${other.pid}, which .pids/backend-jobs.pid names, is "sleep 60": nothing was stopped`);
  expect(other.exitCode).toBeNull();
});

test("a second worker of the checkout is a stranger; an editor, and another checkout's worker, are none", async () => {
  const legacy = host();
  await legacy.start(["worker"]);
  const second = spawn(join(folder, "bun"), ["run", "src/jobs/worker.ts"], { cwd: join(checkout, "backend") });
  const editor = spawn("bash", ["-c", 'exec -a "vi backend/src/jobs/worker.ts" sleep 60'], { cwd: checkout });
  const elsewhere = spawn(join(folder, "bun"), ["run", "/app/src/jobs/worker.ts"], { cwd: folder });
  children.push(second, editor, elsewhere);
  await new Promise((done) => setTimeout(done, 100));
  const { strangers } = (await legacy.look()).writers.worker;
  expect(strangers.map(({ pid }) => pid)).toEqual(existsSync("/proc/self/cwd") ? [second.pid] : []);
});

test("what a worker started is no stranger", async () => {
  writeFileSync(join(folder, "bun"), `#!/bin/bash\nif [ -z "$BELOW" ]; then BELOW=1 "$0" "$@"; else sleep 60; fi\n`);
  const legacy = host();
  await legacy.start(["worker"]);
  expect((await legacy.look()).writers.worker).toMatchObject({ ours: true, strangers: [] });
});

test("a command that stops is used in place of the PID; one that stops nothing ends in SIGKILL", async () => {
  const legacy = host({ stop: { worker: "echo asked > asked", api: undefined } });
  await legacy.start(["worker"]);
  await legacy.stop("worker");
  expect(existsSync(join(checkout, "asked"))).toBe(true);
  expect((await legacy.look()).writers.worker.running).toBeUndefined();
  const broken = host({ stop: { worker: "exit 7", api: undefined } });
  await broken.start(["worker"]);
  await expect(broken.stop("worker")).rejects.toThrow("exit 7 ended with status 7");
});

test("a start that fails says what it said", async () => {
  await expect(host({ start: { worker: "echo no bun here >&2; exit 5", api: "true" } }).start(["worker"])).rejects.toThrow(/no bun here \(status 5\)/);
});

describe("files", () => {
  test("are replaced at once, with mode and backup, byte by byte, and only while they are what they were", async () => {
    const legacy = host();
    const path = join(checkout, "backend/.env");
    const odd = Buffer.concat([readFileSync(path), Buffer.from([0xff, 0xfe, 0x0d, 0x0a, 0x27, 0x24])]);
    writeFileSync(path, odd);
    const file = (await legacy.readFile("backend/.env"))!;
    await legacy.replaceFile("backend/.env", file.text.replace("http://old:1", "http://new:2"), { expected: file.sha256, backup: "backend/.env.before" });
    expect(readFileSync(path).equals(Buffer.from(odd.toString("latin1").replace("http://old:1", "http://new:2"), "latin1"))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readFileSync(join(checkout, "backend/.env.before")).equals(odd)).toBe(true);
    await expect(legacy.replaceFile("backend/.env", "lost", { expected: file.sha256 })).rejects.toThrow("backend/.env was changed by somebody meanwhile");
    const now = (await legacy.readFile("backend/.env"))!;
    await legacy.replaceFile("backend/.env", "third", { expected: now.sha256, backup: "backend/.env.before" });
    expect(readFileSync(join(checkout, "backend/.env.before")).equals(odd)).toBe(true);
    expect(await legacy.readFile("none")).toBeUndefined();
  });

  test("that are links stay links", async () => {
    writeFileSync(join(folder, "shared.env"), "A=1\n");
    symlinkSync(join(folder, "shared.env"), join(checkout, "link.env"));
    const legacy = host();
    const file = (await legacy.readFile("link.env"))!;
    await legacy.replaceFile("link.env", "A=2\n", { expected: file.sha256 });
    expect(lstatSync(join(checkout, "link.env")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, "shared.env"), "utf8")).toBe("A=2\n");
  });

  test("of more than a pipe holds come whole", async () => {
    const legacy = host();
    const text = "x".repeat(300_000);
    const { sha256 } = (await legacy.readFile("backend/.env"))!;
    await legacy.replaceFile("backend/.env", text, { expected: sha256 });
    expect((await legacy.readFile("backend/.env"))!.text).toBe(text);
  });

  test("are read as a shell reads them", async () => {
    expect(await host().envValues("backend/.env", ["CONVEX_URL", "API_TOKEN", "EMPTY", "NONE"])).toEqual({ CONVEX_URL: "http://old:1", API_TOKEN: "to ken", EMPTY: "" });
    expect(await host().envValues("none.env", ["A"])).toEqual({});
  });
});

test("an address is reached, or it is not", async () => {
  const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  expect(await host().reaches(`http://127.0.0.1:${port}/version`)).toBe(true);
  await new Promise((done) => server.close(done));
  expect(await host().reaches(`http://127.0.0.1:${port}/version`)).toBe(false);
});

describe("a Convex as the host finds it", () => {
  const answered = async (status: number, body: unknown): Promise<{ readonly ids: readonly string[]; readonly asked: { readonly path?: string; readonly key?: string; readonly body: string } }> => {
    let asked: { path?: string; key?: string; body: string } = { body: "" };
    const server = createServer((request, response) => {
      asked = { path: request.url, key: request.headers.authorization, body: "" };
      request.on("data", (chunk: Buffer) => (asked.body += chunk.toString()));
      request.on("end", () => response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body)));
    }).listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    try {
      const { port } = server.address() as AddressInfo;
      const ids = await importsFromHost({ checkout, adminKey: async () => 'an "odd\\key|01ab', run })(`http://127.0.0.1:${port}`);
      return { ids, asked };
    } finally {
      await new Promise((done) => server.close(done));
    }
  };

  test("shows the imports that it has completed, to whoever has its key", async () => {
    const { ids, asked } = await answered(200, { status: "success", value: [{ _id: "b", state: { state: "completed", num_rows_written: "AQ==" } }, { _id: "c", state: { state: "failed" } }, { _id: "a", state: { state: "completed" } }] });
    expect(ids).toEqual(["a", "b"]);
    expect(asked).toEqual({ path: "/api/query", key: 'Convex an "odd\\key|01ab', body: '{"path":"_system/cli/queryImport:list","args":[{}],"format":"convex_encoded_json"}' });
  });

  test.each([
    [401, { code: "BadAdminKey" }, /refuses the platform's admin key \(status 401\): it is another Convex/],
    [200, "<html>", /with status 200, and not as a Convex/],
    [502, "bad gateway", /with status 502, and not as a Convex/],
  ])("or is none: status %d", async (status, body, message) => {
    await expect(answered(status, body)).rejects.toThrow(message);
  });

  test("or is not there", async () => {
    await expect(importsFromHost({ checkout, adminKey: async () => "key", run })("http://127.0.0.1:9")).rejects.toThrow(/curl: \(7\)/);
  });
});

test("without a checkout it says so", async () => {
  await expect(host({ checkout: join(folder, "gone") }).look()).rejects.toThrow(/gone/);
});
