/** Double of the app behind a gateway: API and frontend on one port, well until something is planted. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Feed } from "../../contracts/markets";
import type { MarketData } from "../../scripts/data/backfill/market-data";

export const TOKEN = "token-of-the-app";
const NOTHING = { open: 0, healing: 0, last_detected_at: null, last_seen_at: null, oldest_open_at: null };

export class AppDouble {
  gaps: unknown = { generated_at: "2026-01-01T12:00:00.000Z", totals: NOTHING, by_pair: [], by_source: [], open_events: [] };
  alerts: unknown = [{ id: "1", category: "slo", severity: "low", metric: "m", value: 1, threshold: null, status: "open", triggered_at: "2026-01-01T12:00:00.000Z", metadata: {}, created_at: "a", updated_at: "b" }];
  /** Whether calls without the token are told something. */
  open = false;
  /** The side that answers a read which asks for none. */
  side: string | undefined = "legacy";
  /** Whether a read goes to the side that it asks for. */
  heeds = true;
  page: { status: number; type: string; text: string } = { status: 200, type: "text/html; charset=utf-8", text: "<!doctype html><html><body>GoldViewFX</body></html>" };
  sections: "open" | "closed" | "absent" = "open";
  /** Paths that need no token. */
  exempt: readonly string[] = [];
  /** What the RL service's health answers. */
  health: { status: number; body: unknown } = { status: 200, body: { status: "ok" } };
  pairs: Record<string, readonly string[]> = { gold: ["XAUTUSDT", "PAXGUSDT"], crypto: ["BTC-USDT", "ETH-USDT"] };
  pagePairs: Record<string, readonly string[]> = this.pairs;
  url = "";
  private server: Server | undefined;

  async start(): Promise<this> {
    this.server = createServer((request, response) => {
      const { status, type = "application/json", body, side } = this.answer(request);
      response.writeHead(status, { "content-type": type, ...(side === undefined ? {} : { "x-gvfx-side": side }) });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => this.server!.once("listening", resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  private answer({ url = "/", headers }: IncomingMessage): { readonly status: number; readonly type?: string; readonly body: unknown; readonly side: string | undefined } {
    const { pathname, searchParams } = new URL(url, "http://double");
    const asked = headers["x-gvfx-side"];
    const side = this.heeds && asked !== undefined ? String(asked) : this.side;
    const authorized = headers.authorization === `Bearer ${TOKEN}` || this.open || this.exempt.includes(pathname);
    const page = pathname === "/gold" || pathname === "/crypto" ? pathname.slice(1) : undefined;
    if (page !== undefined && this.sections === "closed") return { status: 404, type: "text/plain", body: "This section is not open yet.", side: undefined };
    if (page !== undefined && this.sections === "absent") return { status: 404, type: "text/html", body: "<html>404</html>", side };
    if (page !== undefined) return { status: 200, type: "text/html", body: `<html>${this.pagePairs[page].join(" ")}</html>`, side };
    if (pathname === "/") return { status: this.page.status, type: this.page.type, body: this.page.text, side };
    if (pathname === "/health") return { ...this.health, side };
    if (pathname === "/api/backend/ops/alerts") return { status: 200, body: this.alerts, side };
    if (!authorized) return { status: 401, body: { error: "Unauthorized" }, side };
    if (pathname === "/ops/gaps/health") return { status: 200, body: this.gaps, side };
    if (pathname === "/ops/alerts") return { status: 200, body: this.alerts, side };
    if (pathname === "/bingx/market-data/pairs") {
      const section = searchParams.get("section") ?? "gold";
      return { status: 200, body: { data: this.pairs[section].map((pair) => ({ pair, bingxSymbol: pair, section })) }, side };
    }
    return { status: 404, body: { error: "Not found" }, side };
  }
}

/** What the worker writes: a row of each feed every second, until it stops. */
export class RowsDouble implements MarketData {
  readonly address = "memory";
  time = Date.parse("2026-01-01T12:00:00.000Z");
  /** No row is younger. */
  stoppedAt = Infinity;
  /** Pair and feed without any row: "BTC-USDT ticker". */
  readonly missing = new Set<string>();

  now = () => Promise.resolve(this.time);
  times = (feed: Exclude<Feed, "candles">, pair: string, from: number) => Promise.resolve(this.missing.has(`${pair} ${feed}`) ? [] : this.newest(1_000, from));
  openTimes = (pair: string, _interval: string, from: number) => Promise.resolve(this.missing.has(`${pair} candles`) ? [] : this.newest(60_000, from));
  edges = () => Promise.resolve({ oldest: undefined, newest: undefined });
  lockRuns = () => Promise.resolve([]);

  private newest(step: number, from: number): number[] {
    const at = Math.floor(Math.min(this.time, this.stoppedAt) / step) * step;
    return at >= from ? [at] : [];
  }
}
