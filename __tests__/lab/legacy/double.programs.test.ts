/** The legacy host's image: the hand-started processes, and the worker below its lease against a real Consul. One file, since both build the image. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describeWithEngine, DoubleContainers, until, type DoubleContainer } from "../frontend/double-container";

// The image is built first, packages and all.
jest.setTimeout(600_000);

const STATUS = /^API (.*)\nWorker (.*)\nRL service (.*)$/;

describeWithEngine("the legacy host's double", ["oven/bun:1-debian", "debian:bookworm-slim"], () => {
  const containers = new DoubleContainers("legacy");
  let host: DoubleContainer;

  const convex = async (kind: "query" | "mutation", path: string, args: object): Promise<unknown> => {
    const answer = await fetch(`${await host.url(3210)}/api/${kind}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path, args, format: "json" }) });
    return ((await answer.json()) as { value: unknown }).value;
  };
  const states = async (): Promise<string[]> => (STATUS.exec(await host.asTrader("scripts/daemonize-backend.sh status")) ?? []).slice(1).map((text) => text.split(" ")[0]);
  const up = () => until(async () => ((await host.logs()).match(/legacy host double: up/g) ?? []).length > 0 && (await fetch(`${await host.url(8787)}/health`)).ok, "the host is up");
  /** The state of the processes is looked at once a second. */
  const noticed = () => new Promise((done) => setTimeout(done, 2500));

  beforeAll(async () => {
    await containers.build("legacy");
    host = await containers.start("legacy", [3000, 3210, 8787, 9101], { LEGACY_ENV_API_TOKEN: "secret", LEGACY_ENV_DOUBLE_LOAD_MS: "100" });
    await up();
  });
  afterAll(() => containers.remove());

  test("everything runs, hand-started, and reaches each other", async () => {
    expect(await states()).toEqual(["running", "running", "running"]);
    expect((await fetch(`${await host.url(8787)}/ops/alerts`)).status).toBe(401);
    expect((await fetch(`${await host.url(3000)}/api/backend/ops/alerts`)).status).toBe(200);
    await until(async () => (await fetch(`${await host.url(9101)}/health`)).ok, "the RL service is loaded");
    expect(await (await fetch(`${await host.url(3210)}/version`)).text()).toContain("double");
    expect(await host.asTrader("scripts/convex-admin-key.sh")).toMatch(/^legacy\|[0-9a-f]+$/);
  });

  test("an SSH server admits trader by key, and nobody by password", async () => {
    const settings = (await host.sshSettings()).toLowerCase().split("\n");
    expect(settings).toEqual(expect.arrayContaining(["passwordauthentication no", "kbdinteractiveauthentication no", "allowusers trader", "hostkey /etc/ssh/ssh_host_ecdsa_key"]));
    expect(await host.docker("top")).toContain("/usr/sbin/sshd -D -e -p 22 [listener]");
  });

  test("a restart keeps data and settings, and starts what ran", async () => {
    await convex("mutation", "data:write", { table: "notes", action: "insert", payload: { id: "n", text: "kept" } });
    await host.asTrader(`sed -i "s#^CONVEX_URL=.*#CONVEX_URL='http://localhost:3210'#" backend/.env`);
    await noticed();
    await host.docker("restart");
    await up();
    expect(await states()).toEqual(["running", "running", "running"]);
    expect(await convex("query", "data:query", { table: "notes", filters: [] })).toMatchObject({ data: [{ id: "n", text: "kept" }] });
    expect(await host.asTrader("grep ^CONVEX_URL backend/.env")).toBe("CONVEX_URL='http://localhost:3210'");
  });

  test("a worker that was stopped is not brought back by a power cut, and the rest is", async () => {
    await host.asTrader('kill "$(cat .pids/backend-jobs.pid)"');
    await noticed();
    await host.docker("kill");
    await host.docker("start");
    await up();
    expect(await states()).toEqual(["running", "stopped", "running"]);
    expect(await host.asTrader("scripts/start-worker.sh")).toMatch(/^worker started \(PID \d+\)$/);
    expect(await states()).toEqual(["running", "running", "running"]);
  });
});

const CONSUL = "hashicorp/consul:1.21.4";
const execute = promisify(execFile);
const docker = async (...args: string[]): Promise<string> => (await execute("docker", args)).stdout.trim();

const KEYS = { owner: "gvfx/worker-owner", lease: "gvfx/worker-lease" };
/** Longer than any command here takes, so that only the fault that a test makes ends the worker. */
const TIMING = { ttlMs: 10_000, lockDelayMs: 12_000, renewEveryMs: 1000, requestTimeoutMs: 2500, terminateAfterMs: 8000, killAfterMs: 9000, stopGraceMs: 20_000 };

