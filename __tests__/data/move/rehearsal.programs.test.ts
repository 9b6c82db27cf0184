/**
 * A whole move with the real convex CLI between two doubles of Convex, with the app's API
 * and worker (doubles) as hand-started processes on this machine. In memory are only the
 * way to the host, which is a shell instead of SSH, and Consul.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Duration, Size } from "../../../contracts/units";
import { Exchange } from "../../../lab/doubles/exchange/app";
import { envFile, legacyEnvironment } from "../../../lab/doubles/legacy/environment";
import type { ConvexAccess } from "../../../scripts/data/convex/access";
import { convexCli } from "../../../scripts/data/convex/cli";
import { ConvexInstance } from "../../../scripts/data/convex/instance";
import { JournalFile } from "../../../scripts/data/move/journal";
import { performMove, situationOf, undoMove, type MoverOptions } from "../../../scripts/data/move/mover";
import type { MoveSettings } from "../../../scripts/data/move/step";
import { lookAtEverything } from "../../../scripts/data/move/steps/preflight";
import type { Evidence, World } from "../../../scripts/data/move/world";
import { legacyApi } from "../../../scripts/data/move/world/api";
import { appSource } from "../../../scripts/data/move/world/app-source";
import { checkedSnapshots } from "../../../scripts/data/move/world/checked-snapshots";
import { convexSide } from "../../../scripts/data/move/world/convex-side";
import { importsFromHost } from "../../../scripts/data/move/world/host-convex";
import { legacyHost } from "../../../scripts/data/move/world/ssh-host";
import { silentProgress } from "../../../scripts/data/progress";
import { diffSnapshots } from "../../../scripts/data/snapshot/diff";
import { describeWithBun, Process, until } from "../../lab/convex/processes";

jest.setTimeout(300_000);

const ROOT = resolve(__dirname, "../../..");
const said: string[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** @param home whose profile says where bun is, as on a real host */
const runAt = (home: string) => (script: string): Promise<string[]> =>
  new Promise((done, fail) => {
    const sh = spawn("sh", ["-s"], { env: { ...process.env, HOME: home } });
    let [out, complaint] = ["", ""];
    sh.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    sh.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    sh.once("close", (status) => (status === 0 ? done(out.split("\n").filter(Boolean)) : fail(new Error(complaint.trim().split("\n").at(-1) || `status ${status}`))));
    sh.stdin.end(script);
  });

/** Its REST half: the worker asks for what it does not hear. */
async function serveExchange(): Promise<Server> {
  const exchange = new Exchange(() => []);
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const body = Buffer.concat(chunks);
      const answer = await exchange.answer(new Request(`http://exchange${request.url}`, { method: request.method, headers: request.headers as Record<string, string>, ...(body.length > 0 ? { body } : {}) }), "127.0.0.1", Date.now());
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
    });
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  return server;
}

