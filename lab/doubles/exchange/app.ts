/** What the exchange's double answers over HTTP, as a function of a request: the same in Bun, where it runs, and in Node, where it is tested. */
import { ConnectionRecord } from "./connections";
import { IdCounts, RequestCounts } from "./counting";
import { Orders } from "./orders";
import { quote } from "./rest";

const DOUBLE = { "x-gvfx-double": "exchange" };
const ORDER_PATH = "/openApi/swap/v2/trade/order";
const OPEN_ORDERS_PATH = "/openApi/swap/v2/trade/openOrders";

/** An open WebSocket. */
export interface Connection {
  readonly address: string;
  readonly since: string;
  readonly topics: number;
}

export class Exchange {
  readonly orders = new Orders();
  readonly requests = new RequestCounts();
  readonly ids = new IdCounts();
  readonly record = new ConnectionRecord();

  /**
   * @param connections the WebSockets that are open now
   * @param monotonic milliseconds of CLOCK_MONOTONIC
   */
  constructor(private readonly connections: () => readonly Connection[], private readonly monotonic: () => number = () => performance.now()) {}

  async answer(request: Request, source: string, nowMs: number): Promise<Response> {
    const url = new URL(request.url);
    if (!url.pathname.startsWith("/lab/")) this.requests.add(request.method, url.pathname);
    const market = request.method === "GET" ? quote(url.pathname, url.searchParams, nowMs) : undefined;
    if (market) return json(market);
    if (url.pathname === ORDER_PATH || url.pathname === OPEN_ORDERS_PATH) {
      const signed = { method: request.method, params: await signedParameters(request, url), apiKey: request.headers.get("x-bx-apikey"), source, agent: request.headers.get("user-agent"), at: this.monotonic() };
      return json(url.pathname === ORDER_PATH ? this.orders.call(signed, nowMs) : this.orders.open(signed));
    }
    return this.lab(request, url, source, nowMs);
  }

  /** What the double says of itself. */
  private async lab(request: Request, { pathname, searchParams }: URL, source: string, nowMs: number): Promise<Response> {
    switch (`${request.method} ${pathname}`) {
      case "GET /health":
        return json({ status: "ok", double: "exchange" });
      case "GET /lab/orders":
        return json(this.orders.report(numberOf(searchParams.get("since"))));
      case "GET /lab/connections":
        return json({ connections: this.connections(), now: this.monotonic(), record: this.record.since(numberOf(searchParams.get("since")) ?? -Infinity) });
      case "GET /lab/requests":
        return json({ requests: this.requests.report() });
      case "GET /lab/echo":
        return json(this.ids.report(searchParams.get("prefix") ?? ""));
      case "POST /lab/echo":
        return this.echo(request, source, nowMs);
      case "POST /lab/reset":
        this.orders.reset();
        this.requests.reset();
        this.ids.reset();
        this.record.reset();
        return json({ reset: true });
      default:
        return json({ code: 100404, msg: `the double of the exchange has no ${request.method} ${pathname}` }, 404);
    }
  }

  private async echo(request: Request, source: string, nowMs: number): Promise<Response> {
    const body: unknown = await request.json().catch(() => undefined);
    const { id, reporter } = (typeof body === "object" && body !== null ? body : {}) as { id?: unknown; reporter?: unknown };
    if (typeof id !== "string" || id === "") return json({ error: 'an echo needs an id; send for example {"id":"load-1"}' }, 400);
    return json({ id, count: this.ids.add(id, typeof reporter === "string" ? reporter : source, nowMs) });
  }
}

function numberOf(text: string | null): number | undefined {
  const value = Number(text ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** BingX takes them in the query or as a form. */
async function signedParameters(request: Request, url: URL): Promise<URLSearchParams> {
  const params = new URLSearchParams(url.searchParams);
  if (request.method === "POST" && !params.has("signature")) for (const [key, value] of new URLSearchParams(await request.text())) params.set(key, value);
  return params;
}

function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: DOUBLE });
}