describeWithEngine("the hand-started worker below its lease", ["oven/bun:1-debian", "debian:bookworm-slim", CONSUL], () => {
  const network = `gvfx-contain-${process.pid}`;
  const [consul, host, plain] = ["consul", "legacy", "plain"].map((name) => `${network}-${name}`);
  const folder = mkdtempSync(join(tmpdir(), "gvfx-leased-"));

  const asTrader = (command: string) => docker("exec", host, "runuser", "-l", "trader", "-c", `cd tv-goldviewfx && ${command}`);
  const kv = (...args: string[]) => docker("exec", consul, "consul", "kv", ...args);
  const workers = async (): Promise<number> => Number(await asTrader("ps ax -o args= | grep -c '^[^ ]*bun run /home/trader/tv-goldviewfx/backend/src/jobs/worker.ts' || true"));
  const holder = async (): Promise<string> => kv("get", "-detailed", KEYS.lease).catch(() => "");

  async function startHost(name: string, ...options: string[]): Promise<void> {
    await docker("create", "--name", name, "--network", network, ...options, "--env", "LEGACY_ENV_WORKER_LEASE_SETTINGS=/etc/worker-lease.json", "--env", "LEGACY_ENV_DOUBLE_LOAD_MS=100", "gvfx-lab/legacy:lab");
    for (const file of ["worker-lease.json", "worker-lease.token"]) await docker("cp", join(folder, file), `${name}:/etc/${file}`);
    await docker("start", name);
    await until(async () => (await docker("logs", name)).includes("legacy host double: up"), `${name} is up`);
  }

  beforeAll(async () => {
    await new DoubleContainers("legacy").build("legacy");
    await docker("network", "create", network);
    await docker("run", "--detach", "--name", consul, "--network", network, "--network-alias", "consul", CONSUL, "agent", "-dev", "-node", "lab-node", "-client", "0.0.0.0");
    await until(async () => (await kv("put", KEYS.owner, "legacy")) !== "", "Consul answers");
    writeFileSync(join(folder, "worker-lease.json"), JSON.stringify({ owner: "legacy", keys: KEYS, node: "lab-node", agents: [], servers: ["http://consul:8500"], tokenFile: "/etc/worker-lease.token", port: 9464, containment: "host", fence: "kernel-timer", timing: TIMING }), { mode: 0o644 });
    writeFileSync(join(folder, "worker-lease.token"), "anonymous", { mode: 0o644 });
    await startHost(host, "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined");
  });
  afterAll(async () => {
    await docker("rm", "--force", "--volumes", consul, host, plain).catch(() => undefined);
    await docker("network", "rm", network);
    rmSync(folder, { recursive: true, force: true });
  });

  test("runs while it holds the lease, as trader, in a PID namespace of its own", async () => {
    await until(async () => (await workers()) === 1, "the worker runs");
    expect(await holder()).toContain("legacy on lab-node");
    const [wrapper, worker] = (await asTrader("cat .pids/backend-jobs.pid; pgrep -f '^[^ ]*bun run .*/jobs/worker.ts'")).split("\n");
    const seen = await asTrader(`readlink /proc/${wrapper}/ns/pid /proc/${worker}/ns/pid; ps -o user= -p ${worker}`);
    const [outer, inner, user] = seen.split("\n");
    expect(inner).toMatch(/^pid:\[\d+\]$/);
    expect(inner).not.toBe(outer);
    expect(user).toBe("trader");
  });

  test("ends when the other side is made the owner, and is back when it is given back", async () => {
    await kv("put", KEYS.owner, "nomad");
    await until(async () => (await workers()) === 0, "the worker has ended");
    expect(await asTrader("scripts/one-process.sh status worker")).toMatch(/^worker running/);
    await kv("put", KEYS.owner, "legacy");
    await until(async () => (await workers()) === 1, "the worker is back");
  });

  test("is ended by its pid file, and gives the lease back before that is said", async () => {
    expect(await asTrader("scripts/stop-worker.sh")).toBe("worker stopped");
    expect(await workers()).toBe(0);
    expect(await holder()).not.toMatch(/^Session +[0-9a-f]{8}/m);
    await asTrader("scripts/start-worker.sh");
    await until(async () => (await workers()) === 1, "the worker is back");
  });

  test("dies with the lease's program, whatever kills it", async () => {
    await asTrader('kill -KILL "$(cat .pids/backend-jobs.pid)"; sleep 0.5');
    expect(await workers()).toBe(0);
  });

  test("is not started where it could outlive it, and the log says what to do", async () => {
    await startHost(plain);
    const log = () => docker("exec", plain, "cat", "/home/trader/tv-goldviewfx/backend-jobs.log");
    await until(async () => (await log()).includes("cannot-contain"), "the lease's program has looked around");
    expect(await log()).toMatch(/no PID namespace can be made for the worker.*seccomp=unconfined/);
    expect(await docker("exec", plain, "sh", "-c", "ps ax -o args= | grep -c '[j]obs/worker.ts' || true")).toBe("0");
  });
});
