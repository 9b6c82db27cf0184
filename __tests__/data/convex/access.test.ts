import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { loadEnvironment } from "../../../environments/load";
import type { Environment } from "../../../environments/schema";
import { convexAccess, convexAddress } from "../../../scripts/data/convex/access";
import { adminKeyStore } from "../../../scripts/data/convex/admin-key-store";
import { computeAdminKey, openAdminKey } from "../../../scripts/data/convex/admin-key";

const production = loadEnvironment("production");
const lab = loadEnvironment("lab");
const TOKEN = "token of the operator";
const secret = createHash("sha256").update("the instance's secret").digest();
const instance = production.dataPlane.convexInstance;

test("production's addresses are those of the tailnet, the lab's are published on this machine", () => {
  expect(convexAddress(production, "nomad")).toBe("http://100.64.0.11:3210");
  expect(convexAddress({ ...production, dataPlane: { ...production.dataPlane, node: "server-2" } }, "nomad")).toBe("http://100.64.0.12:3210");
  expect(convexAddress(production, "legacy")).toBe("http://100.64.0.31:3210");
  expect(convexAddress(lab, "nomad")).toBe("http://127.0.0.1:13310");
  expect(convexAddress(lab, "legacy")).toBe("http://127.0.0.1:13311");
  expect(convexAddress({ ...lab, dataPlane: { ...lab.dataPlane, node: "server-2" } }, "nomad")).toBe("http://127.0.0.1:23310");
});

test("a port that the lab does not publish is named, with what to do", () => {
  const without: Environment = { ...lab, lab: { ...lab.lab!, published: [] } };
  expect(() => convexAddress(without, "legacy")).toThrow(/does not publish port 3210 of legacy.*lab\.published/s);
});

test("legacy's key is the variable's; its instance is the one that the key names", async () => {
  const key = computeAdminKey("legacy-instance", secret);
  const access = await convexAccess(production, "legacy", { LEGACY_CONVEX_ADMIN_KEY: ` ${key}\n` });
  expect(await access.adminKey()).toBe(key);
  expect(await access.instanceName()).toBe("legacy-instance");
});

test("a variable that is no key is refused without being repeated", async () => {
  const access = await convexAccess(production, "legacy", { LEGACY_CONVEX_ADMIN_KEY: "hunter2-and-more" });
  const failure = await access.adminKey().catch((error: Error) => error);
  expect((failure as Error).message).toMatch(/LEGACY_CONVEX_ADMIN_KEY has not the form of an admin key/);
  expect((failure as Error).message).not.toContain("hunter2");
});

test("with neither variable nor command, both ways are named", async () => {
  const env = { ...production, legacy: { ...production.legacy, commands: { ...production.legacy.commands, convexAdminKey: undefined } } };
  const access = await convexAccess(env, "legacy", {});
  await expect(access.adminKey()).rejects.toThrow(/LEGACY_CONVEX_ADMIN_KEY is not set.*legacy\.commands\.convexAdminKey/s);
});

describe("Vault", () => {
  let server: Server;
  /** By path: fields; "denied" answers 403. */
  let secrets: Map<string, Record<string, string> | "denied">;
  let version: number;
  beforeEach(async () => {
    secrets = new Map();
    version = 3;
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const path = request.url!.replace("/v1/gvfx/data/", "");
      const found = secrets.get(path);
      const answer = (status: number, body: unknown) => void response.writeHead(status).end(JSON.stringify(body));
      if (request.headers["x-vault-token"] !== TOKEN || found === "denied") return answer(403, { errors: ["permission denied"] });
      if (request.method === "POST") {
        const { options, data } = JSON.parse(Buffer.concat(chunks).toString()) as { options: { cas: number }; data: Record<string, string> };
        if (options.cas !== (found ? version : 0)) return answer(400, { errors: ["check-and-set parameter did not match"] });
        secrets.set(path, data);
        return answer(200, {});
      }
      if (!found) return answer(404, { errors: [] });
      answer(200, { data: { data: found, metadata: { version } } });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  });
  afterEach(() => new Promise((done) => server.close(done)));

  const store = (token: string | undefined = TOKEN) => adminKeyStore({ ...production, vault: { ...production.vault, operatorAddress: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } }, { VAULT_TOKEN: token });
  const place = (key?: string) => {
    secrets.set("data/convex", { INSTANCE_SECRET: secret.toString("hex") });
    if (key) secrets.set("data/convex-admin", { CONVEX_ADMIN_KEY: key, OTHER: "kept" });
  };

  test("a key is made of the secret, stored beside what is there, and taken from there", async () => {
    place();
    const made = await store().read();
    expect(made.stored).toBe(false);
    expect(openAdminKey(made.key, secret)?.instance).toBe(instance);
    secrets.set("data/convex-admin", { OTHER: "kept" });
    await store().store(made.key);
    expect(secrets.get("data/convex-admin")).toEqual({ OTHER: "kept", CONVEX_ADMIN_KEY: made.key });
    expect(await store().read()).toMatchObject({ key: made.key, stored: true });
  });

  test.each([
    ["of another secret", computeAdminKey(instance, createHash("sha256").update("the old one").digest())],
    ["of another instance", computeAdminKey("another", secret)],
    ["that is none", "nonsense"],
  ])("a stored key %s is not used", async (_what, stale) => {
    place(stale);
    const { key, stored } = await store().read();
    expect(stored).toBe(false);
    expect(openAdminKey(key, secret)?.instance).toBe(instance);
  });

  test("whoever may read the key alone takes it as it is", async () => {
    const key = computeAdminKey(instance, secret);
    place(key);
    secrets.set("data/convex", "denied");
    expect(await store().read()).toEqual({ key, stored: true, issued: undefined });
    secrets.set("data/convex-admin", "denied");
    await expect(store().read()).rejects.toThrow(/may read neither gvfx\/data\/convex .* nor a key in gvfx\/data\/convex-admin/);
  });

  test("no secret, no token, no right to write, a change meanwhile: each says what to do", async () => {
    await expect(store().read()).rejects.toThrow(/no INSTANCE_SECRET in gvfx\/data\/convex/);
    expect(() => store("")).toThrow(/VAULT_TOKEN is not set/);
    place(computeAdminKey(instance, secret));
    const opened = store();
    secrets.set("data/convex-admin", "denied");
    await expect(opened.store("k")).rejects.toThrow(/may not read and write gvfx\/data\/convex-admin/);
  });
});
