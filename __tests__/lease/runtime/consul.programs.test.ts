/** The bundled program against a real Consul with ACLs: what the double claims is so. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeOnLinux, describeEachRuntime } from "../containment/programs";
import { LEASE_KEY, OWNER_KEY, type Endpoint } from "./consul-double";
import { TIMING } from "./program";
import { pause, QUICK, Stage, until, type Wrapper } from "./wrapper";

const MANAGEMENT = "5b1a4a3f-6c0f-4d6c-9b37-1f3f5e0d7a11";
const RULES = `key "${OWNER_KEY}" { policy = "read" } key "${LEASE_KEY}" { policy = "write" } session "server-1" { policy = "write" }`;
/** A look in standby, three requests, and the start of a worker on a busy machine. */
const HAND_OVER_MS = QUICK.renewEveryMs + 1_500;
const missing = spawnSync("consul", ["version"]).status === 0 ? "" : " (skipped: no consul on PATH)";

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise<ReturnType<typeof createServer>>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
  })));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** One server, in memory, default deny. */
class RealConsul {
  readonly folder = mkdtempSync(join(tmpdir(), "gvfx-consul-"));
  url = "";
  private process: ChildProcess | undefined;
  private output = "";

  async start(): Promise<void> {
    const [http, rpc, serf, wan] = await freePorts(4);
    this.url = `http://127.0.0.1:${http}`;
    writeFileSync(join(this.folder, "consul.json"), JSON.stringify({ acl: { enabled: true, default_policy: "deny", tokens: { initial_management: MANAGEMENT, agent: MANAGEMENT } }, ports: { http, server: rpc, serf_lan: serf, serf_wan: wan, dns: -1, grpc: -1, grpc_tls: -1 }, node_name: "server-1", bind_addr: "127.0.0.1" }));
    this.process = spawn("consul", ["agent", "-dev", "-config-file", join(this.folder, "consul.json")], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    for (const end = Date.now() + 30_000; ; await pause(200)) {
      const ready = await this.request("PUT", `/v1/kv/${OWNER_KEY}`, "nomad").then(({ status }) => status === 200, () => false);
      const registered = ready && (await this.request("GET", "/v1/catalog/node/server-1")).text !== "null";
      if (registered) return;
      if (Date.now() > end) throw new Error(`Consul is not ready; it said\n${this.output}`);
    }
  }

  async request(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${this.url}${path}`, { method, headers: { "x-consul-token": MANAGEMENT }, body });
    return { status: answer.status, text: await answer.text() };
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.request(method, path, body === undefined ? undefined : JSON.stringify(body));
    if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** A token with the lease's rights, or with none. */
  async token(rules: string): Promise<string> {
    const { Name } = await this.json<{ Name: string }>("PUT", "/v1/acl/policy", { Name: `lease-${Math.random().toString(36).slice(2)}`, Rules: rules });
    return (await this.json<{ SecretID: string }>("PUT", "/v1/acl/token", { Policies: [{ Name }] })).SecretID;
  }

  async lease(): Promise<{ Session?: string; LockIndex: number } | undefined> {
    const { status, text } = await this.request("GET", `/v1/kv/${LEASE_KEY}?consistent`);
    return status === 200 ? (JSON.parse(text) as { Session?: string; LockIndex: number }[])[0] : undefined;
  }

  /** Neither lock nor lock-delay is left for the next test: the key goes before its session. */
  async forget(): Promise<void> {
    await this.request("DELETE", `/v1/kv/${LEASE_KEY}`);
    for (const { ID } of await this.json<{ ID: string }[]>("GET", "/v1/session/list")) await this.request("PUT", `/v1/session/destroy/${ID}`);
  }

  async end(): Promise<void> {
    const { process: consul } = this;
    if (consul && consul.exitCode === null) {
      const ended = new Promise((resolve) => consul.once("exit", resolve));
      consul.kill("SIGKILL");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

(missing ? describe.skip : describe)(`against a real Consul${missing}`, () => {
  const consul = new RealConsul();
  let endpoint: Endpoint;
  let stage: Stage;
  beforeAll(async () => {
    await consul.start();
    endpoint = { url: consul.url } as Endpoint;
  });
  afterAll(() => consul.end());
  beforeEach(async () => {
    stage = new Stage();
    stage.token(await consul.token(RULES));
    await consul.request("PUT", `/v1/kv/${OWNER_KEY}`, "nomad");
  });
  afterEach(async () => {
    await stage.end();
    await consul.forget();
  });

  const runsOf = (name: string) => stage.runs().filter((run) => run.name === name);

  describeOnLinux("the lease's program", "user namespaces", () => {
    describeEachRuntime((runtime) => {
      const start = (name: string, settings = {}): Wrapper => stage.wrapper({ runtime, endpoints: [endpoint], name, settings });
      const taken = (name: string, times = 1) => until(() => runsOf(name).length === times, () => `a worker of ${name}; there were ${JSON.stringify(stage.runs())}`, 60_000);

      test("takes the lease, hands it over without a delay, and leaves no session behind", async () => {
        const a = start("a");
        await taken("a");
        expect((await consul.lease())?.Session).toBe((JSON.parse((await a.get("/state")).text) as { session: string }).session);
        const b = start("b");
        await until(() => b.line("started") !== undefined, () => "b");
        await pause(500);
        expect(JSON.parse((await b.get("/state")).text)).toMatchObject({ phase: "standby", reason: expect.stringContaining("the lease is held by session") });
        expect(await a.signal("SIGTERM").ended).toBe(7);
        await taken("b");
        expect(stage.oneByOne()).toEqual(["a", "b"]);
        expect(runsOf("b")[0].first - runsOf("a")[0].last).toBeLessThan(HAND_OVER_MS);
        expect(await b.signal("SIGTERM").ended).toBe(7);
        expect((await consul.lease())?.Session).toBeUndefined();
        expect(await consul.json<unknown[]>("GET", "/v1/session/list")).toEqual([]);
      });

      test("a session that is destroyed ends the worker, and the lock-delay keeps everybody waiting", async () => {
        const a = start("a", { timing: { ...QUICK, lockDelayMs: 4_000 } });
        await taken("a");
        const { Session } = (await consul.lease()) ?? {};
        await consul.request("PUT", `/v1/session/destroy/${Session}`);
        await a.reaches("standby");
        await taken("a", 2);
        const [first, second] = stage.runs();
        expect(second.first - first.last).toBeGreaterThan(3_000);
        expect(second.first - first.last).toBeLessThan(4_000 + HAND_OVER_MS);
        // Refused while it lasts, each time with Consul's own reason.
        expect(a.output).toContain("due to lock delay");
      });

      test("a token without rights, or of nobody, does not cost the lease: only a read that says so does", async () => {
        const a = start("a", { timing: TIMING });
        await taken("a");
        const before = await consul.token(RULES);
        for (const token of [await consul.token(""), "00000000-0000-0000-0000-00000000dead", "anonymous"]) {
          stage.token(token);
          await pause(1_500);
        }
        stage.token(before);
        await until(() => a.line("consul-answers") !== undefined, () => `it is well again; it said\n${a.output}`);
        expect(a.phases()).toEqual(["acquiring", "active"]);
        expect(a.line("consul-refuses")?.message).toContain("session write on node server-1");
        expect(a.output).not.toContain(before);
      });

      test("an owner that changes is seen within a renewal", async () => {
        const a = start("a");
        await taken("a");
        await consul.request("PUT", `/v1/kv/${OWNER_KEY}`, "legacy");
        start("b", { owner: "legacy" });
        await taken("b");
        expect(stage.oneByOne()).toEqual(["a", "b"]);
        expect(a.process.exitCode).toBeNull();
      });
    });
  });
});
