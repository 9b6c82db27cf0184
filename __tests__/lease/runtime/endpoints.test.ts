/** Who is asked, when, and what becomes of those that do not answer. */
import { ConsulDouble, type Endpoint, type Fault, LEASE_KEY, OWNER_KEY } from "./consul-double";
import { keepingLog, load, program, type Program } from "./program";

const READ = { token: "token-of-the-test", body: JSON.stringify([OWNER_KEY, LEASE_KEY].map((Key) => ({ KV: { Verb: "get-or-empty", Key } }))), timeoutMs: 2_000 };
const PATH = "/v1/txn?consistent";

let consul: ConsulDouble;
let agent: Endpoint;
let server: Endpoint;
beforeEach(async () => {
  consul = new ConsulDouble();
  agent = await consul.listen();
  server = await consul.listen();
});
afterEach(() => consul.close());

function endpoints({ urls = [agent.url, server.url], of = program, now = () => performance.now() }: { urls?: string[]; of?: Program; now?: () => number } = {}) {
  const { log, lines } = keepingLog();
  return { lines, asked: new of.Endpoints(urls, { now, log }) };
}

const took = async (work: Promise<unknown>) => {
  const start = performance.now();
  await work;
  return performance.now() - start;
};

test("the agent is asked first, and alone while it answers", async () => {
  const { asked, lines } = endpoints();
  expect(await asked.ask(PATH, READ)).toMatchObject({ status: 200 });
  expect([agent.requests.length, server.requests.length, lines.length]).toEqual([1, 0, 0]);
  expect(agent.requests[0].token).toBe("token-of-the-test");
});

test.each<[string, () => void | Promise<void>]>([
  ["refuses connections", () => agent.refuse()],
  ["breaks the connection", () => void (agent.fault = () => "break")],
  ["answers 500", () => void (agent.fault = () => ({ status: 500, body: "No known Consul servers" }))],
  ["answers 429", () => void (agent.fault = () => ({ status: 429 }))],
  ["answers 403, as one does that does not know a new token yet", () => void (agent.fault = () => ({ status: 403 }))],
])("an agent that %s is not waited for: the server answers at once", async (_, fail) => {
  await fail();
  const { asked } = endpoints();
  const ms = await took(asked.ask(PATH, READ).then(({ status }) => expect(status).toBe(200)));
  expect(ms).toBeLessThan(350);
  expect(server.requests).toHaveLength(1);
});

test("a silent agent costs 400 ms once, and not once a request", async () => {
  agent.fault = () => "silent";
  const { asked, lines } = endpoints();
  const first = await took(asked.ask(PATH, READ));
  expect(first).toBeGreaterThan(380);
  expect(first).toBeLessThan(900);
  for (let i = 0; i < 3; i += 1) expect(await took(asked.ask(PATH, READ))).toBeLessThan(350);
  expect(agent.requests).toHaveLength(1);
  expect(lines).toEqual([expect.objectContaining({ level: "warning", event: "consul-endpoint", message: expect.stringContaining(`asked at ${server.url} now, since ${agent.url} fails`) })]);
});

test("an agent that is well again is asked first again after ten seconds", async () => {
  let ahead = 0;
  const { asked, lines } = endpoints({ now: () => performance.now() + ahead });
  agent.fault = () => ({ status: 500 });
  await asked.ask(PATH, READ);
  agent.fault = undefined;
  await asked.ask(PATH, READ);
  expect(agent.requests).toHaveLength(1);
  ahead = 10_001;
  await asked.ask(PATH, READ);
  expect(agent.requests).toHaveLength(2);
  expect(lines.at(-1)).toMatchObject({ level: "info", message: `Consul answers at ${agent.url} again` });
});

test("a slow agent's answer counts when it is there before the server's", async () => {
  agent.fault = () => ({ delayMs: 600 });
  server.fault = () => "silent";
  const { asked } = endpoints();
  expect(await asked.ask(PATH, READ)).toMatchObject({ status: 200 });
  expect(server.requests).toHaveLength(1);
});

test("when nobody answers it ends in time, and says what each one did", async () => {
  agent.fault = () => "silent";
  server.fault = () => ({ status: 500, body: "No cluster leader" });
  const { asked } = endpoints();
  const start = performance.now();
  await expect(asked.ask(PATH, { ...READ, timeoutMs: 700 })).rejects.toThrow(new RegExp(`${server.url}: answered 500: No cluster leader; ${agent.url}: TIMEOUT: no answer within (700|6\\d\\d) ms`));
  expect(performance.now() - start).toBeLessThan(1_000);
});

