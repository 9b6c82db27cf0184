import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE_ROLES, parseImageLock } from "../../contracts/images";
import { loadEnvironment } from "../../environments/load";
import { Engine } from "../../scripts/lab/engine";
import { LabRegistry } from "../../scripts/lab/registry";

const base = loadEnvironment("lab");
const folder = mkdtempSync(join(tmpdir(), "gvfx-registry-"));
const calls = join(folder, "calls");
const digest = (n: number) => `sha256:${String(n).repeat(64)}`;

/** A double of the engine's program: it writes down what it was asked, and answers as an engine does. */
const program = join(folder, "docker");
writeFileSync(
  program,
  `#!/bin/sh
echo "$*" >>${calls}
case "$*" in
  *"image inspect"*missing*) echo "No such image" >&2; exit 1 ;;
  *"image inspect"*) echo "sha256:\${IMAGE_ID:-aaaaaaaaaaaa}bbbb" ;;
  push*) echo "latest: digest: ${digest(1)} size: 1" ;;
  pull*missing*) exit 1 ;;
esac
`,
);
chmodSync(program, 0o755);

let server: Server;
let lab = base.lab!;
/** Whether the registry still has what was pushed. */
let kept = true;

beforeAll(async () => {
  server = createServer((request, response) => void response.writeHead(kept || request.url === "/v2/" ? 200 : 404).end()).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  lab = { ...lab, published: [{ machine: "registry", port: 5000, on: (server.address() as AddressInfo).port }] as unknown as typeof lab.published };
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => writeFileSync(calls, ""));

const environment = { ...base, images: { ...base.images, lockFile: join(folder, "images.lock.json") } };
const asked = (what: string) => readFileSync(calls, "utf8").split("\n").filter((line) => line.includes(what));
const registry = (sources = lab.sources, variables: Record<string, string> = {}) => new LabRegistry(environment, lab, sources, new Engine([program], { ...process.env, ...variables }));

test("what is pushed is pinned by the registry's digest, and both nodes pull it by that", async () => {
  expect(await registry().distribute(() => undefined)).toBe(`${IMAGE_ROLES.length} of ${IMAGE_ROLES.length} pushed`);
  const lock = parseImageLock(JSON.parse(readFileSync(environment.images.lockFile, "utf8")));
  expect(new Set(Object.values(lock).map((image) => image.digest))).toEqual(new Set([digest(1)]));
  for (const node of ["gvfx-lab-server-1", "gvfx-lab-server-2"]) expect(asked(`exec ${node} docker pull`)).toHaveLength(IMAGE_ROLES.length);
  expect(asked("push 127.0.0.1:")).toHaveLength(IMAGE_ROLES.length);
});

test("what is there already is not pushed again; what the registry lost, or was built anew, is", async () => {
  expect(await registry().distribute(() => undefined)).toMatch(/^0 of/);
  kept = false;
  expect(await registry().distribute(() => undefined)).toMatch(/^9 of/);
  kept = true;
  expect(await registry(lab.sources, { IMAGE_ID: "cccccccccccc" }).distribute(() => undefined)).toMatch(/^9 of/);
});

test("an image that was not built is named, and the lock file stays as it was", async () => {
  const before = readFileSync(environment.images.lockFile, "utf8");
  await expect(registry({ ...lab.sources, backend: "gvfx-lab/missing:lab" }).distribute(() => undefined)).rejects.toThrow(/gvfx-lab\/missing:lab \(backend\) is not in the engine.*images\.mjs/);
  expect(readFileSync(environment.images.lockFile, "utf8")).toBe(before);
});

test("official images that nobody has are listed, all at once, with the way to bring them", async () => {
  await expect(registry({ ...lab.sources, postgres: "postgres:missing", haproxy: "haproxy:missing" }).fetchSources(() => undefined)).rejects.toThrow(/2 images are neither in the engine nor to be had.*postgres:missing, haproxy:missing\n.*docker load/s);
});

test("an environment without a lock file of its own is refused: the committed one would be overwritten", () => {
  expect(() => new LabRegistry({ ...base, images: { ...base.images, lockFile: undefined } }, lab)).toThrow(/no lock file of its own/);
});
