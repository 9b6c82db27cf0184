/** The exchange's API as the app's client calls it (backend/src/integrations/exchange/bingx_client.ts). */
import { createHmac } from "node:crypto";
import { symbolOf } from "./pairs";
import type { BackendSettings } from "./settings";

type Parameters = Readonly<Record<string, string | number | boolean>>;

export interface OrderRequest {
  readonly pair: string;
  readonly side: "long" | "short";
  readonly quantity: number;
  readonly clientOrderId: string;
  readonly reduceOnly?: boolean;
}

export interface OrderDetail {
  readonly orderId: string;
  readonly status: string;
  readonly executedQty: number;
  readonly avgPrice: number;
}

interface OrderPayload {
  readonly order: { readonly orderId: string; readonly status: string; readonly executedQty: string; readonly avgPrice: string };
}

export class Bingx {
  constructor(private readonly settings: BackendSettings["exchange"], private readonly fetcher: typeof fetch = fetch) {}

  /** Market data of a pair. @throws Error when the exchange does not answer or refuses */
  async quote<T>(path: string, pair: string, parameters: Parameters = {}): Promise<T> {
    const query = new URLSearchParams({ symbol: symbolOf(pair), ...Object.fromEntries(Object.entries(parameters).map(([k, v]) => [k, String(v)])) });
    return this.send(`${path}?${query.toString()}`, {});
  }

  /** @throws Error without credentials, as the app; or when the exchange does not answer or refuses */
  async placeOrder({ pair, side, quantity, clientOrderId, reduceOnly }: OrderRequest): Promise<string> {
    const { order } = await this.signed<OrderPayload>("POST", {
      symbol: symbolOf(pair),
      side: side === "long" ? "BUY" : "SELL",
      positionSide: side === "long" ? "LONG" : "SHORT",
      type: "MARKET",
      quantity,
      clientOrderId,
      ...(reduceOnly ? { reduceOnly: true } : {}),
    });
    return order.orderId;
  }

  async orderDetail(pair: string, id: { readonly orderId: string } | { readonly clientOrderId: string }): Promise<OrderDetail> {
    const { order } = await this.signed<OrderPayload>("GET", { symbol: symbolOf(pair), ...id });
    return { orderId: order.orderId, status: order.status, executedQty: Number(order.executedQty), avgPrice: Number(order.avgPrice) };
  }

  async cancelOrder(pair: string, orderId: string): Promise<void> {
    await this.signed("DELETE", { symbol: symbolOf(pair), orderId });
  }

  private signed<T>(method: "GET" | "POST" | "DELETE", parameters: Parameters): Promise<T> {
    const { apiKey, secretKey, recvWindow } = this.settings;
    if (!apiKey || !secretKey) throw new Error("Missing BingX API credentials.");
    const entries = Object.entries({ ...parameters, timestamp: Date.now(), recvWindow }).sort(([a], [b]) => a.localeCompare(b));
    const signature = createHmac("sha256", secretKey).update(entries.map(([k, v]) => `${k}=${v}`).join("&")).digest("hex");
    const query = entries.map(([k, v]) => `${k}=${encodeURIComponent(String(v))}`).join("&");
    return this.send(`/openApi/swap/v2/trade/order?${query}&signature=${signature}`, { method, headers: { "X-BX-APIKEY": apiKey } });
  }

  private async send<T>(path: string, init: RequestInit): Promise<T> {
    const { baseUrl, timeoutMs } = this.settings;
    const response = await this.fetcher(`${baseUrl}${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const body = (await response.json()) as { readonly code: number; readonly msg: string; readonly data: T };
    if (!response.ok || body.code !== 0) throw new Error(body.msg || `BingX API error (${response.status})`);
    return body.data;
  }
}