describeWithBun("a move between two doubles of Convex", () => {
  let folder: string;
  let checkout: string;
  let source: Process;
  let target: Process;
  let exchange: Server;
  let world: World;
  let settings: MoveSettings;
  let evidence: Evidence = { verdict: undefined, record: undefined };
  const stop = new AbortController();
  const check = checkedSnapshots({});

  const access = (side: "legacy" | "nomad", process: Process): ConvexAccess => ({ side, address: process.url, adminKey: async () => process.key(), instanceName: async () => "tv-goldviewfx" });
  const opened = (side: "legacy" | "nomad", process: Process) => convexSide({ instance: new ConvexInstance(access(side, process)), cli: convexCli(access(side, process), { variables: globalThis.process.env }) }, { recordFolder: join(folder, "imports"), criticalTables: ["ingestion_runs"], check, progress: silentProgress, say: (line) => said.push(line), signal: stop.signal });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-rehearsal-"));
    checkout = join(folder, "app");
    source = await Process.start(join(folder, "source"));
    target = await Process.start(join(folder, "target"), { DOUBLE_NEEDS_DEPLOY: "true" });
    const apiPort = await freePort();
    exchange = await serveExchange();
    const { port: exchangePort } = exchange.address() as AddressInfo;
    writeFileSync(join(folder, ".bash_profile"), `export PATH=${JSON.stringify(process.env.PATH)}\n`);
    mkdirSync(join(checkout, "backend/src/api"), { recursive: true });
    mkdirSync(join(checkout, "backend/src/jobs"), { recursive: true });
    cpSync(join(ROOT, "lab/doubles/legacy/files/checkout/scripts"), join(checkout, "scripts"), { recursive: true });
    writeFileSync(join(checkout, "backend/src/api/server.ts"), `import ${JSON.stringify(join(ROOT, "lab/doubles/backend/api/server.ts"))};\n`);
    writeFileSync(join(checkout, "backend/src/jobs/worker.ts"), `import ${JSON.stringify(join(ROOT, "lab/doubles/backend/jobs/worker.ts"))};\n`);
    const { backend } = legacyEnvironment({ LEGACY_ENV_CONVEX_URL: source.url, LEGACY_ENV_PORT: `${apiPort}`, LEGACY_ENV_API_TOKEN: "the-token", LEGACY_ENV_BINGX_BASE_URL: `http://127.0.0.1:${exchangePort}`, LEGACY_ENV_BINGX_WS_ENABLED: "false", LEGACY_ENV_BINGX_API_KEY: "k", LEGACY_ENV_BINGX_SECRET_KEY: "s" }, "0".repeat(64));
    writeFileSync(join(checkout, "backend/.env"), `# by hand\n${envFile(backend)}`, { mode: 0o600 });
    for (const script of ["one-process.sh", "start-worker.sh"]) chmodSync(join(checkout, "scripts", script), 0o755);

    const host = legacyHost({ checkout, pidFiles: { worker: ".pids/backend-jobs.pid", api: ".pids/backend-api.pid" }, stop: { worker: undefined, api: undefined }, start: { worker: "scripts/start-worker.sh", api: "scripts/one-process.sh start api" }, grace: Duration.seconds(5) }, runAt(folder));
    const [from, to] = [opened("legacy", source), opened("nomad", target)];
    world = {
      host,
      api: legacyApi(`http://127.0.0.1:${apiPort}`, async () => (await host.envValues("backend/.env", ["API_TOKEN"])).API_TOKEN),
      source: from,
      target: to,
      snapshots: { validate: check, diff: async (a, b) => (await diffSnapshots(a, b)).filter(({ added, removed, changed }) => added + removed + changed > 0), freeBytes: async () => 2 ** 40 },
      keys: { owners: async () => ({ worker: "legacy", traffic: "legacy" }), evidence: async () => evidence, setEvidence: async (given) => void (evidence = given), hold: async () => undefined, release: async () => undefined },
      app: await appSource({ from: "folder", folder: "lab/convex-app" }, { cache: join(folder, "cache"), variables: process.env }),
      timescale: undefined,
      importsFromHost: importsFromHost({ checkout, adminKey: async () => target.key(), run: runAt(folder) }),
      announce: async () => undefined,
      clock: { now: () => new Date(), wait: (ms) => new Promise((done) => setTimeout(done, ms)) },
    };
    settings = { convexUrl: target.url, envFiles: ["backend/.env"], room: Size.parse("1MiB"), ordersWithin: Duration.seconds(30), quietFor: Duration.seconds(2), writesWithin: Duration.seconds(90), criticalTables: ["ingestion_runs"], sourceUrl: source.url, hostAddress: "127.0.0.1", apiStartsAlone: true, commands: { move: "move", resume: "resume", undo: "undo", giveBack: "give", adminKey: "key" } };
    await host.start(["worker", "api"]);
    await until(async () => (await from.counts()).get("ingestion_runs")! >= 7, "the worker writes", 90_000);
    await from.setVariable("MODEL_KEY", "of convex\nin two lines");
    const url = (await source.value("storage:generateUploadUrl", {}, "mutation")) as string;
    await fetch(url, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: Buffer.from("a model of several bytes\u0000") });
  });

  afterAll(async () => {
    for (const name of ["backend-jobs", "backend-api"]) {
      const file = join(checkout, `.pids/${name}.pid`);
      if (existsSync(file)) spawnSync("kill", ["-KILL", readFileSync(file, "utf8").trim()]);
    }
    exchange?.close();
    await Promise.all([source?.stop(), target?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const mover = (id: string, overrides: Partial<MoverOptions> = {}): MoverOptions => {
    const journal = new JournalFile(join(folder, id));
    if (journal.entries().length === 0) journal.append({ event: "start", move: id, environment: "rehearsal", options: { replaceEverything: false, appCannotTrade: false, app: world.app.name } });
    return { world, settings, journal, folder: join(folder, id), progress: silentProgress, say: (line) => said.push(line), signal: stop.signal, ...overrides };
  };
  const killSwitch = async () => (await world.api.killSwitch()).enabled;

  test("nothing stands in the way", async () => {
    expect((await lookAtEverything({ world, settings, options: { replaceEverything: false, appCannotTrade: false, app: "" } })).problems).toEqual([]);
  });

  test("interrupted after the import and undone, legacy goes on as if nothing had been", async () => {
    const before = readFileSync(join(checkout, "backend/.env"), "utf8");
    const interrupted = new AbortController();
    const first = mover("m1", { say: (line) => void (line.includes("Validate the platform") && interrupted.abort()), signal: interrupted.signal });
    await expect(performMove(first)).rejects.toThrow();
    expect(situationOf(first.journal.entries()).done.has("import")).toBe(true);
    expect((await world.host.look()).writers.worker.running).toBeUndefined();
    await undoMove(mover("m1"), false);
    expect([...(await world.target.counts())]).toEqual([]);
    expect([...(await world.target.environment()).keys()]).toEqual([]);
    expect(readFileSync(join(checkout, "backend/.env"), "utf8")).toBe(before);
    expect(await killSwitch()).toBe(false);
    const runs = (await world.source.counts()).get("ingestion_runs")!;
    await until(async () => (await world.source.counts()).get("ingestion_runs")! > runs, "the worker writes into legacy's again", 60_000);
  });

  test("moved for good, every row and file is there, and the worker writes into the new one", async () => {
    const second = mover("m2");
    await performMove(second);
    const { done } = situationOf(second.journal.entries());
    expect(done.get("compare")).toMatchObject({ files: 1 });
    expect((done.get("compare") as { documents: number }).documents).toBeGreaterThan(100);
    expect(evidence.verdict).toBe("pass");
    expect(JSON.parse(evidence.record!)).toMatchObject({ move: "m2", criticalTables: { ingestion_runs: expect.any(Number) as number }, freeze: { stoppedSeconds: expect.any(Number) as number } });
    expect((await world.target.environment()).get("MODEL_KEY")).toBe("of convex\nin two lines");
    const { writers } = await world.host.look();
    expect([writers.api.convexUrl, writers.worker.convexUrl]).toEqual([target.url, target.url]);
    expect(await killSwitch()).toBe(false);
    const counts = await world.source.counts();
    await new Promise((done) => setTimeout(done, 2_000));
    expect(await world.source.counts()).toEqual(counts);
  });

  test("and a second move is refused: the data has moved already", async () => {
    expect((await lookAtEverything({ world, settings, options: { replaceEverything: false, appCannotTrade: false, app: "" } })).problems.join("\n")).toMatch(/already: the data has moved|its data has moved/);
  });
});
