/** Workers as a machine's processes show them: the script is really run here, over processes made for it. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseWriters, writersScript } from "../../scripts/cutover/world/writers";

const LINUX = process.platform === "linux" ? describe : describe.skip;

LINUX("on this machine", () => {
  let folder: string;
  let exchange: Server;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-writers-"));
    mkdirSync(join(folder, "jobs"));
    // Connects so often to the port that it is told, says so, and stays.
    writeFileSync(join(folder, "jobs/worker.ts"), `const net = require("node:net"); let left = Number(process.argv[3]); for (let n = left; n > 0; n--) net.connect(Number(process.argv[2]), "127.0.0.1", () => { if (--left === 0) console.log("there"); }); if (left === 0) console.log("there"); setInterval(() => {}, 1000);`);
    exchange = createServer((socket) => socket.on("error", () => socket.destroy())).listen(0, "127.0.0.1");
    await new Promise((resolve) => exchange.once("listening", resolve));
  });
  // Each leads a group: what a shell started ends with it.
  afterEach(() => running.splice(0).forEach((child) => process.kill(-child.pid!, "SIGKILL")));
  afterAll(async () => {
    await new Promise((resolve) => exchange.close(resolve));
    rmSync(folder, { recursive: true });
  });

  async function worker(sockets: number, { allocation, before = [] }: { readonly allocation?: string; readonly before?: readonly string[] } = {}): Promise<number> {
    const [command, ...args] = [...before, process.execPath, join(folder, "jobs/worker.ts"), String((exchange.address() as AddressInfo).port), String(sockets)];
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], detached: true, env: { PATH: process.env.PATH, ...(allocation ? { NOMAD_ALLOC_ID: allocation } : {}) } });
    running.push(child);
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    return child.pid!;
  }
  /** Those that these tests started; others may run here. */
  function seen(hosts: readonly string[] = ["127.0.0.1"]) {
    const { stdout, status } = spawnSync("sh", ["-s"], { input: writersScript(hosts), encoding: "utf8" });
    expect(status).toBe(0);
    const pids = new Set(running.map(({ pid }) => pid));
    const lines = stdout.split("\n").filter((line) => !line.startsWith("worker") || pids.has(Number(line.split(" ")[1])) || pids.has(Number(line.split(" ")[2])));
    return parseWriters(lines, "here");
  }

  test("a legacy worker and one of Nomad's, with their connections to the exchange and to nobody else", async () => {
    const pid = await worker(2);
    await worker(1, { allocation: "8a3f0000-0000-4000-8000-000000000000" });
    expect(seen()).toEqual(expect.arrayContaining([{ side: "legacy", where: `here, process ${pid}`, exchangeSockets: 2 }, { side: "nomad", where: "here, allocation 8a3f0000", exchangeSockets: 1 }]));
    expect(seen()).toHaveLength(2);
    expect(seen(["192.0.2.1"]).map(({ exchangeSockets }) => exchangeSockets)).toEqual([0, 0]);
  });

  test("what a shell or the lease's program started it by is no second one", async () => {
    await worker(1, { before: ["sh", "-c", '"$@"; exit $?', "worker-lease"] });
    expect(seen().map(({ exchangeSockets }) => exchangeSockets)).toEqual([1]);
  });

  test("none runs; an editor that has the file open is none", () => {
    const editor = spawn("tail", ["-f", join(folder, "jobs/worker.ts")], { stdio: "ignore", detached: true });
    running.push(editor);
    expect(seen()).toEqual([]);
  });
});

test("planted: a machine that shows no process is not one without a worker", () => {
  expect(() => parseWriters([], "server-1")).toThrow(/server-1 showed none of its processes.*\/proc/);
});

test("what a worker started belongs to it, however deep", () => {
  expect(parseWriters(["parent 1 0", "parent 10 1", "parent 11 10", "parent 12 11", "worker 10 1 - 1", "worker 12 11 - 2"], "legacy")).toEqual([{ side: "legacy", where: "legacy, process 10", exchangeSockets: 3 }]);
});
