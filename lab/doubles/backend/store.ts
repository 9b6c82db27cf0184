/** Convex over HTTP, and its tables as the app's repositories use them. */

export interface Store {
  /** @throws Error when Convex does not answer or the function fails */
  query<T>(path: string, args: object): Promise<T>;
  /** @throws Error when Convex does not answer or the function fails */
  mutation<T>(path: string, args: object): Promise<T>;
}

export type Row = Readonly<Record<string, unknown>>;

/** Far above any ordinary call; without a limit, a Convex that hangs would hold every caller. */
const TIMEOUT_MS = 15_000;

export class ConvexStore implements Store {
  constructor(private readonly url: string, private readonly fetcher: typeof fetch = fetch) {}

  query<T>(path: string, args: object): Promise<T> {
    return this.call("query", path, args);
  }

  mutation<T>(path: string, args: object): Promise<T> {
    return this.call("mutation", path, args);
  }

  private async call<T>(kind: "query" | "mutation", path: string, args: object): Promise<T> {
    const response = await this.fetcher(`${this.url}/api/${kind}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path, args, format: "json" }), signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    if (!response.ok) throw new Error(`Convex answered ${response.status} to ${path}: ${text.slice(0, 200)}`);
    const answer = JSON.parse(text) as { readonly status: string; readonly value?: T; readonly errorMessage?: string };
    if (answer.status !== "success") throw new Error(`Convex refused ${path}: ${answer.errorMessage ?? "without a reason"}`);
    return answer.value as T;
  }
}

export interface Filter {
  readonly field: string;
  readonly op: "eq" | "in" | "gte" | "lte" | "ilike" | "is";
  readonly value: unknown;
}

export const eq = (field: string, value: unknown): Filter => ({ field, op: "eq", value });

/** Rows of a table, newest first when `newestBy` names a time. */
export async function rows(store: Store, table: string, options: { readonly filters?: readonly Filter[]; readonly newestBy?: string; readonly limit?: number } = {}): Promise<Row[]> {
  const { filters = [], newestBy, limit } = options;
  const { data } = await store.query<{ data: Row[] }>("data:query", { table, filters, ...(newestBy ? { order: { field: newestBy, direction: "desc" } } : {}), ...(limit === undefined ? {} : { limit }) });
  return data;
}

/** Inserts one row, and returns it with what the store filled in. */
export async function insert(store: Store, table: string, row: object): Promise<Row> {
  const { data } = await store.mutation<{ data: Row[] }>("data:write", { table, action: "insert", payload: row });
  return data[0];
}

/** @returns the rows changed */
export async function update(store: Store, table: string, filters: readonly Filter[], changes: object): Promise<Row[]> {
  const { data } = await store.mutation<{ data: Row[] }>("data:write", { table, action: "update", filters, payload: changes });
  return data;
}

/** Writes rows over those with the same values of `onConflict`. */
export async function upsert(store: Store, table: string, payload: readonly object[], onConflict: readonly string[]): Promise<void> {
  await store.mutation("data:write", { table, action: "upsert", payload, onConflict, select: ["id"] });
}
