/** Each effect of the protocol is answered by one event, which claims no more than Consul said. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsulDouble, type Endpoint, type Fault, LEASE_KEY, OWNER_KEY } from "./consul-double";
import { keepingLog, load, program, settingsWith, TIMING, type Program } from "./program";

const folder = mkdtempSync(join(tmpdir(), "gvfx-consul-"));
const tokenFile = join(folder, "token");
afterAll(() => rmSync(folder, { recursive: true }));

let consul: ConsulDouble;
let agent: Endpoint;
beforeEach(async () => {
  consul = new ConsulDouble();
  agent = await consul.listen();
  writeFileSync(tokenFile, "token-of-the-test\n");
});
afterEach(() => consul.close());

function client({ of = program, node = "server-1" }: { of?: Program; node?: string } = {}) {
  const { log, lines } = keepingLog();
  const now = () => performance.now();
  const settings = settingsWith({ node, agents: [agent.url], tokenFile, timing: { ...TIMING, requestTimeoutMs: 500 } });
  const secrets = new Set<string>();
  const asked = new of.Consul(settings, { endpoints: new of.Endpoints(settings.agents, { now, log }), token: new of.TokenFile(tokenFile, secrets), trouble: new of.Trouble(log, now), now, holder: "nomad on server-1" });
  return { asked, lines, secrets };
}

/** Takes the lease; the session that holds it. */
async function take(asked: ReturnType<typeof client>["asked"]): Promise<string> {
  const { ownerIndex } = await asked.perform({ type: "observe" });
  const { session } = await asked.perform({ type: "create-session" });
  expect(await asked.perform({ type: "acquire", session, ownerIndex })).toEqual({ type: "acquired", session });
  return String(session);
}

test("a lease's whole life", async () => {
  const { asked, lines } = client();
  expect(await asked.perform({ type: "observe" })).toEqual({ type: "observed", owner: "nomad", ownerIndex: 11, holder: null });
  const before = performance.now();
  const created = await asked.perform({ type: "create-session" });
  const { session } = created;
  expect(created).toEqual({ type: "session-created", session: expect.any(String), sentAt: expect.any(Number) });
  expect(Number(created.sentAt)).toBeGreaterThanOrEqual(before);
  expect(await asked.perform({ type: "acquire", session, ownerIndex: 11 })).toEqual({ type: "acquired", session });
  expect(consul.leaseText()).toBe("nomad on server-1");
  expect(await asked.perform({ type: "observe" })).toMatchObject({ holder: session });
  expect(await asked.perform({ type: "renew", session })).toMatchObject({ type: "renewed", session, owner: "nomad" });
  expect(await asked.perform({ type: "release", session })).toEqual({ type: "released", session });
  expect(await asked.perform({ type: "destroy", session })).toEqual({ type: "destroyed", session });
  expect(consul.sessions.size).toBe(0);
  expect(lines).toEqual([]);
});

test("the request for the lease may be repeated: who holds it, gets it", async () => {
  const { asked } = client();
  const session = await take(asked);
  expect(await asked.perform({ type: "acquire", session, ownerIndex: 11 })).toEqual({ type: "acquired", session });
});

test("a renewal counts from before it was sent, however late its answer", async () => {
  const { asked } = client();
  const session = await take(asked);
  agent.fault = ({ path }) => (path.includes("renew") ? { delayMs: 200 } : undefined);
  const before = performance.now();
  const renewed = await asked.perform({ type: "renew", session });
  expect(Number(renewed.sentAt) - before).toBeLessThan(50);
  expect(performance.now() - before).toBeGreaterThan(190);
});

test("planted: a renewal that counts from its answer is seen", async () => {
  const { asked } = client({ of: load({ module: "consul.mjs", text: 'return { type: "renewed", session, sentAt, owner };', by: 'return { type: "renewed", session, sentAt: this.now(), owner };' }) });
  const session = await take(asked);
  agent.fault = ({ path }) => (path.includes("renew") ? { delayMs: 200 } : undefined);
  const before = performance.now();
  expect(Number((await asked.perform({ type: "renew", session })).sentAt) - before).toBeGreaterThan(190);
});

