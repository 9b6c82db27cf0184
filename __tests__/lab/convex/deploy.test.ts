import { createHash } from "node:crypto";
import { brotliCompressSync } from "node:zlib";
import { Deployments, type PushedModule, type PushRequest } from "../../../lab/doubles/convex/deploy/deployments";
import { EnvironmentVariables } from "../../../lab/doubles/convex/deploy/environment";
import { declaredSchema, indexChange } from "../../../lab/doubles/convex/deploy/schema-text";
import { Caller } from "../../../lab/doubles/convex/http/calls";
import { deployRoutes } from "../../../lab/doubles/convex/http/deploy";
import type { DocumentStore } from "../../../lab/doubles/convex/store/store";
import { MemoryFacts } from "./memory-facts";

const SCHEMA = `
var o = (e, r) => e;
o(Z, "defineTable");
var system = { _storage: Z({ sha256: t.string() }), limits: { schemaValidation: !1 } };
var ji = Y({
  trades: Z({
    pair: t.string()
  }).index("by_pair", ["pair"]).index("by_pair_time", ["pair", "time"]),
  "notes": Z({ text: t.string() }),
  runs: Z({ id: t.string() }).index("by_id", { fields: ["id"], staged: !0 })
}, { strictTableNameTypes: !1 });`;

const pushedModule = (path: string, source = `export const ${path.replace(".js", "")} = 1;`): PushedModule => ({ path, source, environment: "isolate" });
const sha256 = (...texts: string[]) => createHash("sha256").update(texts.join("")).digest("hex");

function push(changes: Partial<PushRequest["appDefinition"]> = {}): PushRequest {
  return { functions: "convex/", dryRun: false, componentDefinitions: [], appDefinition: { schema: pushedModule("schema.js", SCHEMA), changedModules: [pushedModule("data.js"), { ...pushedModule("e2e.js"), sourceMap: "map" }], unchangedModuleHashes: [], udfServerVersion: "1.48.0", ...changes } };
}

describe("a schema's text", () => {
  test("says its tables and indexes under the names that the CLI's bundler gives; the system's own left out", () => {
    expect(declaredSchema(SCHEMA)).toEqual({
      tables: ["trades", "notes", "runs"],
      indexes: [{ name: "trades.by_pair", fields: ["pair"] }, { name: "trades.by_pair_time", fields: ["pair", "time"] }, { name: "runs.by_id", fields: ["id"] }],
      schemaValidation: true,
    });
    expect(declaredSchema(SCHEMA.replace("strictTableNameTypes", "schemaValidation")).schemaValidation).toBe(false);
  });

  test("an index with other fields is removed and added", () => {
    const [a, b, changed] = [{ name: "t.a", fields: ["x"] }, { name: "t.b", fields: ["x"] }, { name: "t.b", fields: ["y"] }];
    expect(indexChange([a, b], [a, changed])).toEqual({ added: [changed], removed: [b], identical: [a] });
  });
});

describe("deployments", () => {
  test("a push is in force when it is finished, and after a restart", async () => {
    const facts = new MemoryFacts();
    const deployments = new Deployments(facts);
    await deployments.load();
    const { id } = deployments.start(push());
    expect([deployments.latest, deployments.has("data:query")]).toEqual([undefined, false]);
    expect((await deployments.finish(id, "why")).before).toBeUndefined();
    expect(facts.made).toEqual(["trades", "notes", "runs"]);

    const restarted = new Deployments(facts);
    await restarted.load();
    expect(restarted.latest).toMatchObject({ functions: "convex/", message: "why", udfServerVersion: "1.48.0", schema: { sha256: sha256(SCHEMA), source: SCHEMA } });
    expect(restarted.latest?.modules).toEqual([{ path: "data.js", environment: "isolate", sha256: sha256("export const data = 1;") }, { path: "e2e.js", environment: "isolate", sha256: sha256("export const e2e = 1;", "map") }]);
    expect([restarted.has("data:query"), restarted.has("data.js:query"), restarted.has("storage:getFileUrl")]).toEqual([true, true, false]);
  });

  test("modules that did not change stay by their hash; one that is not deployed so is refused", async () => {
    const deployments = new Deployments(new MemoryFacts());
    await deployments.finish(deployments.start(push()).id, null);
    const [data] = deployments.latest!.modules;
    const next = deployments.start(push({ changedModules: [pushedModule("new.js")], unchangedModuleHashes: [data] }));
    expect(next.next.modules.map(({ path }) => path)).toEqual(["data.js", "new.js"]);
    expect(next.indexes).toMatchObject({ added: [], removed: [] });
    expect(() => deployments.start(push({ unchangedModuleHashes: [{ ...data, sha256: "00" }] }))).toThrow("data.js is unchanged, and what is deployed differs");
    await expect(deployments.finish("another", null)).rejects.toThrow("not started on this backend");
  });

  test("components are refused", () => {
    expect(() => new Deployments(new MemoryFacts()).start({ ...push(), componentDefinitions: [{}] })).toThrow("1 components");
  });

  test("where a deployment is needed, functions are there after it only", async () => {
    const deployments = new Deployments(new MemoryFacts());
    const store = { query: async (run: (db: object) => Promise<unknown>) => run({}) } as unknown as DocumentStore;
    const caller = new Caller(store, {} as never, (path) => deployments.has(path));
    await expect(caller.call("e2e:ping", {})).rejects.toThrow("Could not find public function for 'e2e:ping'. Did you forget to run `npx convex dev`");
    await deployments.finish(deployments.start(push()).id, null);
    expect(await caller.call("e2e:ping", {})).toMatchObject({ ok: true });
  });
});

