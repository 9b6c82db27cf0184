import { ConsulKv, double, KEYS, TOKENS, type Double } from "./doubles";
import { program, type Move } from "./program";

const { Switches, ROLLED_BACK_BY_GUARDIAN } = program;
let consul: Double;
let kv: ConsulKv;
const moves: Move[] = [];

async function start(owner: string, traffic: string): Promise<{ rollBack(): Promise<string> }> {
  kv = new ConsulKv({ [KEYS.workerOwner]: owner, [KEYS.traffic]: traffic });
  consul = await double(kv.answer);
  moves.length = 0;
  const switches = new Switches({ address: consul.url, token: TOKENS.CONSUL_HTTP_TOKEN }, KEYS);
  return { rollBack: () => switches.rollBack((move) => void moves.push(move)) };
}
afterEach(() => consul.close());

test("moves the owner first and traffic after it, each by check-and-set with its own token, and a second time nothing", async () => {
  const { rollBack } = await start("nomad", "nomad");
  expect(await rollBack()).toBe("done");
  expect(kv.writes).toEqual(["gvfx/worker-owner=nobody", "gvfx/traffic=legacy"]);
  expect(moves).toEqual([{ key: KEYS.workerOwner, from: "nomad", to: "nobody" }, { key: KEYS.traffic, from: "nomad", to: "legacy" }]);
  expect(await rollBack()).toBe("nothing to do");
  expect(kv.writes).toHaveLength(2);
  expect(consul.requests.every((request) => request.headers["x-consul-token"] === TOKENS.CONSUL_HTTP_TOKEN)).toBe(true);
  expect(consul.requests.filter((request) => request.method === "GET").every((request) => request.query.has("consistent"))).toBe(true);
});

test("before the traffic switch only the owner is moved", async () => {
  const { rollBack } = await start("nomad", "legacy");
  expect(await rollBack()).toBe("done");
  expect(kv.writes).toEqual(["gvfx/worker-owner=nobody"]);
});

test.each(["legacy", "nobody"])("touches nothing while the owner is %s", async (owner) => {
  const { rollBack } = await start(owner, "nomad");
  expect(await rollBack()).toBe("nothing to do");
  expect(kv.writes).toEqual([]);
});

test("somebody else who takes the worker away at the same moment wins, and traffic stays theirs", async () => {
  const { rollBack } = await start("nomad", "nomad");
  kv.beforeWrite = (key) => key === KEYS.workerOwner && kv.set(key, "nobody");
  expect(await rollBack()).toBe("nothing to do");
  expect(kv.writes).toEqual([]);
  expect(kv.get(KEYS.traffic)).toBe("nomad");
});

test("a write that changes nothing of substance in between is retried, and gives up for this round when it never ends", async () => {
  const { rollBack } = await start("nomad", "nomad");
  let others = 1;
  kv.beforeWrite = (key) => others-- > 0 && kv.set(key, "nomad");
  expect(await rollBack()).toBe("done");
  expect(kv.writes).toEqual(["gvfx/worker-owner=nobody", "gvfx/traffic=legacy"]);
  kv.set(KEYS.workerOwner, "nomad");
  kv.beforeWrite = (key) => kv.set(key, "nomad");
  await expect(rollBack()).rejects.toThrow("gvfx/worker-owner changed 3 times");
});

test("traffic is left when the operator sets the owner between the two steps", async () => {
  const { rollBack } = await start("nomad", "nomad");
  kv.beforeWrite = (key) => key === KEYS.traffic && (kv.set(KEYS.workerOwner, "legacy"), kv.set(KEYS.traffic, "nomad"));
  await rollBack();
  expect(kv.get(KEYS.workerOwner)).toBe("legacy");
  expect(kv.get(KEYS.traffic)).toBe("nomad");
});

test("what an outage of Consul interrupted is finished later, by whichever guardian runs then", async () => {
  const { rollBack } = await start("nomad", "nomad");
  kv.outage = (request) => request.method === "PUT" && request.path.endsWith(KEYS.traffic);
  await expect(rollBack()).rejects.toThrow("PUT of gvfx/traffic answered 500");
  expect(kv.writes).toEqual(["gvfx/worker-owner=nobody"]);
  kv.outage = undefined;
  const another = new Switches({ address: consul.url, token: TOKENS.CONSUL_HTTP_TOKEN }, KEYS);
  expect(await another.rollBack(() => undefined)).toBe("done");
  expect(kv.get(KEYS.traffic)).toBe("legacy");
  // Traffic that is moved to Nomad after the roll-back is somebody's decision.
  kv.set(KEYS.traffic, "nomad");
  expect(await another.rollBack(() => undefined)).toBe("nothing to do");
  expect(kv.get(KEYS.traffic)).toBe("nomad");
});

test("a Consul that does not answer moves nothing", async () => {
  const { rollBack } = await start("nomad", "nomad");
  kv.outage = () => true;
  await expect(rollBack()).rejects.toThrow("answered 500");
  expect(kv.writes).toEqual([]);
  expect(ROLLED_BACK_BY_GUARDIAN).toBeGreaterThan(0);
});
