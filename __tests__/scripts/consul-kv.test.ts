import { ConsulKv } from "../../scripts/clients/consul-kv";
import { startDouble, type Double, type DoubleAnswer, type SeenRequest } from "../doctor/doubles/server";

const KEY = "gvfx/traffic";
let value: string | undefined;
let index: number;
let answers: (request: SeenRequest) => DoubleAnswer | undefined;
let consul: Double;
let kv: ConsulKv;

/** Consul's KV as it answers one key: a double. */
function answer(request: SeenRequest): DoubleAnswer {
  const planted = answers(request);
  if (planted) return planted;
  if (request.method === "GET") return value === undefined ? { status: 404 } : { body: [{ Value: Buffer.from(value).toString("base64"), ModifyIndex: index }] };
  const cas = Number(/cas=(\d+)/.exec(request.path)![1]);
  if (cas !== (value === undefined ? 0 : index)) return { body: "false" };
  value = request.body;
  index++;
  return { body: "true" };
}

beforeEach(async () => {
  [value, index, answers] = ["legacy", 7, () => undefined];
  consul = await startDouble(answer);
  kv = new ConsulKv([consul.url], "token");
});
afterEach(() => consul.close());

const writes = () => consul.requests.filter(({ method }) => method === "PUT");

test("reads, sets by check-and-set, and writes nothing that is so already", async () => {
  expect(await kv.read(KEY)).toEqual({ value: "legacy", index: 7 });
  await kv.set(KEY, "nomad");
  expect([value, writes().map(({ path }) => path)]).toEqual(["nomad", [`/v1/kv/${KEY}?cas=7`]]);
  await kv.set(KEY, "nomad");
  expect(writes()).toHaveLength(1);
  value = undefined;
  expect(await kv.read(KEY)).toBeUndefined();
  await kv.set(KEY, "legacy");
  expect(value).toBe("legacy");
});

test("planted: what somebody else sets at the same moment is not overwritten, and is named", async () => {
  answers = ({ method }) => {
    if (method === "PUT") [value, index] = ["nobody", 9];
    return undefined;
  };
  await expect(kv.set(KEY, "nomad")).rejects.toThrow(/gvfx\/traffic to nobody while it was to become nomad/);
  expect(value).toBe("nobody");
});

test("an answer that is lost after the write is no failure", async () => {
  answers = ({ method, body }) => {
    if (method !== "PUT") return undefined;
    [value, index] = [body, 8];
    return { status: 500, body: "rpc error" };
  };
  await kv.set(KEY, "nomad");
  expect(value).toBe("nomad");
});

test("a key that is hidden is not taken for an absent one; a refused write says what it needs", async () => {
  answers = () => ({ status: 404, headers: { "x-consul-results-filtered-by-acls": "true" } });
  await expect(kv.read(KEY)).rejects.toThrow(/may not read Consul's key gvfx\/traffic.*operator-consul-token/);
  answers = ({ method }) => (method === "PUT" ? { status: 403 } : undefined);
  await expect(kv.set(KEY, "nomad")).rejects.toThrow(/may not write Consul's key gvfx\/traffic/);
});

test("a server that is gone or without a leader is passed over", async () => {
  const ill = await startDouble(() => ({ status: 500, body: "No cluster leader" }));
  expect(await new ConsulKv(["http://127.0.0.1:1", ill.url, consul.url], "token").read(KEY)).toEqual({ value: "legacy", index: 7 });
  await expect(new ConsulKv([ill.url], "token").read(KEY)).rejects.toThrow(/500/);
  await ill.close();
});