describe("a renewal is", () => {
  test.each<[string, (session: string) => void]>([
    ["the session expired", (session) => consul.end(session, "expired")],
    ["the key was deleted", () => consul.delete(LEASE_KEY)],
  ])("lost when %s", async (_, lose) => {
    const { asked } = client();
    const session = await take(asked);
    lose(session);
    expect(await asked.perform({ type: "renew", session })).toEqual({ type: "renew-lost", session });
  });

  test("lost when another session holds the lease, though this one lives", async () => {
    const { asked } = client();
    const session = await take(asked);
    consul.delete(LEASE_KEY);
    const other = await take(client().asked);
    expect(await asked.perform({ type: "renew", session })).toEqual({ type: "renew-lost", session });
    expect(consul.holder()).toBe(other);
  });

  test.each<[string, () => Fault]>([
    ["a 500", () => ({ status: 500, body: "rpc error: No cluster leader" })],
    ["silence", () => "silent"],
    ["a broken connection", () => "break"],
    ["a 403", () => ({ status: 403, body: "ACL not found" })],
    ["an answer that is none", () => ({ status: 200, body: "<html>" })],
    ["a 400", () => ({ status: 400 })],
  ])("failed, not lost, after %s, to either of its two requests", async (_, fault) => {
    const { asked } = client();
    const session = await take(asked);
    for (const half of ["renew", "txn"]) {
      agent.fault = ({ path }) => (path.includes(half) ? fault() : undefined);
      // What a renewal itself answers with beside 200 is not looked at.
      const readsOn = half === "renew" && JSON.stringify(fault()).includes("200");
      expect(await asked.perform({ type: "renew", session })).toMatchObject({ type: readsOn ? "renewed" : "renew-failed", session });
    }
    agent.fault = undefined;
    expect(await asked.perform({ type: "renew", session })).toMatchObject({ type: "renewed" });
  });

  test("failed, not lost, when a server that lags says 404 and the lease is still ours", async () => {
    const { asked } = client();
    const session = await take(asked);
    agent.fault = ({ path }) => (path.includes("renew") ? { status: 404, body: "Session id not found" } : undefined);
    expect(await asked.perform({ type: "renew", session })).toEqual({ type: "renew-failed", session });
  });

  test("failed, not lost, when the token may no longer read: Consul then leaves the keys out", async () => {
    const { asked, lines } = client();
    const session = await take(asked);
    agent.fault = ({ path }) => (path.includes("txn") ? { status: 200, body: JSON.stringify({ Results: [], Errors: null }) } : undefined);
    expect(await asked.perform({ type: "renew", session })).toEqual({ type: "renew-failed", session });
    expect(lines).toEqual([expect.objectContaining({ level: "error", event: "consul-refuses" })]);
  });

  test("planted: keys that were left out and taken for empty would be a lost lease", async () => {
    const { asked } = client({ of: load({ module: "consul.mjs", text: "if (found.some((entry) => entry === undefined))", by: "if (found.some((entry, i, all) => (all[i] ??= { Value: null }) === undefined))" }) });
    const session = await take(asked);
    agent.fault = ({ path }) => (path.includes("txn") ? { status: 200, body: JSON.stringify({ Results: [], Errors: null }) } : undefined);
    expect(await asked.perform({ type: "renew", session })).toEqual({ type: "renew-lost", session });
  });
});

describe("the request for the lease is", () => {
  test.each<[string, () => void]>([
    ["the owner key was written since it was read", () => consul.set(OWNER_KEY, "nomad")],
    ["the lock-delay lasts", () => {
      const [session] = [...consul.sessions.keys()];
      consul.end(session, "destroyed");
    }],
  ])("refused while %s", async (_, change) => {
    const { asked } = client();
    await take(asked);
    const { session } = await asked.perform({ type: "create-session" });
    change();
    expect(await asked.perform({ type: "acquire", session, ownerIndex: 11 })).toEqual({ type: "acquire-refused", session, why: expect.stringMatching(/the lease was refused: failed (index check|to lock key .* due to lock delay)/) });
  });

  test("failed, and explained, when the token may not take it: Consul says so within a 409", async () => {
    const { asked, lines } = client();
    const { session } = await asked.perform({ type: "create-session" });
    consul.powerless.add("token-of-the-test");
    expect(await asked.perform({ type: "acquire", session, ownerIndex: 11 })).toEqual({ type: "acquire-failed", session, why: "Consul refuses the token" });
    expect(lines).toEqual([expect.objectContaining({ event: "consul-refuses", message: expect.stringContaining("It needs key read on gvfx/worker-owner, key write on gvfx/worker-lease and session write on node server-1") })]);
  });

  test("failed when nobody knows what became of it", async () => {
    const { asked } = client();
    const { session } = await asked.perform({ type: "create-session" });
    agent.fault = () => "silent";
    expect(await asked.perform({ type: "acquire", session, ownerIndex: 11 })).toEqual({ type: "acquire-failed", session, why: "Consul gives no usable answer" });
  });
});

test("giving back what is not held is done; one that nobody answered is not", async () => {
  const { asked } = client();
  const { session } = await asked.perform({ type: "create-session" });
  expect(await asked.perform({ type: "release", session })).toEqual({ type: "released", session });
  agent.fault = () => ({ status: 500 });
  expect(await asked.perform({ type: "release", session })).toEqual({ type: "release-failed", session });
  expect(await asked.perform({ type: "destroy", session })).toEqual({ type: "destroy-failed", session });
});

test("a node that Consul does not know makes no session, and the log says what to do", async () => {
  const { asked, lines } = client({ node: "elsewhere" });
  expect(await asked.perform({ type: "create-session" })).toEqual({ type: "session-failed", why: "Consul gives no usable answer" });
  expect(lines[0].message).toContain("Consul knows no node elsewhere");
  expect(lines[0].fields.why).toContain("Missing node registration");
});

test("a token that was exchanged counts at the next request; while the file is being written, the one before serves", async () => {
  const { asked, lines, secrets } = client();
  const session = await take(asked);
  consul.tokens.clear();
  consul.tokens.add("token-of-tomorrow");
  expect(await asked.perform({ type: "renew", session })).toEqual({ type: "renew-failed", session });
  writeFileSync(tokenFile, "");
  expect(await asked.perform({ type: "renew", session })).toEqual({ type: "renew-failed", session });
  writeFileSync(tokenFile, "token-of-tomorrow");
  expect(await asked.perform({ type: "renew", session })).toMatchObject({ type: "renewed" });
  writeFileSync(tokenFile, "");
  expect(await asked.perform({ type: "renew", session })).toMatchObject({ type: "renewed" });
  expect(lines.map(({ event }) => event)).toEqual(["consul-refuses", "consul-answers"]);
  expect([...secrets]).toEqual(["token-of-the-test", "token-of-tomorrow"]);
});

test("without any token nothing is sent, and the log says where one is missing", async () => {
  rmSync(tokenFile);
  const { asked, lines } = client();
  expect(await asked.perform({ type: "observe" })).toEqual({ type: "observe-failed", why: "Consul refuses the token" });
  expect(agent.requests).toEqual([]);
  expect(lines[0].fields.why).toBe(`there is no token to ask with: ${tokenFile} cannot be read (ENOENT)`);
});
