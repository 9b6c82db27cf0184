/** The modelled Consul does what the real one, 1.21.4, was measured to do, or what holds in the model would prove nothing. */
import { Consul, type Request } from "./consul";
import { loadProtocol } from "./protocol-source";
import { Timeline } from "./timeline";

const TTL_MS = 10_000;
const LOCK_DELAY_MS = 12_000;
const ON_DEPOSED = 1;

function cluster() {
  const timeline = new Timeline();
  const consul = new Consul(timeline, { ttlMs: TTL_MS, lockDelayMs: LOCK_DELAY_MS }, "nomad");
  const ask = (request: Request, contender = 0) => consul.handle(contender, request);
  const session = () => {
    const answer = ask({ type: "create" });
    return answer?.status === 200 ? answer.session! : "none";
  };
  const acquire = (of: string, ownerIndex = 1) => ask({ type: "acquire", session: of, ownerIndex })?.status;
  const holder = () => {
    const answer = ask({ type: "read" });
    return answer?.status === 200 ? answer.holder : answer?.status;
  };
  return { timeline, consul, ask, session, acquire, holder };
}

test("a session ends at twice its TTL after the last renewal, and its lock is kept back for the lock-delay", () => {
  const { timeline, ask, session, acquire, holder } = cluster();
  const first = session();
  expect(acquire(first)).toBe(200);
  timeline.run(5_000);
  expect(ask({ type: "renew", session: first })?.status).toBe(200);
  timeline.run(5_000 + 2 * TTL_MS - 1);
  expect(holder()).toBe(first);
  timeline.run(5_000 + 2 * TTL_MS);
  expect([holder(), ask({ type: "renew", session: first })?.status]).toEqual([null, 404]);
  const second = session();
  timeline.run(5_000 + 2 * TTL_MS + LOCK_DELAY_MS - 1);
  expect(acquire(second)).toBe(409);
  timeline.run(5_000 + 2 * TTL_MS + LOCK_DELAY_MS);
  expect(acquire(second)).toBe(200);
});

test.each([
  ["destroyed", (c: ReturnType<typeof cluster>, held: string) => c.ask({ type: "destroy", session: held }), 409],
  ["ended from outside", (c: ReturnType<typeof cluster>) => c.consul.endHolder(), 409],
  ["released", (c: ReturnType<typeof cluster>, held: string) => c.ask({ type: "release", session: held }), 200],
  ["released, then destroyed", (c: ReturnType<typeof cluster>, held: string) => [c.ask({ type: "release", session: held }), c.ask({ type: "destroy", session: held })], 200],
  ["deleted with its key", (c: ReturnType<typeof cluster>) => c.consul.deleteKey(), 200],
] as const)("a lock that was %s: another that asks at once", (_, end, expected) => {
  const c = cluster();
  const held = c.session();
  c.acquire(held);
  end(c, held);
  expect(c.holder()).toBeNull();
  expect(c.acquire(c.session())).toBe(expected);
});

test("the lock is taken only while the owner key is as it was seen", () => {
  const { consul, session, acquire } = cluster();
  const asking = session();
  consul.setOwner("legacy");
  consul.setOwner("nomad");
  expect(acquire(asking, 1)).toBe(409);
  expect(acquire("no session", 1)).toBe(409);
});

test("a new leader counts sessions anew; the deposed one answers renewals without effect, and nothing else", () => {
  const { timeline, consul, ask, session, acquire, holder } = cluster();
  const held = session();
  acquire(held);
  timeline.run(15_000);
  consul.loseLeader(1_000, { staleMs: 2_500, contenders: ON_DEPOSED });
  expect(ask({ type: "renew", session: held }, 1)?.status).toBe(500);
  timeline.run(17_000);
  expect([ask({ type: "renew", session: held })?.status, ask({ type: "read" })?.status]).toEqual([200, 500]);
  timeline.run(16_000 + 2 * TTL_MS - 1);
  expect(holder()).toBe(held);
  timeline.run(16_000 + 2 * TTL_MS);
  expect(holder()).toBeNull();
});

test("a planted defect whose text is not in the protocol is an error, and does not pass as found", () => {
  expect(() => loadProtocol({ text: "no such text", by: "" })).toThrow('"no such text" is 0 times in protocol.mjs');
});