describe("the push protocol", () => {
  const facts = new MemoryFacts();
  const deployments = new Deployments(facts);
  const route = deployRoutes(
    { store: facts as unknown as DocumentStore, deployments, environment: new EnvironmentVariables(facts), origins: { cloud: "http://c:3210", site: "http://c:3211" } },
    (key) => key === "right",
    (request) => (request.headers.get("authorization") === "Convex right" ? undefined : new Response("no", { status: 401 })),
  );
  async function call(path: string, content?: object, { method = "POST", key = "right", compressed = true } = {}) {
    const text = Buffer.from(JSON.stringify({ adminKey: key, ...content }));
    const request = new Request(`http://c:3210${path}`, { method, headers: { authorization: `Convex ${key}`, ...(compressed && method === "POST" && { "content-encoding": "br" }) }, body: method === "POST" ? (compressed ? new Uint8Array(brotliCompressSync(text)) : new Uint8Array(text)) : undefined });
    const response = (await route(request, new URL(request.url)))!;
    const answer = await response.text();
    return { status: response.status, answer: answer.startsWith("{") ? (JSON.parse(answer) as Record<string, unknown>) : answer };
  }

  test("every step needs the key of this instance", async () => {
    for (const step of ["get_config_hashes", "deploy2/evaluate_schema", "deploy2/evaluate_push", "deploy2/start_push", "deploy2/wait_for_schema", "deploy2/finish_push", "deploy2/report_push_completed"]) {
      expect([step, (await call(`/api/${step}`, push(), { key: "wrong" })).status]).toEqual([step, 403]);
    }
    expect((await call("/api/update_environment_variables", { changes: [] }, { key: "wrong" })).status).toBe(401);
  });

  test("from hashes to the end; a dry run leaves nothing", async () => {
    expect((await call("/api/get_config_hashes", {}, { compressed: false })).answer).toMatchObject({ config: { functions: "convex/" }, moduleHashes: [] });
    const dry = await call("/api/deploy2/start_push", { ...push(), dryRun: true });
    expect((await call("/api/deploy2/finish_push", { startPush: dry.answer, dryRun: true, message: null })).answer).toMatchObject({ componentDiffs: {} });
    expect(deployments.latest).toBeUndefined();

    const { answer: predicted } = await call("/api/deploy2/evaluate_schema", push());
    expect(predicted).toMatchObject({ componentSchemaEvaluations: { "": { schemaValidation: true, indexes: [{ name: "trades.by_pair", change: "added", needsBackfill: true, numDocs: 7 }, {}, {}] } } });
    const { answer: started } = await call("/api/deploy2/start_push", push());
    expect(started).toMatchObject({ externalDepsId: null, analysis: { "": { definition: { path: "" }, schema: { tables: [{ tableName: "trades" }, { tableName: "notes" }, { tableName: "runs" }] } } }, schemaChange: { indexDiffs: { "": { added_indexes: [{ type: "database" }, {}, {}] } } } });
    expect((await call("/api/deploy2/wait_for_schema", {})).answer).toEqual({ type: "complete" });
    const { answer: finished } = await call("/api/deploy2/finish_push", { startPush: started, dryRun: false, message: null });
    expect(finished).toMatchObject({ componentDiffs: { "": { diffType: { type: "create" }, moduleDiff: { added: ["data.js", "e2e.js"], removed: [] }, schemaDiff: { previous_schema: null } } } });
    expect((await call("/api/get_config_hashes", {})).answer).toMatchObject({ moduleHashes: [{ path: "data.js", environment: "isolate", hash: sha256("export const data = 1;") }, {}], udfServerVersion: "1.48.0" });
    expect(await call("/api/deploy2/finish_push", { startPush: started, dryRun: false, message: null })).toMatchObject({ status: 400, answer: { message: expect.stringContaining("deploy again") } });
  });

  test("environment variables: all changes or none, and what the backend sets itself is its own", async () => {
    expect((await call("/api/update_environment_variables", { changes: [{ name: "A", value: "1" }, { name: "B", value: "x=\n" }] })).status).toBe(200);
    expect((await call("/api/update_environment_variables", { changes: [{ name: "A", value: null }] })).status).toBe(200);
    expect(await call("/api/update_environment_variables", { changes: [{ name: "C", value: "1" }, { name: "1D", value: "" }, { name: "CONVEX_SITE_URL", value: "" }] })).toMatchObject({ status: 400, answer: { message: expect.stringMatching(/"1D".*CONVEX_SITE_URL is set by the backend/) } });
    expect((await call("/api/v1/list_environment_variables", {}, { method: "GET" })).answer).toEqual({ environmentVariables: { B: "x=\n" } });
    expect((await call("/api/v1/get_canonical_urls", {}, { method: "GET" })).answer).toEqual({ convexCloudUrl: "http://c:3210", convexSiteUrl: "http://c:3211" });
  });
});
