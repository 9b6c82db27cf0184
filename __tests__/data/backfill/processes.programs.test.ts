/** The commands before the doubles as processes of their own: Convex, api and worker under Bun; the exchange is here. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import type { Environment } from "../../../environments/schema";
import { Exchange } from "../../../lab/doubles/exchange/app";
import { appApi } from "../../../scripts/data/backfill/app-api";
import { backfillCommands } from "../../../scripts/data/backfill/command";
import { convexCalls, QueryFailed, type ConvexCalls } from "../../../scripts/data/backfill/convex-calls";
import { convexMarketData } from "../../../scripts/data/backfill/convex-market-data";
import type { PairResult } from "../../../scripts/data/backfill/journal";
import type { CoverageReport } from "../../../scripts/data/backfill/report";
import { silentProgress } from "../../../scripts/data/progress";
import { describeWithBun, Process, until } from "../../lab/convex/processes";

jest.setTimeout(300_000);

const ROOT = join(__dirname, "../../..");
const TOKEN = "a-token-of-this-test";
const lab = loadEnvironment("lab");
const silence = Duration.seconds(25);
/** The worker of the double has each pair and feed in seven seconds by REST; a busy machine in more. */
const env: Environment = { ...lab, coverage: { ...lab.coverage, live: Duration.seconds(40), maxSilence: { ...lab.coverage.maxSilence, orderbook: silence, trades: silence, open_interest: silence, mark_index: silence, ticker: silence } } };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

describeWithBun("backfill and coverage with the doubles as processes", () => {
  let exchange: Server;
  let convex: Process;
  let api: string;
  let folder: string;
  const children: ChildProcess[] = [];
  let worker: ChildProcess;

  function start(program: string, more: Record<string, string>): ChildProcess {
    const { port } = exchange.address() as AddressInfo;
    const child = spawn("bun", [join(ROOT, "lab/doubles/backend", program)], {
      env: { PATH: process.env.PATH, CONVEX_URL: convex.url, TIMESCALE_URL: "postgres://app@127.0.0.1:1/app", RL_SERVICE_URL: "http://127.0.0.1:1", BINGX_BASE_URL: `http://127.0.0.1:${port}`, API_TOKEN: TOKEN, ...more },
      stdio: "ignore",
    });
    children.push(child);
    return child;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-backfill-"));
    const answering = new Exchange(() => []);
    exchange = createServer((request, response) => void answering.answer(new Request(`http://exchange.test${request.url}`), "127.0.0.1", Date.now()).then(async (answer) => response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())));
    await new Promise<void>((done) => exchange.listen(0, "127.0.0.1", done));
    convex = await Process.start(join(folder, "convex"));
    const port = await freePort();
    api = `http://127.0.0.1:${port}`;
    start("api/server.ts", { PORT: String(port) });
    await until(async () => (await fetch(`${api}/health`)).ok, "the double of the api answers");
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await convex?.stop();
    exchange?.closeAllConnections();
    exchange?.close();
    rmSync(folder, { recursive: true, force: true });
    process.exitCode = 0;
  });

  async function gvfx<T>(words: string, calls: (address: string) => ConvexCalls = convexCalls): Promise<T> {
    const output: string[] = [];
    const complaints: string[] = [];
    const commands = backfillCommands(() => env, { write: (text) => output.push(text), complain: (text) => complaints.push(text), progress: silentProgress, folder: () => folder, access: async () => ({ data: convexMarketData(calls(convex.url), async () => convex.key()), api: async () => appApi(api, TOKEN) }) });
    const [name, ...args] = words.split(" ");
    await commands.find((command) => command.name() === name)!.parseAsync([...args, "--json"], { from: "user" });
    if (complaints.length > 0) throw new Error(complaints.join("\n"));
    return JSON.parse(output.at(-1)!) as T;
  }
  const failing = ({ cells }: CoverageReport): string[] => [...new Set(cells.filter(({ verdict }) => verdict !== "pass").map(({ feed, verdict }) => `${feed} ${verdict}`))].sort();

  test("six crypto pairs: before, nothing passes; after the backfill, candles and funding do", async () => {
    expect(failing(await gvfx("coverage"))).toHaveLength(7);
    const { backfill, coverage } = await gvfx<{ backfill: PairResult[]; coverage: CoverageReport }>("backfill");
    expect(backfill.map(({ pair, outcome, calls }) => [pair, outcome, calls])).toEqual(env.markets.crypto.map((pair) => [pair, "covered", 1]));
    expect(coverage.cells.filter(({ feed }) => feed === "candles").map(({ verdict, series }) => [verdict, series[0].missing])).toEqual(env.markets.crypto.map(() => ["pass", 0]));
    expect(failing(coverage)).not.toEqual(expect.arrayContaining([expect.stringMatching(/candles|funding/)]));
  });

  test("with a worker, all seven feeds of all nine pairs pass; without it, the five that have no past fail again", async () => {
    worker = start("jobs/worker.ts", { BINGX_WS_ENABLED: "false" });
    const { backfill } = await gvfx<{ backfill: PairResult[] }>("backfill --gold --fresh");
    expect(backfill.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 9 }, () => "covered"));
    const report = await gvfx<CoverageReport>("coverage --gold --wait 3m");
    expect(failing(report)).toEqual([]);
    expect(report.cells).toHaveLength(63);
    expect(process.exitCode).toBe(0);

    // As on a Convex whose tables are too large for the app's own query.
    const large = (address: string): ConvexCalls => {
      const calls = convexCalls(address);
      return { ...calls, query: (path, args, options) => (path === "data:query" ? Promise.reject(new QueryFailed(path, "Too many documents read")) : calls.query(path, args, options)) };
    };
    expect(failing(await gvfx("coverage --gold", large))).toEqual([]);

    worker.kill("SIGKILL");
    await new Promise((done) => setTimeout(done, silence.milliseconds + 2_000));
    expect(failing(await gvfx("coverage"))).toEqual(["mark_index fail", "open_interest fail", "orderbook fail", "ticker fail", "trades fail"]);
    expect(process.exitCode).toBe(1);
  });
});
