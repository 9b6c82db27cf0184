import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { double, NomadVariables, TOKENS, type Double } from "./doubles";
import { program } from "./program";

const { Backlog, Ledger } = program;
const FOLDER = "gvfx/cutover/guardian";
let now = Date.parse("2026-01-01T12:00:00Z");
const clock = () => now;
const logged: string[] = [];
let nomad: Double;
let variables: NomadVariables;

beforeEach(() => {
  variables = new NomadVariables();
  logged.length = 0;
});
afterEach(() => nomad.close());

async function ledger(answer = variables.answer as Parameters<typeof double>[0]) {
  nomad = await double(answer);
  return new Ledger({ folder: FOLDER, namespace: "gvfx", writer: "0123abcd" }, { address: nomad.url, token: TOKENS.NOMAD_TOKEN }, { now: clock, log: (_level, message) => void logged.push(message) });
}

test("an entry is a variable of its own, created by check-and-set in its namespace with the workload's token", async () => {
  const book = await ledger();
  book.append("verdict", { trigger: "apiErrorRatio", value: 0.06, reason: "because", previous: null });
  book.append("verdict", { trigger: "rlErrorRatio" });
  await book.backlog.flush();
  expect([...variables.entries.keys()]).toEqual([`${FOLDER}/20260101T120000000Z-0123abcd-0001`, `${FOLDER}/20260101T120000000Z-0123abcd-0002`]);
  expect(variables.of("verdict")[0]).toEqual({ id: "20260101T120000000Z-0123abcd-0001", kind: "verdict", at: "2026-01-01T12:00:00.000Z", writer: "0123abcd", trigger: "apiErrorRatio", value: "0.06", reason: "because", previous: "" });
  for (const { query, headers } of nomad.requests) expect([query.get("cas"), query.get("namespace"), headers["x-nomad-token"]]).toEqual(["0", "gvfx", TOKENS.NOMAD_TOKEN]);
  // What Nomad takes as a variable's path.
  for (const path of variables.entries.keys()) expect(path).toMatch(/^[a-zA-Z0-9-_~/]{1,128}$/);
});

test("an answer that was lost is no second entry", async () => {
  let lost = 1;
  const book = await ledger((request) => {
    const answer = variables.answer(request);
    return request.method === "PUT" && lost-- > 0 ? undefined : answer;
  });
  book.append("start", {});
  await book.backlog.flush();
  expect(book.backlog.waiting).toHaveLength(1);
  now += 1_000;
  await book.backlog.flush();
  expect(book.backlog.waiting).toHaveLength(0);
  expect(variables.entries.size).toBe(1);
});

test("another entry under the same name is never rewritten", async () => {
  const book = await ledger();
  const taken = `${FOLDER}/${new Date(now).toISOString().replace(/[-:.]/g, "")}-0123abcd-0001`;
  variables.entries.set(taken, { id: "somebody else's", kind: "other" });
  book.append("start", {});
  await book.backlog.flush();
  expect(variables.entries.get(taken)).toEqual({ id: "somebody else's", kind: "other" });
  expect([...variables.entries.keys()]).toEqual([taken, `${taken}-2`]);
});

test("an outage is waited for with growing pauses, and entries arrive in order", async () => {
  const book = await ledger();
  variables.outage = true;
  book.append("first", {});
  await book.backlog.flush();
  for (const [pause, requests] of [[999, 1], [1, 2], [1_999, 2], [1, 3]]) {
    now += pause;
    await book.backlog.flush();
    expect(nomad.requests).toHaveLength(requests);
  }
  book.append("second", {});
  variables.outage = false;
  now += 4_000;
  await book.backlog.flush();
  expect([...variables.entries.values()].map((items) => items.kind)).toEqual(["first", "second"]);
  expect(logged.every((line) => line.includes("the ledger cannot be written"))).toBe(true);
});

test("the task API's unix socket goes before an address", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-"));
  nomad = await double(variables.answer, join(folder, "api.sock"));
  const book = new Ledger({ folder: FOLDER, namespace: "gvfx", writer: "w" }, { socketPath: join(folder, "api.sock"), address: "http://127.0.0.1:9", token: "t" }, { now: clock, log: (_level, message) => void logged.push(message) });
  book.append("start", {});
  await book.backlog.flush();
  expect(logged).toEqual([]);
  expect(variables.of("start")).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test("a full backlog gives up summaries first, then what is oldest, never what is on its way", async () => {
  nomad = await double(() => ({ status: 200 }));
  let release = () => undefined as void;
  const delivered: string[] = [];
  const backlog = new Backlog<string>(async (item) => {
    if (item === "a") await new Promise<void>((resolve) => (release = resolve));
    delivered.push(item);
  }, { limit: 3, expendable: (item) => item.startsWith("summary"), onFailure: () => undefined, now: clock });
  backlog.add("a");
  const flushed = backlog.flush();
  for (const item of ["b", "summary", "c", "d"]) backlog.add(item);
  release();
  await flushed;
  expect(delivered).toEqual(["a", "c", "d"]);
  expect(backlog.dropped).toBe(2);
});
