/** The stream between two nodes, with a double of ssh: both nodes are this machine. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { port } from "../../../contracts/units";
import { streamBetween } from "../../../scripts/clients/ssh-stream";

const node = (name: string) => ({ name, user: "root", host: "127.0.0.1", port: port(22), hostKey: "ssh-ed25519 AAAA" });
const program = join(__dirname, "doubles", "ssh.sh");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-stream-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const stream = (script: string, command: string, options: { readonly signal?: AbortSignal; readonly onBytes?: (count: number) => void } = {}) => streamBetween({ from: node("server-2"), script, to: node("server-1"), command }, { program, ...options });

test("every byte arrives and is counted; the receiver's command may hold any quote", async () => {
  let told = 0;
  const file = join(folder, "it's a \"file\"");
  const total = await stream("head -c 3000000 /dev/zero; printf 'end'", `cat >'${file.replaceAll("'", `'\\''`)}'`, { onBytes: (count) => (told += count) });
  expect([total, told]).toEqual([3_000_003, 3_000_003]);
  expect(readFileSync(file).subarray(-4).toString("latin1")).toBe("\0end");
});

test("a sender that fails after all its bytes is a failure: what it sent is not whole", async () => {
  await expect(stream("printf data; echo 'repository is damaged' >&2; exit 3", "cat >/dev/null")).rejects.toThrow("repository is damaged");
});

test("a receiver that fails ends the sender too", async () => {
  await expect(stream("yes", "echo 'no space left on device' >&2; exit 1")).rejects.toThrow("no space left on device");
});

test("a receiver that closes its input first and says why a moment later is heard", async () => {
  await expect(stream("yes", "exec <&-; sleep 0.5; echo 'no space left on device' >&2; exit 1")).rejects.toThrow("no space left on device");
});

test("an interrupt ends both", async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 200);
  await expect(stream("yes", "cat >/dev/null", { signal: stop.signal })).rejects.toMatchObject({ reason: "interrupted" });
});

test("without an ssh program that is said", async () => {
  await expect(streamBetween({ from: node("a"), script: "", to: node("b"), command: "true" }, { program: join(folder, "none") })).rejects.toThrow(/no ssh program/);
});
