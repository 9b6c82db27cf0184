/** Orders: every one that arrives is kept, so that one which arrives twice shows. */
import { priceAt, SYMBOLS } from "./market";
import { failure, success, type Envelope } from "./rest";

/** Beyond it the oldest are forgotten, and counted as such. */
const MOST_ORDERS = 50_000;

export interface Order {
  readonly orderId: string;
  readonly clientOrderId: string | null;
  readonly symbol: string;
  readonly side: string;
  readonly positionSide: string;
  readonly type: string;
  readonly quantity: number;
  readonly price: number;
  status: "FILLED" | "CANCELLED";
  readonly receivedAt: string;
  /** The same in milliseconds of CLOCK_MONOTONIC. */
  readonly at: number;
  /** Address that sent it. */
  readonly source: string;
  /** Its User-Agent: the double of the worker puts its instance there. */
  readonly agent: string | null;
}

export interface SignedRequest {
  readonly method: string;
  readonly params: URLSearchParams;
  readonly apiKey: string | null;
  readonly source: string;
  readonly agent: string | null;
  /** Milliseconds of CLOCK_MONOTONIC. */
  readonly at: number;
}

/** A market order is filled at once, at the price of the moment. */
export class Orders {
  private readonly all: Order[] = [];
  private received = 0;

  /** Answers POST, GET and DELETE of /openApi/swap/v2/trade/order. */
  call(request: SignedRequest, nowMs: number): Envelope {
    const { method, params } = request;
    const refused = unsigned(request);
    if (refused) return refused;
    if (method === "POST") return this.place(request, nowMs);
    const order = this.find(params);
    if (!order) return failure(80016, "order does not exist");
    if (method === "DELETE") order.status = "CANCELLED";
    return success({ order: shown(order) });
  }

  /** What is open: nothing, for every order is filled at once. */
  open(request: SignedRequest): Envelope {
    return unsigned(request) ?? success({ orders: [] });
  }

  private place({ params, source, agent, at }: SignedRequest, nowMs: number): Envelope {
    const symbol = params.get("symbol") ?? "";
    const quantity = Number(params.get("quantity"));
    if (!SYMBOLS.includes(symbol)) return failure(109425, `${symbol || "symbol"} not exist`);
    if (!(quantity > 0)) return failure(109400, "quantity must be above 0");
    this.received += 1;
    const order: Order = {
      orderId: String(1_900_000_000_000_000_000n + BigInt(this.received)),
      clientOrderId: clientIdOf(params),
      symbol,
      side: params.get("side") ?? "",
      positionSide: params.get("positionSide") ?? "",
      type: params.get("type") ?? "",
      quantity,
      price: priceAt(symbol, nowMs),
      status: "FILLED",
      receivedAt: new Date(nowMs).toISOString(),
      at,
      source,
      agent,
    };
    this.all.push(order);
    if (this.all.length > MOST_ORDERS) this.all.shift();
    return success({ order: shown(order) });
  }

  private find(params: URLSearchParams): Order | undefined {
    const [orderId, clientId] = [params.get("orderId"), clientIdOf(params)];
    return this.all.findLast((order) => (orderId ? order.orderId === orderId : order.clientOrderId === clientId));
  }

  /**
   * Everything received, and how often each client order id came.
   * @param since only orders that came later, by their monotonic stamp, and duplicates among them. @default all
   */
  report(since = -Infinity): { received: number; forgotten: number; byClientOrderId: Record<string, number>; duplicates: { clientOrderId: string; count: number; sources: string[] }[]; bySource: Record<string, number>; withoutClientOrderId: number; orders: readonly Order[] } {
    const groups = new Map<string, Order[]>();
    const bySource: Record<string, number> = {};
    const orders = since === -Infinity ? this.all : this.all.filter(({ at }) => at >= since);
    const recent = new Set(orders.map(({ clientOrderId }) => clientOrderId));
    for (const order of this.all) {
      // One that came again counts with the first of its kind, however long ago that was.
      if (!recent.has(order.clientOrderId)) continue;
      bySource[order.source] = (bySource[order.source] ?? 0) + 1;
      if (order.clientOrderId) groups.set(order.clientOrderId, [...(groups.get(order.clientOrderId) ?? []), order]);
    }
    return {
      received: this.received,
      forgotten: this.received - this.all.length,
      byClientOrderId: Object.fromEntries([...groups].map(([id, orders]) => [id, orders.length])),
      duplicates: [...groups].flatMap(([clientOrderId, orders]) => (orders.length > 1 ? [{ clientOrderId, count: orders.length, sources: [...new Set(orders.map((o) => o.source))] }] : [])),
      bySource,
      withoutClientOrderId: orders.filter((order) => !order.clientOrderId).length,
      orders,
    };
  }

  reset(): void {
    this.all.length = 0;
    this.received = 0;
  }
}

/** BingX spells it clientOrderID, the app clientOrderId. */
const clientIdOf = (params: URLSearchParams): string | null => params.get("clientOrderId") ?? params.get("clientOrderID");

/** That the key and the signature are there is checked; what they are is not: the double knows no keys. */
function unsigned({ params, apiKey }: SignedRequest): Envelope | undefined {
  if (!apiKey) return failure(100413, "Incorrect apiKey: the header X-BX-APIKEY is missing");
  if (!params.get("signature")) return failure(100001, "signature verification failed: the signature is missing");
  if (!/^\d+$/.test(params.get("timestamp") ?? "")) return failure(100421, "timestamp is missing");
  return undefined;
}

function shown(order: Order): object {
  const { orderId, symbol, side, positionSide, type, status, quantity, price, clientOrderId } = order;
  return { orderId, symbol, side, positionSide, type, status, origQty: String(quantity), executedQty: status === "FILLED" ? String(quantity) : "0", avgPrice: String(price), profit: "0", clientOrderID: clientOrderId, clientOrderId };
}
