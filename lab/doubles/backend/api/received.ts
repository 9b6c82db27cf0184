/**
 * Which requests arrived, so that one that the gateway sent twice shows. Every
 * request that changes something and has an x-request-id is counted here and at
 * the exchange, which sums over all instances of the api and outlives them.
 */
import { IdCounts, RequestCounts, type IdReport } from "../../exchange/counting";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** The exchange is next door; a request is not held up for longer by its own counting. */
const REPORT_TIMEOUT_MS = 2_000;

export class Received {
  private readonly requests = new RequestCounts();
  private readonly ids = new IdCounts();
  private unreported = 0;

  constructor(private readonly exchangeUrl: string, private readonly instance: string, private readonly fetcher: typeof fetch) {}

  /** Notes a request before it is handled. */
  async add(method: string, path: string, requestId: string | null, nowMs: number): Promise<void> {
    this.requests.add(method, path);
    if (requestId && !SAFE.has(method)) await this.count(requestId, nowMs);
  }

  /**
   * Counts an id.
   * @returns how often it came: to this process, and to all of them as far as the exchange could be told
   */
  async count(id: string, nowMs: number): Promise<{ readonly here: number; readonly everywhere: number | null }> {
    const here = this.ids.add(id, this.instance, nowMs);
    try {
      const response = await this.fetcher(`${this.exchangeUrl}/lab/echo`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ id, reporter: this.instance }), signal: AbortSignal.timeout(REPORT_TIMEOUT_MS) });
      const { count } = (await response.json()) as { count?: number };
      if (typeof count !== "number") throw new Error("no count in the exchange's answer");
      return { here, everywhere: count };
    } catch {
      this.unreported += 1;
      return { here, everywhere: null };
    }
  }

  report(prefix: string): { instance: string; requests: Record<string, number>; ids: IdReport; unreported: number } {
    return { instance: this.instance, requests: this.requests.report(), ids: this.ids.report(prefix), unreported: this.unreported };
  }
}
