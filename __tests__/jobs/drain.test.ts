/** The drain script around a real server that, like the app, has no handler for SIGTERM. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DRAIN_SCRIPT } from "../../constructs/jobs/drain";

const linux = existsSync("/proc/net/tcp");
const folder = mkdtempSync(join(tmpdir(), "gvfx-drain-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "drain.sh"), DRAIN_SCRIPT);
// Answers after the milliseconds that the path names; closes the connection after each answer, as the gateway makes it.
writeFileSync(join(folder, "server.js"), `require("node:http").createServer((q, r) => setTimeout(() => { r.setHeader("connection", "close"); r.end("done"); }, Number(q.url.slice(1)))).listen(Number(process.argv[2]), "127.0.0.1");`);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ended = (child: ChildProcess) => new Promise<{ code: number | null; signal: string | null; at: number }>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal, at: Date.now() })));

async function started(port: number): Promise<void> {
  for (;;) {
    try {
      return void (await fetch(`http://127.0.0.1:${port}/0`));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

(linux ? describe : describe.skip)(`drain${linux ? "" : " (not run: no /proc/net/tcp)"}`, () => {
  test("a call in flight is answered, and only then the server stops", async () => {
    const port = await freePort();
    const child = spawn("sh", [join(folder, "drain.sh"), String(port), process.execPath, join(folder, "server.js"), String(port)]);
    const end = ended(child);
    await started(port);
    const call = fetch(`http://127.0.0.1:${port}/1500`).then(async (answer) => ({ text: await answer.text(), at: Date.now() }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill("SIGTERM");
    const answer = await call;
    expect(answer.text).toBe("done");
    expect((await end).at).toBeGreaterThanOrEqual(answer.at - 50);
  });

  test("without a call it stops at once, and says how the command ended", async () => {
    const port = await freePort();
    const child = spawn("sh", [join(folder, "drain.sh"), String(port), process.execPath, join(folder, "server.js"), String(port)]);
    const end = ended(child);
    await started(port);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const told = Date.now();
    child.kill("SIGTERM");
    const { code, at } = await end;
    expect(code).toBe(128 + 15);
    expect(at - told).toBeLessThan(3_000);
  });

  test("the command's own exit code is passed on", async () => {
    expect(await ended(spawn("sh", [join(folder, "drain.sh"), "1", process.execPath, "-e", "process.exit(7)"]))).toMatchObject({ code: 7 });
  });

  test("planted defect: without the drain, the call is cut", async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [join(folder, "server.js"), String(port)]);
    await started(port);
    const call = fetch(`http://127.0.0.1:${port}/1500`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill("SIGTERM");
    await expect(call).rejects.toThrow();
  });
});
