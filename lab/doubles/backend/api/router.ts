/** Routes as the app's router has them: `:name` is one segment of a path. */
import type { Bingx } from "../bingx";
import type { BackendSettings } from "../settings";
import type { Store } from "../store";
import type { Received } from "./received";

/** What the handlers of one process share. */
export interface Api {
  readonly settings: BackendSettings;
  readonly instance: string;
  readonly store: Store;
  readonly bingx: Bingx;
  readonly received: Received;
  readonly now: () => number;
  readonly uptimeMs: () => number;
  readonly fetcher: typeof fetch;
  readonly log: (message: string) => void;
}

export interface Call {
  readonly api: Api;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON body; undefined when there is none. @throws Refusal when it is no JSON */
  readonly body: () => Promise<unknown>;
  readonly headers: Headers;
}

export interface Reply {
  readonly status?: number;
  readonly body: unknown;
}

export type Handler = (call: Call) => Promise<Reply> | Reply;
export type Routes = Readonly<Record<`${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} ${string}`, Handler>>;

/** An answer that is no success, decided deep inside a handler. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly body: object) {
    super(JSON.stringify(body));
  }
}

export const invalid = (details: string): Refusal => new Refusal(400, { error: "Invalid request", details: [details] });

export class Router {
  private readonly routes: readonly { readonly method: string; readonly segments: readonly string[]; readonly handler: Handler }[];

  constructor(...tables: readonly Routes[]) {
    this.routes = tables.flatMap((table) =>
      Object.entries(table).map(([key, handler]) => {
        const [method, path] = key.split(" ");
        return { method, segments: segmentsOf(path), handler };
      }),
    );
  }

  /** The handler of a call with the path's parameters. Routes without parameters go first. */
  find(method: string, path: string): { readonly handler: Handler; readonly params: Readonly<Record<string, string>> } | undefined {
    const asked = segmentsOf(path);
    const fitting = this.routes.filter((route) => route.method === method && route.segments.length === asked.length && route.segments.every((segment, i) => segment.startsWith(":") || segment === asked[i]));
    const [route] = fitting.sort((a, b) => variables(a.segments) - variables(b.segments));
    if (!route) return undefined;
    return { handler: route.handler, params: Object.fromEntries(route.segments.flatMap((segment, i) => (segment.startsWith(":") ? [[segment.slice(1), decodeURIComponent(asked[i])]] : []))) };
  }
}

const segmentsOf = (path: string): string[] => path.split("/").filter(Boolean);
const variables = (segments: readonly string[]): number => segments.filter((segment) => segment.startsWith(":")).length;

/** The body as an object. @throws Refusal when it is none */
export async function objectBody({ body }: Call): Promise<Readonly<Record<string, unknown>>> {
  const value = (await body()) ?? {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("the body must be an object");
  return value as Readonly<Record<string, unknown>>;
}

/** A whole number above 0 of the query, bounded. */
export function countOf(query: URLSearchParams, name: string, standard: number, most: number): number {
  const value = Number.parseInt(query.get(name) ?? "", 10);
  return Number.isFinite(value) && value > 0 ? Math.min(value, most) : standard;
}
