import { spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const scripts = join(__dirname, "../../../lab/doubles/legacy/files/checkout/scripts");
const uv = join(__dirname, "../../../lab/doubles/legacy/files/usr/local/bin/uv");

let checkout: string;
let bin: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "gvfx-legacy-"));
  bin = join(checkout, "bin");
  mkdirSync(bin);
  cpSync(scripts, join(checkout, "scripts"), { recursive: true });
  for (const folder of ["backend/rl-service", "frontend", "convex"]) mkdirSync(join(checkout, folder), { recursive: true });
  writeFileSync(join(checkout, "backend/.env"), "MARK='from the env file'\nRL_SERVICE_URL='http://127.0.0.1:9177'\n");
  writeFileSync(join(checkout, "frontend/.env.local"), "MARK='of the frontend'\n");
  writeFileSync(join(checkout, "convex/.env"), "MARK='of convex'\n");
  // A process that says what it was started with, and then waits for its signal.
  program("bun", '#!/bin/bash\ntrap "echo got INT; exit 0" INT\ntrap "echo got TERM; exit 0" TERM\necho "bun $* MARK=$MARK PORT=${RL_SERVICE_PORT:-}"\nwhile :; do sleep 0.05; done\n');
  cpSync(uv, join(bin, "uv"));
});
afterEach(() => {
  for (const name of Object.values(PID_FILES)) {
    const pid = pidOf(name);
    if (pid) spawnSync("bash", ["-c", `pkill -KILL -P ${pid}; kill -KILL ${pid}`]);
  }
  rmSync(checkout, { recursive: true, force: true });
});

const PID_FILES = { api: "backend-api", worker: "backend-jobs", rl: "rl-service", frontend: "frontend", convex: "convex" };

function program(name: string, text: string): void {
  writeFileSync(join(bin, name), text);
  chmodSync(join(bin, name), 0o755);
}
function run(script: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(join(checkout, "scripts", script), args, { encoding: "utf8", env: { PATH: `${bin}${delimiter}${process.env.PATH}`, HOME: process.env.HOME }, timeout: 50_000 });
}
const pidOf = (name: string): string | undefined => (existsSync(join(checkout, ".pids", `${name}.pid`)) ? readFileSync(join(checkout, ".pids", `${name}.pid`), "utf8").trim() : undefined);
const log = (name: string): string => readFileSync(join(checkout, `${name}.log`), "utf8");
/** Waits for text in a log: a process that was started says it within moments, later on a busy machine. */
async function said(name: string, text: string): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end && !log(name).includes(text); ) await new Promise((done) => setTimeout(done, 20));
  expect(log(name)).toContain(text);
}

describe("daemonize-backend.sh", () => {
  it("starts all three with the env file and the RL port of its URL, and says which PIDs they have", async () => {
    const { status, stdout } = run("daemonize-backend.sh", "start");
    expect(status).toBe(0);
    expect(stdout).toBe(`API started (PID ${pidOf("backend-api")})\nWorker started (PID ${pidOf("backend-jobs")})\nRL service started (PID ${pidOf("rl-service")}) on port 9177\n`);
    await said("backend-api", `bun run ${checkout}/backend/src/api/server.ts MARK=from the env file`);
    await said("backend-jobs", `bun run ${checkout}/backend/src/jobs/worker.ts MARK=from the env file`);
    await said("rl-service", "bun run server.js MARK=from the env file PORT=9177");
    expect(run("daemonize-backend.sh", "status")).toMatchObject({ status: 0, stdout: `API running (PID ${pidOf("backend-api")})\nWorker running (PID ${pidOf("backend-jobs")})\nRL service running (PID ${pidOf("rl-service")})\n` });
  });

  it("leaves alone what runs", () => {
    run("daemonize-backend.sh", "start");
    const worker = pidOf("backend-jobs");
    expect(run("daemonize-backend.sh", "start").stdout).toContain(`Worker already running (PID ${worker})`);
    expect(pidOf("backend-jobs")).toBe(worker);
  });

  it("stops by SIGTERM without waiting, and forgets the PID at once", async () => {
    program("bun", `#!/bin/bash\ntrap "until [ -e ${checkout}/release ]; do sleep 0.05; done; echo ended late; exit 0" TERM\necho up\nwhile :; do sleep 0.05; done\n`);
    run("daemonize-backend.sh", "start");
    const worker = Number(pidOf("backend-jobs"));
    for (const name of ["backend-api", "backend-jobs", "rl-service"]) await said(name, "up");
    const stopped = run("daemonize-backend.sh", "stop");
    expect(stopped).toMatchObject({ status: 0, stdout: "API stopped\nWorker stopped\nRL service stopped\n" });
    // It still runs, and status does not see it: the trap that a cutover must know of.
    expect(() => process.kill(worker, 0)).not.toThrow();
    expect(run("daemonize-backend.sh", "status")).toMatchObject({ status: 0, stdout: "API stopped\nWorker stopped\nRL service stopped\n" });
    writeFileSync(join(checkout, "release"), "");
    for (const name of ["backend-api", "backend-jobs", "rl-service"]) await said(name, "ended late");
  });

  it("exits 0 for a status of what is stopped, and 1 for what it does not know", () => {
    expect(run("daemonize-backend.sh", "status")).toMatchObject({ status: 0, stdout: "API stopped\nWorker stopped\nRL service stopped\n" });
    expect(run("daemonize-backend.sh", "stop").stdout).toBe("API not running\nWorker not running\nRL service not running\n");
    expect(run("daemonize-backend.sh", "pause").status).toBe(1);
  });
});

