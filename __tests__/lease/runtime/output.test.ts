/** Lines that never wait for their reader, and never show a token. */
import { spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { FOLDER, keepingLog, program } from "./program";

const folder = mkdtempSync(join(tmpdir(), "gvfx-output-"));
afterAll(() => rmSync(folder, { recursive: true }));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** More than a pipe takes: 64 KiB. */
const LINE = "x".repeat(1_000);

describe("a pipe whose reader hangs", () => {
  const path = join(folder, "pipe");
  let reader: number;
  let writer: number;
  beforeEach(() => {
    rmSync(path, { force: true });
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    writer = openSync(path, constants.O_WRONLY);
  });
  afterEach(() => [reader, writer].forEach((fd) => closeSync(fd)));

  const readAll = () => {
    const buffer = Buffer.alloc(1 << 20);
    try {
      return buffer.toString("utf8", 0, readSync(reader, buffer));
    } catch {
      return "";
    }
  };

  test("stops nobody; what fits waits, the rest is dropped and counted, and whole lines arrive in their order", async () => {
    const output = new program.Output(writer);
    expect(output.kind).toBe("pipe");
    const start = performance.now();
    for (let i = 0; i < 1_000; i += 1) output.line(`${i} ${LINE}`);
    expect(performance.now() - start).toBeLessThan(500);
    expect(output.waiting.length).toBeGreaterThan(100);
    expect(output.dropped).toBeGreaterThan(500);
    let text = "";
    while (output.waiting.length > 0) {
      text += readAll();
      await pause(20);
    }
    text += readAll();
    const numbers = text.trimEnd().split("\n").map((line) => {
      expect(line).toMatch(/^\d+ x{1000}$/);
      return Number(line.split(" ")[0]);
    });
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.length + output.dropped).toBe(1_000);
    expect(numbers.at(-1)).toBe(999);
  });

  test("the worker's own end of it stays as it was: it waits for its reader", async () => {
    const output = new program.Output(writer);
    output.line("ours");
    // A program that shares the open pipe and must write more than it takes.
    const child = spawn("sh", ["-c", "head -c 100000 /dev/zero && echo done >&2"], { stdio: ["ignore", writer, "pipe"] });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk));
    await pause(200);
    let size = 0;
    for (let i = 0; i < 100 && size < 100_000; i += 1) {
      size += readAll().length;
      await pause(20);
    }
    await new Promise((resolve) => (child.exitCode === null ? child.once("exit", resolve) : resolve(0)));
    expect(said).toBe("done\n");
  });
});

test("a pipe that nobody will read again costs its lines, and nothing else", () => {
  const path = join(folder, "gone");
  spawnSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  const output = new program.Output(writer);
  closeSync(reader);
  output.line("unread");
  expect(output).toMatchObject({ dropped: 1, waiting: [] });
  closeSync(writer);
});

test("a socket whose reader hangs stops nobody either", async () => {
  const accepted = new Promise<Socket>((resolve) => {
    const server = createServer((socket) => {
      server.close();
      resolve(socket.pause());
    });
    server.listen(join(folder, "socket"));
  });
  // A program whose standard output is a socket, as systemd's journal gives it.
  const client = connect(join(folder, "socket"));
  const there = await accepted;
  await new Promise((resolve) => setImmediate(resolve));
  const text = `import { Output } from ${JSON.stringify(join(FOLDER, "output.mjs"))};
    const output = new Output(1);
    const start = performance.now();
    for (let i = 0; i < 2000; i += 1) output.line(i + " ${LINE}");
    console.error(JSON.stringify({ kind: output.kind, ms: performance.now() - start, waiting: output.waiting.length, stuck: output.stuck }));
    setTimeout(() => process.kill(process.pid, "SIGKILL"), 100);`;
  writeFileSync(join(folder, "socket.mjs"), text);
  const child = spawn(process.execPath, [join(folder, "socket.mjs")], { stdio: ["ignore", (client as unknown as { _handle: { fd: number } })._handle.fd, "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk));
  await new Promise((resolve) => child.once("close", resolve));
  const { kind, ms, waiting, stuck } = JSON.parse(said) as { kind: string; ms: number; waiting: number; stuck: boolean };
  expect([kind, stuck]).toEqual(["socket", true]);
  expect(ms).toBeLessThan(500);
  expect(waiting).toBeGreaterThan(100);
  there.destroy();
  client.destroy();
});

test("a file gets every line at once", () => {
  const path = join(folder, "file");
  const fd = openSync(path, "a");
  const output = new program.Output(fd);
  for (let i = 0; i < 500; i += 1) output.line(LINE);
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe(`${LINE}\n`.repeat(500));
});

test("a line is one JSON object, and quotes no token, whatever says it", () => {
  const lines: string[] = [];
  const secrets = new Set<string>();
  const log = program.jsonLog((line) => lines.push(line), { secrets, now: () => new Date(0) });
  secrets.add("0123-secret");
  log("error", "consul-refuses", "token 0123-secret is refused", { why: ["0123-secret"] });
  expect(lines).toEqual(['{"at":"1970-01-01T00:00:00.000Z","level":"error","event":"consul-refuses","message":"token [token] is refused","why":["[token]"]}']);
});

test("trouble that lasts is told when it begins, changes and ends, and every half minute", () => {
  const { log, lines } = keepingLog();
  let at = 0;
  const trouble = new program.Trouble(log, () => at);
  for (; at < 65_000; at += 1_000) trouble.met("consul", "warning", "consul-fails", "m", { why: "w" });
  expect(lines.map(({ fields }) => fields)).toEqual([{ why: "w", times: 1, lastsMs: 0 }, { why: "w", times: 31, lastsMs: 30_000 }, { why: "w", times: 61, lastsMs: 60_000 }]);
  trouble.met("consul", "error", "consul-refuses", "other", {});
  trouble.over("consul");
  trouble.over("consul");
  expect(lines.slice(3)).toEqual([
    { level: "error", event: "consul-refuses", message: "other", fields: { times: 66, lastsMs: 65_000 } },
    { level: "info", event: "consul-answers", message: "consul is well again", fields: { times: 66, lastedMs: 65_000 } },
  ]);
});
