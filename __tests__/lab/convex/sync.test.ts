import { SyncSession } from "../../../lab/doubles/convex/http/sync";
import type { Value } from "../../../lab/doubles/convex/values/value";

interface Sent {
  readonly type: string;
  readonly error?: string;
  readonly startVersion: { querySet: number; identity: number; ts: string };
  readonly endVersion: { querySet: number; identity: number; ts: string };
  readonly modifications: { type: string; queryId: number; value?: unknown; errorMessage?: string }[];
}

function client(answer: (path: string, admin: boolean) => Promise<Value>) {
  const sent: Sent[] = [];
  const session = new SyncSession({
    isAdmin: (key) => key === "right",
    query: (path, _args, admin) => answer(path, admin),
    send: (message) => void sent.push(JSON.parse(JSON.stringify(message)) as Sent),
  });
  return { sent, session, say: (message: object) => session.receive(JSON.stringify(message)) };
}

const add = (newVersion: number, queryId: number) => ({ type: "ModifyQuerySet", baseVersion: newVersion - 1, newVersion, modifications: [{ type: "Add", queryId, udfPath: "q", args: [{}] }] });
const authenticate = (value: string) => ({ type: "Authenticate", baseVersion: 0, tokenType: "Admin", value });

test("versions follow each other from zero, and a query's answer comes with its set", async () => {
  const { sent, say } = client(async () => ({ state: "completed", start_ts: 7n }));
  await say({ type: "Connect" });
  await say(authenticate("right"));
  await say(add(1, 0));
  expect(sent.map(({ type }) => type)).toEqual(["Transition", "Transition"]);
  expect(sent[0].startVersion).toEqual({ querySet: 0, identity: 0, ts: "AAAAAAAAAAA=" });
  expect(sent[0].endVersion).toMatchObject({ querySet: 0, identity: 1 });
  expect(sent[1].startVersion).toEqual(sent[0].endVersion);
  expect(sent[1].endVersion).toMatchObject({ querySet: 1, identity: 1 });
  expect(sent[1].modifications).toEqual([{ type: "QueryUpdated", queryId: 0, value: { state: "completed", start_ts: { $integer: "BwAAAAAAAAA=" } }, logLines: [], journal: null }]);
});

test("a changed answer is told once", async () => {
  let value = "requested";
  const { sent, session, say } = client(async () => value);
  await say(add(1, 0));
  await session.refresh();
  value = "completed";
  await session.refresh();
  await session.refresh();
  expect(sent.map(({ modifications }) => modifications[0].value)).toEqual(["requested", "completed"]);
});

test("a wrong key ends the session", async () => {
  const { sent, say } = client(async () => null);
  await say(authenticate("wrong"));
  expect(sent).toEqual([{ type: "FatalError", error: expect.stringContaining("BadAdminKey") }]);
});

test("a query that fails says so, and one that is removed is asked no more", async () => {
  let calls = 0;
  const { sent, session, say } = client(async () => {
    calls++;
    throw new Error("no such query");
  });
  await say(add(1, 4));
  expect(sent[0].modifications[0]).toMatchObject({ type: "QueryFailed", queryId: 4, errorMessage: "no such query" });
  await say({ type: "ModifyQuerySet", baseVersion: 1, newVersion: 2, modifications: [{ type: "Remove", queryId: 4 }] });
  expect(sent[1].modifications).toEqual([{ type: "QueryRemoved", queryId: 4 }]);
  await session.refresh();
  expect(calls).toBe(1);
});

test("mutations by websocket are refused by name", async () => {
  const { sent, say } = client(async () => null);
  await say({ type: "Mutation", requestId: 0, udfPath: "m", args: [{}] });
  expect(sent[0]).toMatchObject({ type: "FatalError", error: expect.stringContaining("POST /api/mutation") });
});
