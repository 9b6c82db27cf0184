/**
 * The doubles of api, exchange and Convex in this process, over real HTTP on loopback: the api's double ingests from the
 * exchange's into the public functions of Convex's double, and the commands ask both. The network can be made to fail.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ApiDouble } from "../../../lab/doubles/backend/api/app";
import { Received } from "../../../lab/doubles/backend/api/received";
import { Bingx } from "../../../lab/doubles/backend/bingx";
import { backendSettings } from "../../../lab/doubles/backend/settings";
import type { Store } from "../../../lab/doubles/backend/store";
import { callFrom } from "../../../lab/doubles/convex/http/calls";
import type { IndexRange } from "../../../lab/doubles/convex/store/documents";
import { fieldsOf, type StoredDocument } from "../../../lab/doubles/convex/values/document";
import { encodeClean, type Fields } from "../../../lab/doubles/convex/values/value";
import { Exchange } from "../../../lab/doubles/exchange/app";
import { EXCHANGE_URL, MINIMAL_ENV } from "../../lab/backend/api-double";
import { MemoryStore } from "../../lab/convex/memory-store";

/** Of candles, a batch; of trades and funding rates, all that there are. */
export const ROWS_AT_ONCE = 150;
export const TOKEN = "a-token-of-this-test";

/** What becomes of an ingest's call on its way. */
export type Network =
  | "well"
  /** The connection ends at once; the api goes on. As the app's server does after ten silent seconds. */
  | "cut"
  /** The connection ends and the call never arrives. */
  | "swallowed"
  /** A gateway answers in the api's place, which goes on. */
  | "gateway-timeout";

/** The memory behind Convex's double, with each document parsed once: thousands of rows are looked at again and again. */
class IndexedStore extends MemoryStore {
  private readonly parsed = new WeakMap<StoredDocument, Fields>();

  private fields(document: StoredDocument): Fields {
    const known = this.parsed.get(document) ?? fieldsOf(document);
    this.parsed.set(document, known);
    return known;
  }

  override async range({ table, equal, by, order, limit }: IndexRange): Promise<StoredDocument[]> {
    const at = (document: StoredDocument): string => String(by ? (this.fields(document)[by.field] ?? "") : "");
    const found = (this.tables.get(table) ?? []).filter((document) => equal.every(([name, value]) => (this.fields(document)[name] ?? null) === value) && (by?.from === undefined || at(document) >= by.from) && (by?.to === undefined || at(document) <= by.to));
    found.sort((a, b) => (at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : a.creationTime - b.creationTime));
    if (order === "desc") found.reverse();
    return found.slice(0, limit);
  }
}

export interface Platform {
  readonly api: string;
  readonly convex: string;
  readonly store: MemoryStore;
  /** Of the next calls of the ingest, in order; then well. */
  readonly network: Network[];
  /** Bodies of the calls of the ingest that arrived at the api. */
  readonly calls: { readonly pairs: readonly string[]; readonly intervals: readonly string[]; readonly max_batches: number }[];
  /** Set to let the exchange have no candles before. */
  listedAt: number | undefined;
  /** Set to make a query fail, by its path and arguments. */
  refuse: ((path: string, args: Fields) => string | undefined) | undefined;
  /** Paths of the queries asked over HTTP. */
  readonly queries: string[];
  /** Rows of a table. */
  rows(table: string): Fields[];
  close(): Promise<void>;
}

/** @param otherStore what the api writes into, when it is not the one that is looked at */
export async function startPlatform({ otherStore, token = TOKEN }: { readonly otherStore?: MemoryStore; readonly token?: string } = {}): Promise<Platform> {
  const store = new IndexedStore();
  const written = otherStore ?? store;
  const inProcess: Store = {
    query: async <T>(path: string, args: object) => encodeClean(await written.call(path, args as Fields)) as T,
    mutation: async <T>(path: string, args: object) => encodeClean(await written.call(path, args as Fields)) as T,
  };
  const platform = { store, listedAt: undefined as number | undefined, network: [] as Network[], calls: [] as Platform["calls"][number][], refuse: undefined as Platform["refuse"], queries: [] as string[] };
  const exchange = new Exchange(() => []);
  // Fewer rows at once than the exchange gives: what is tested does not hang on them, and a test is done sooner.
  const fetcher = (async (input: string | URL | Request) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.searchParams.has("limit")) url.searchParams.set("limit", String(ROWS_AT_ONCE));
    const answer = await exchange.answer(new Request(url), "10.0.0.1", Date.now());
    const { listedAt } = platform;
    if (listedAt === undefined || !url.pathname.endsWith("/klines")) return answer;
    const body = (await answer.json()) as { data: { time: number }[] };
    return Response.json({ ...body, data: body.data.filter(({ time }) => time >= listedAt) });
  }) as typeof fetch;
  const settings = backendSettings("api", { ...MINIMAL_ENV, API_TOKEN: token });
  const double = new ApiDouble({ settings, instance: "api/1", store: inProcess, bingx: new Bingx(settings.exchange, fetcher), received: new Received(EXCHANGE_URL, "api/1", fetcher), now: Date.now, uptimeMs: () => 0, fetcher, log: () => undefined });

  const apiServer = await listen(async (request, response) => {
    const body = await textOf(request);
    const ingests = request.method === "POST";
    const network = ingests ? (platform.network.shift() ?? "well") : "well";
    if (network === "swallowed") return void response.destroy();
    const answer = double.answer(new Request(`http://api.test${request.url}`, { method: request.method, headers: request.headers as Record<string, string>, ...(ingests ? { body } : {}) }));
    if (ingests) platform.calls.push(JSON.parse(body) as Platform["calls"][number]);
    if (network === "cut") return void response.destroy();
    if (network === "gateway-timeout") return void response.writeHead(504, { "content-type": "text/html" }).end("<html><body><h1>504 Gateway Time-out</h1>");
    const answered = await answer;
    response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text());
  });
  const convexServer = await listen(async (request, response) => {
    if (request.url === "/version") return void response.end("double");
    const call = callFrom(JSON.parse(await textOf(request)));
    platform.queries.push(call.path);
    const refused = platform.refuse?.(call.path, call.args);
    try {
      if (refused) throw new Error(refused);
      response.end(JSON.stringify({ status: "success", value: call.encode(await store.call(call.path, call.args)), logLines: [] }));
    } catch (error) {
      response.end(JSON.stringify({ status: "error", errorMessage: (error as Error).message, logLines: [] }));
    }
  });
  return Object.assign(platform, {
    api: addressOf(apiServer),
    convex: addressOf(convexServer),
    rows: (table: string) => store.rows(table),
    close: async () => {
      for (const server of [apiServer, convexServer]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  });
}

function listen(handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<Server> {
  const server = createServer((request, response) => void handler(request, response).catch(() => response.destroy()));
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