test("when one refuses the token and the rest is gone, the refusal is told", async () => {
  agent.fault = () => ({ status: 403, body: "ACL not found" });
  await server.refuse();
  const { asked } = endpoints();
  await expect(asked.ask(PATH, READ)).rejects.toMatchObject({ refused: { url: agent.url, status: 403 } });
});

test("404 and 409 are answers, and nobody else is asked", async () => {
  const { asked } = endpoints();
  for (const status of [404, 409]) {
    agent.fault = () => ({ status });
    expect(await asked.ask(PATH, READ)).toMatchObject({ status });
  }
  expect(server.requests).toHaveLength(0);
});

describe("the connection", () => {
  const connections = () => new Set(agent.requests.map(({ connection }) => connection)).size;

  test("is kept while all is well", async () => {
    const { asked } = endpoints();
    for (let i = 0; i < 5; i += 1) await asked.ask(PATH, READ);
    expect(connections()).toBe(1);
  });

  test.each<[string, Fault]>([["a 500", { status: 500 }], ["a break", "break"]])("is a new one after %s", async (_, fault) => {
    const { asked } = endpoints({ urls: [agent.url] });
    await asked.ask(PATH, READ);
    agent.fault = () => (agent.requests.length < 4 ? fault : undefined);
    await asked.ask(PATH, READ).catch(() => undefined);
    const before = new Set(agent.requests.map(({ connection }) => connection));
    agent.fault = undefined;
    expect(await asked.ask(PATH, READ)).toMatchObject({ status: 200 });
    expect(before.has(agent.requests[agent.requests.length - 1].connection)).toBe(false);
  });

  test("that went silent holds up no request but its own, and none after that", async () => {
    const { asked } = endpoints({ urls: [agent.url] });
    await asked.ask(PATH, READ);
    const [{ connection }] = agent.requests;
    agent.fault = (request) => (request.connection === connection ? "silent" : undefined);
    const held = asked.ask(PATH, { ...READ, timeoutMs: 500 });
    expect(await took(asked.ask(PATH, READ))).toBeLessThan(350);
    await expect(held).rejects.toThrow(/TIMEOUT/);
    for (let i = 0; i < 3; i += 1) expect(await took(asked.ask(PATH, READ))).toBeLessThan(350);
  });

  test("that went silent while there is another endpoint costs 400 ms", async () => {
    const { asked } = endpoints();
    await asked.ask(PATH, READ);
    const [{ connection }] = agent.requests;
    agent.fault = (request) => (request.connection === connection ? "silent" : undefined);
    expect(await took(asked.ask(PATH, READ))).toBeLessThan(900);
  });

  test("that the other side closed meanwhile costs nothing: the same is asked by a new one", async () => {
    const { asked, lines } = endpoints({ urls: [agent.url] });
    await asked.ask(PATH, READ);
    const [{ connection }] = agent.requests;
    agent.fault = (request) => (request.connection === connection ? "break" : undefined);
    expect(await asked.ask(PATH, READ)).toMatchObject({ status: 200 });
    expect(lines).toEqual([]);
  });

  test("planted: one that is kept after a failure would be used again", async () => {
    const { asked } = endpoints({ urls: [agent.url], of: load({ module: "consul-endpoints.mjs", text: "    this.agent = this.#newAgent();\n    this.kept = false;", by: "" }) });
    await asked.ask(PATH, READ);
    agent.fault = () => (agent.requests.length === 2 ? { status: 500 } : undefined);
    await expect(asked.ask(PATH, READ)).rejects.toThrow(/500/);
    await asked.ask(PATH, READ);
    expect(connections()).toBe(1);
  });
});

test("one that is no longer needed is let go of", async () => {
  agent.fault = () => "silent";
  const { asked } = endpoints();
  await asked.ask(PATH, READ);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(agent.requests[0].connection.destroyed).toBe(true);
});

test("planted: without asking the next one while the first is silent, the request is lost", async () => {
  const defect = load({ module: "consul-endpoints.mjs", text: "const HEDGE_MS = 400;", by: "const HEDGE_MS = 60_000;" });
  agent.fault = () => "silent";
  const { asked } = endpoints({ of: defect });
  await expect(asked.ask(PATH, { ...READ, timeoutMs: 700 })).rejects.toThrow(/TIMEOUT/);
});