describe("docs/legacy-lease.md", () => {
  it("says how to make daemonize-backend.sh start the worker below its lease, with pid file, status and stop as before", async () => {
    const command = /^sed -i.*$/m.exec(readFileSync(join(__dirname, "../../../docs/legacy-lease.md"), "utf8"))?.[0] ?? "";
    expect(spawnSync("bash", ["-c", command], { cwd: checkout, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    program("bun", '#!/bin/bash\ntrap "exit 0" TERM\necho "bun $*"\nwhile :; do sleep 0.05; done\n');
    run("daemonize-backend.sh", "start");
    await said("backend-jobs", `/worker-lease/worker-lease.mjs ${process.env.HOME}/worker-lease/settings.json -- bun run ${checkout}/backend/src/jobs/worker.ts`);
    await said("backend-api", `bun run ${checkout}/backend/src/api/server.ts`);
    expect(log("backend-api")).not.toContain("worker-lease");
    expect(run("daemonize-backend.sh", "status").stdout).toContain(`Worker running (PID ${pidOf("backend-jobs")})`);
    expect(run("daemonize-backend.sh", "stop").stdout).toContain("Worker stopped");
  });
});

describe("the other scripts of the legacy host", () => {
  it("start and stop one process, in the pid files of daemonize-backend.sh", async () => {
    expect(run("start-worker.sh").stdout).toBe(`worker started (PID ${pidOf("backend-jobs")})\n`);
    await said("backend-jobs", "MARK=from the env file");
    expect(run("daemonize-backend.sh", "status").stdout).toBe(`API stopped\nWorker running (PID ${pidOf("backend-jobs")})\nRL service stopped\n`);
    expect(run("start-worker.sh").stdout).toContain("already running");
    expect(run("stop-worker.sh").stdout).toBe("worker stopped\n");
    await said("backend-jobs", "got TERM");
    expect(run("stop-worker.sh").stdout).toBe("worker not running\n");
  });

  it("give the frontend its own env file", async () => {
    run("start-frontend.sh");
    await said("frontend", `bun run ${checkout}/frontend/server.js MARK=of the frontend`);
    run("stop-frontend.sh");
    await said("frontend", "got TERM");
  });

  it("stop Convex by SIGINT, the one signal that it heeds", async () => {
    run("start-convex.sh");
    await said("convex", "MARK=of convex");
    run("stop-convex.sh");
    await said("convex", "got INT");
  });

  it("start the worker below its lease where settings are named, and stop it by the same pid file, once it has ended", async () => {
    // The lease's program gives the worker its time: here 0.6 s.
    program("bun", '#!/bin/bash\ntrap "sleep 0.6; echo ended; exit 0" TERM\necho "bun $* LEASE=$WORKER_LEASE_SETTINGS"\nwhile :; do sleep 0.05; done\n');
    appendFileSync(join(checkout, "backend/.env"), "WORKER_LEASE_SETTINGS='/etc/lease.json'\n");
    expect(run("start-worker.sh").stdout).toBe(`worker started (PID ${pidOf("backend-jobs")})\n`);
    await said("backend-jobs", `bun /usr/local/lib/legacy/worker-lease.mjs /etc/lease.json -- bun run ${checkout}/backend/src/jobs/worker.ts LEASE=/etc/lease.json`);
    expect(run("daemonize-backend.sh", "status").stdout).toContain(`Worker running (PID ${pidOf("backend-jobs")})`);
    expect(run("one-process.sh", "status", "worker").stdout).toBe(`worker running (PID ${pidOf("backend-jobs")})\n`);
    const worker = Number(pidOf("backend-jobs"));
    expect(run("stop-worker.sh")).toMatchObject({ status: 0, stdout: "worker stopped\n" });
    // Gone, or dead and not yet reaped by whoever is this machine's init.
    expect(spawnSync("ps", ["-o", "stat=", "-p", String(worker)], { encoding: "utf8" }).stdout).toMatch(/^(Z.*)?\s*$/);
    expect(log("backend-jobs")).toContain("ended");
    expect(pidOf("backend-jobs")).toBeUndefined();
  });

  it("give nobody else a lease, and take the program from where it is said to be", async () => {
    appendFileSync(join(checkout, "backend/.env"), "WORKER_LEASE_SETTINGS='/etc/lease.json'\nWORKER_LEASE_PROGRAM='/opt/lease.mjs'\n");
    run("start-worker.sh");
    await said("backend-jobs", "bun /opt/lease.mjs /etc/lease.json -- bun run");
    run("one-process.sh", "start", "api");
    await said("backend-api", `bun run ${checkout}/backend/src/api/server.ts`);
    expect(log("backend-api")).not.toContain("lease");
  });

  it("know no other process", () => {
    expect(run("one-process.sh", "start", "everything")).toMatchObject({ status: 2, stdout: "" });
    expect(run("one-process.sh", "pause", "api").status).toBe(2);
    expect(readdirSync(join(checkout, ".pids"))).toEqual([]);
  });
});

describe("the double of uv", () => {
  it("refuses what it does not stand for, and says what it is", () => {
    const { status, stderr } = spawnSync(uv, ["sync"], { encoding: "utf8" });
    expect([status, stderr]).toEqual([2, expect.stringContaining("uv (double)")]);
  });
});
