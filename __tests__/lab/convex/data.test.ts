import type { Fields } from "../../../lab/doubles/convex/values/value";
import { MemoryStore } from "./memory-store";

let store: MemoryStore;
const write = (args: Fields) => store.call("data:write", { table: "ops_alerts", ...args }) as Promise<{ data: Fields[]; count: number }>;
const query = (args: Fields = {}) => store.call("data:query", { table: "ops_alerts", filters: [], ...args }) as Promise<{ data: Fields[]; count?: number }>;
const values = async (args: Fields = {}) => (await query(args)).data.map((row) => row.value);

beforeEach(async () => {
  store = new MemoryStore();
  await write({ action: "insert", payload: [{ id: "a", value: 1, kind: "Low" }, { id: "b", value: 2, kind: "high" }, { id: "c", kind: null }] });
});

describe("data:query", () => {
  test.each<[string, Fields, unknown[]]>([
    ["eq", { field: "value", op: "eq", value: 1 }, [1]],
    ["in", { field: "value", op: "in", value: [1, 2] }, [1, 2]],
    ["gte", { field: "value", op: "gte", value: 2 }, [2]],
    // As Convex's own filters: a missing field is less than every number.
    ["lte", { field: "value", op: "lte", value: 1 }, [1, undefined]],
    ["ilike", { field: "kind", op: "ilike", value: "%LO%" }, [1]],
    ["is null", { field: "kind", op: "is", value: null }, [undefined]],
    ["an unknown operator", { field: "kind", op: "like", value: "x" }, []],
  ])("%s", async (_op, filter, expected) => {
    expect(await values({ filters: [filter] })).toEqual(expected);
  });

  test("or-filters need one of them, and compare as the app's code does", async () => {
    expect(await values({ orFilters: [{ field: "kind", op: "ilike", value: "low" }, { field: "value", op: "eq", value: 2 }] })).toEqual([1, 2]);
    expect(await values({ filters: [{ field: "value", op: "lte", value: 1 }], orFilters: [{ field: "id", op: "ilike", value: "%" }] })).toEqual([1]);
  });

  test("order, range, limit, select and count", async () => {
    expect(await values({ order: { field: "value", direction: "desc" } })).toEqual([undefined, 2, 1]);
    expect(await values({ order: { field: "value", direction: "asc" }, range: { from: 1, to: 1 } })).toEqual([2]);
    expect(await query({ limit: 1, includeCount: true, select: ["id"] })).toEqual({ data: [{ id: "a" }], count: 3 });
    expect((await query()).data[0]).not.toHaveProperty("_id");
  });
});

describe("data:write", () => {
  test("an insert gets id and times", async () => {
    const { data } = await write({ action: "insert", payload: { value: 3 } });
    expect(data[0]).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), created_at: expect.any(String), updated_at: expect.any(String), triggered_at: expect.any(String) });
  });

  test("update and delete go by filters", async () => {
    expect(await write({ action: "update", payload: { value: 9 }, filters: [{ field: "id", op: "eq", value: "b" }] })).toMatchObject({ count: 1, data: [{ id: "b", value: 9, kind: "high" }] });
    expect((await write({ action: "delete", filters: [{ field: "value", op: "gte", value: 9 }] })).count).toBe(1);
    expect(store.rows("ops_alerts").map(({ id }) => id)).toEqual(["a", "c"]);
  });

  test("an upsert finds what is there by its conflict fields", async () => {
    await write({ action: "upsert", payload: [{ id: "a", value: 7 }, { id: "d", value: 8 }], onConflict: ["id"] });
    expect(store.rows("ops_alerts").map(({ id, value, kind }) => [id, value, kind])).toEqual([["a", 7, "Low"], ["b", 2, "high"], ["c", undefined, null], ["d", 8, undefined]]);
  });
});

test("the probe answers, the reset needs its token", async () => {
  expect(await store.call("e2e:ping")).toMatchObject({ ok: true, timestamp: expect.any(String) });
  await expect(store.call("e2e:reset", { token: "x" })).rejects.toThrow("Invalid reset token");
  expect(await store.call("e2e:reset", { token: "local-e2e" })).toMatchObject({ ok: true });
  expect(store.rows("ops_alerts")).toEqual([]);
});
