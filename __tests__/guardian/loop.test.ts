/** The whole program as the job starts it, under each runtime that is here, among doubles. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api, ConsulKv, double, KEYS, NomadSystemJob, NomadVariables, TOKENS, type Double } from "./doubles";
import { FOLDER } from "./program";

const RUNTIMES = [["node", process.execPath], ["bun", "bun"]] as const;
const isHere = (command: string) => spawnSync(command, ["--version"]).status === 0;

/** A window of two seconds and a round every 100 ms: quick, and still twenty rounds a window. */
const trigger = (threshold: number, minimumSamples: number) => ({ windowMs: 2_000, threshold, minimumSamples, missingData: "inconclusive" });

class Stage {
  readonly api = new Api();
  readonly nomad = new NomadVariables();
  readonly gateway = new NomadSystemJob(Date.now);
  readonly alerts: Record<string, string>[] = [];
  alertStatus = 200;
  output = "";
  private readonly open: Double[] = [];
  private program: ChildProcess | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), "gvfx-"));
  private metricsUrl = "";
  alertRequests: Double["requests"] = [];
  nomadRequests: Double["requests"] = [];

  constructor(readonly kv: ConsulKv) {}

  async start(command: string, mode: "advise" | "act"): Promise<void> {
    const serve = async (answer: Parameters<typeof double>[0]) => {
      const server = await double(answer);
      this.open.push(server);
      return server;
    };
    const api = await serve(this.api.answer);
    const rl = await serve(() => ({ status: 200, body: { status: "ok" } }));
    const consul = await serve(this.kv.answer);
    const nomad = await serve((request) => (request.path.startsWith("/v1/var/") ? this.nomad.answer(request) : this.gateway.answer(request)));
    this.nomadRequests = nomad.requests;
    const alerts = await serve((request) => {
      if (request.path === "/alerts" && this.alertStatus === 200) this.alerts.push(JSON.parse(request.body) as Record<string, string>);
      return { status: request.path === "/alerts" ? this.alertStatus : 200 };
    });
    this.alertRequests = alerts.requests;
    const settings = {
      environment: "test", namespace: "gvfx", mode, port: 0, keys: KEYS, ledger: "gvfx/cutover/guardian",
      sources: { api: api.url, rlService: rl.url, probeTimeoutMs: 500, readTimeoutMs: 500, runTimeoutMs: 1_800_000, lookBackMs: 86_400_000 },
      triggers: { duplicateIngestionRuns: trigger(1, 1), unresolvedConvexWriteFailures: trigger(5, 1), apiErrorRatio: trigger(0.4, 6), rlErrorRatio: trigger(0.4, 3) },
      alerts: { destination: `${alerts.url}/alerts`, deadManUrl: `${alerts.url}/alive`, deadManIntervalMs: 400 },
      backup: { variable: "gvfx/backup/status", lateAfterMs: 1_000, copies: false },
      systemJobs: { ids: ["gvfx-gateway"], lookIntervalMs: 50, firstPauseMs: 300, longestPauseMs: 1_200, alertAfter: 2 },
      probeIntervalMs: 100, readIntervalMs: 200, summaryIntervalMs: 500,
    };
    writeFileSync(join(this.folder, "settings.json"), JSON.stringify(settings));
    this.program = spawn(command, [join(FOLDER, "guardian.mjs"), join(this.folder, "settings.json")], { env: { PATH: process.env.PATH, ...TOKENS, CONSUL_HTTP_ADDR: consul.url, NOMAD_ADDR: nomad.url, NOMAD_ALLOC_ID: "0123abcd-0000" } });
    for (const stream of [this.program.stdout, this.program.stderr]) stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    const port = await this.until("its port", () => /metrics on port (\d+)/.exec(this.output)?.[1]);
    this.metricsUrl = `http://127.0.0.1:${port}`;
  }

  get(path: string): Promise<string> {
    return fetch(`${this.metricsUrl}${path}`).then((answer) => answer.text());
  }

  /** Waits for what `seen` looks for, at most 15 s. */
  async until<T>(what: string, seen: () => T | undefined | false | "" | Promise<T | undefined | false | "">): Promise<T> {
    for (const deadline = Date.now() + 15_000; Date.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 25))) {
      const found = await seen();
      if (found) return found;
    }
    throw new Error(`${what} was not seen within 15 s; the program printed:\n${this.output}`);
  }

  verdict(name: string, verdict: string): Promise<string> {
    return this.until(`${name} ${verdict}`, async () => (await this.get("/metrics")).includes(`trigger_verdict{trigger="${name}",verdict="${verdict}"} 1`) && "seen");
  }

  async stop(): Promise<number | null> {
    const program = this.program;
    if (!program || program.exitCode !== null) return program?.exitCode ?? null;
    const code = new Promise<number | null>((resolve) => program.once("exit", resolve));
    program.kill("SIGTERM");
    return code;
  }

  async clear(): Promise<void> {
    await this.stop();
    await Promise.all(this.open.map((server) => server.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const stage = (owner: string, traffic: string) => new Stage(new ConsulKv({ [KEYS.workerOwner]: owner, [KEYS.traffic]: traffic }));
let scene: Stage;
afterEach(() => scene?.clear());

for (const [runtime, command] of RUNTIMES) {
  const here = isHere(command);
  const on = here ? describe : describe.skip;
  on(`under ${runtime}${here ? "" : " (not run: it is not on PATH)"}`, () => {
    test("passes while all is well; acting, it takes the worker and then traffic away when the API fails, and says so everywhere", async () => {
      scene = stage("nomad", "nomad");
      await scene.start(command, "act");
      for (const name of ["apiErrorRatio", "rlErrorRatio", "duplicateIngestionRuns", "unresolvedConvexWriteFailures"]) await scene.verdict(name, "pass");
      expect(JSON.parse(await scene.get("/healthz"))).toMatchObject({ status: "ok" });
      expect(scene.kv.writes).toEqual([]);

      scene.api.ill = true;
      await scene.until("the roll-back", () => scene.kv.get(KEYS.traffic) === "legacy");
      expect(scene.kv.writes).toEqual(["gvfx/worker-owner=nobody", "gvfx/traffic=legacy"]);
      await scene.until("its entries", () => scene.nomad.of("rollback").length === 2);
      expect(scene.nomad.of("rollback").map(({ key, from, to }) => [key, from, to])).toEqual([[KEYS.workerOwner, "nomad", "nobody"], [KEYS.traffic, "nomad", "legacy"]]);
      await scene.until("its alerts", () => scene.alerts.filter((alert) => alert.kind === "rollback").length === 2);
      expect(scene.alerts.find((alert) => alert.kind === "verdict" && alert.verdict === "fail")).toMatchObject({ trigger: "apiErrorRatio", severity: "critical", previous: "pass", environment: "test", workerOwner: "nomad" });
      expect(scene.alerts.find((alert) => alert.kind === "rollback")?.summary).toContain("Start the legacy worker now");

      // Traffic is at legacy now: what answers is not Nomad's, so there is no verdict about it, and nothing more to do.
      await scene.verdict("apiErrorRatio", "inconclusive");
      expect(scene.kv.writes).toHaveLength(2);
      expect(await scene.get("/metrics")).toContain('switches{worker_owner="nobody",traffic="legacy"} 1');

      expect(await scene.stop()).toBe(0);
      const kinds = new Set([...scene.nomad.entries.values()].map((items) => items.kind));
      expect(kinds).toEqual(new Set(["start", "verdict", "summary", "rollback", "stop"]));
      expect(scene.alertRequests.filter((request) => request.path === "/alive").length).toBeGreaterThan(1);
      expect(scene.alertRequests.every((request) => request.headers.authorization === `Bearer ${TOKENS.ALERT_TOKEN}`)).toBe(true);
      for (const token of Object.values(TOKENS)) {
        expect(scene.output).not.toContain(token);
        expect(JSON.stringify([...scene.nomad.entries.values(), ...scene.alerts])).not.toContain(token);
      }
    });

    test("advising, it alerts and records the same failure, and moves nothing", async () => {
      scene = stage("nomad", "nomad");
      await scene.start(command, "advise");
      await scene.verdict("duplicateIngestionRuns", "pass");
      const at = (ms: number) => new Date(Date.now() - ms).toISOString();
      const keepOverlapping = setInterval(() => (scene.api.runs = [900, 600, 300].map((ms) => ({ id: `run-${ms}`, source_type: "bingx", feed: "trades", status: "running", started_at: at(ms), finished_at: null }))), 50);
      await scene.verdict("duplicateIngestionRuns", "fail");
      await scene.until("the alert", () => scene.alerts.find((alert) => alert.trigger === "duplicateIngestionRuns" && alert.verdict === "fail")?.summary.includes("Roll the cutover back"));
      await scene.until("the entry", () => scene.nomad.of("verdict").some((entry) => entry.trigger === "duplicateIngestionRuns" && entry.verdict === "fail"));
      clearInterval(keepOverlapping);
      expect(scene.kv.writes).toEqual([]);
      expect(scene.nomad.of("rollback")).toEqual([]);
    });
  });
}

describe("a gateway that failed", () => {
  test.each(["advise", "act"] as const)("in mode %s it is placed again by one evaluation, and that is counted", async (mode) => {
    scene = stage("legacy", "legacy");
    await scene.start(process.execPath, mode);
    await scene.until("that all is well", async () => (await scene.get("/metrics")).includes('gvfx_guardian_failed_allocations{job="gvfx-gateway"} 0') && "seen");
    expect(scene.gateway.evaluations).toEqual([]);
    scene.gateway.fail("server-2");
    await scene.until("the evaluation", () => scene.gateway.newest("server-2").ClientStatus === "running");
    await scene.until("its count", async () => (await scene.get("/metrics")).includes('gvfx_guardian_evaluations_total{job="gvfx-gateway"} 1') && "seen");
    expect(scene.output).toContain("evaluated, try 1");
    expect(scene.nomadRequests.filter(({ path }) => path.endsWith("/evaluate")).map(({ headers }) => headers["x-nomad-token"])).toEqual([TOKENS.NOMAD_TOKEN]);
    expect(scene.alerts.filter(({ kind }) => kind === "system-job")).toEqual([]);
    expect(scene.kv.writes).toEqual([]);
  });
});

describe("whatever fails around it", () => {
  test("a store that answers 200 with nothing makes the counts inconclusive, and neither ledger nor alerts stop the evaluation", async () => {
    scene = stage("nomad", "nomad");
    scene.nomad.outage = true;
    scene.alertStatus = 503;
    await scene.start(process.execPath, "act");
    await scene.verdict("duplicateIngestionRuns", "pass");
    scene.api.storeFails = true;
    await scene.verdict("duplicateIngestionRuns", "inconclusive");
    await scene.verdict("unresolvedConvexWriteFailures", "inconclusive");
    await scene.verdict("apiErrorRatio", "pass");
    expect(scene.kv.writes).toEqual([]);
    scene.nomad.outage = false;
    scene.alertStatus = 200;
    await scene.until("the entries of the outage", () => scene.nomad.of("start").length === 1);
    await scene.until("the alerts of the outage", () => scene.alerts.some((alert) => alert.verdict === "inconclusive"));
    expect(scene.output).toContain("the ledger cannot be written");
    expect(scene.nomadRequests.filter((request) => request.method === "PUT").every((request) => request.query.get("cas") === "0")).toBe(true);
  });

  test("while traffic goes to legacy, an API that is ill is legacy's, and is no reason to take the worker away", async () => {
    scene = stage("nomad", "legacy");
    scene.api.ill = true;
    await scene.start(process.execPath, "act");
    await scene.until("thirty rounds", async () => Number(/rounds_total (\d+)/.exec((await scene.get("/metrics")).split("# TYPE gvfx_guardian_rounds_total")[1] ?? "")?.[1]) >= 30);
    await scene.verdict("apiErrorRatio", "inconclusive");
    expect(scene.kv.writes).toEqual([]);
  });

  test("a guardian that is cut off from Consul too blames nobody, and moves nothing when it is back", async () => {
    scene = stage("nomad", "nomad");
    await scene.start(process.execPath, "act");
    await scene.verdict("apiErrorRatio", "pass");
    scene.kv.outage = () => true;
    scene.api.ill = true;
    await scene.verdict("apiErrorRatio", "inconclusive");
    scene.api.ill = false;
    scene.kv.outage = undefined;
    await scene.verdict("apiErrorRatio", "pass");
    expect(scene.output).not.toContain("-> fail");
    expect(scene.kv.writes).toEqual([]);
  });

  test("acts only while Nomad owns the worker", async () => {
    scene = stage("legacy", "nomad");
    scene.api.ill = true;
    await scene.start(process.execPath, "act");
    await scene.verdict("apiErrorRatio", "fail");
    await scene.until("the alert", () => scene.alerts.some((alert) => alert.verdict === "fail"));
    expect(scene.kv.writes).toEqual([]);
  });

  test("without a token it does not start, and says which one", () => {
    const others = { ...TOKENS, API_TOKEN: "" };
    const { status, stdout } = spawnSync(process.execPath, [join(FOLDER, "guardian.mjs"), join(__dirname, "..", "..", "package.json")], { env: { PATH: process.env.PATH, ...others }, encoding: "utf8" });
    expect(status).toBe(1);
    expect(stdout).toContain("API_TOKEN is not set");
  });
});
