/**
 * Orders of the worker's own, one a second: the app's worker places none, but "two workers trade twice" is what a
 * drill must be able to see. The client order id is made of the job and the second of the clock that all containers
 * share: two workers of one job place the very same order, and the exchange counts it twice.
 */
import type { Bingx } from "../bingx";

const PAIR = "BTC-USDT";
const QUANTITY = 0.001;

export class SecondOrders {
  /** Seconds of the clock for which an order was decided. */
  private last: number;
  private deciding = false;
  failures = 0;

  constructor(private readonly bingx: Pick<Bingx, "quote" | "placeOrder">, private readonly job: string, private readonly monotonic: () => number) {
    this.last = this.second();
  }

  private second(): number {
    return Math.floor(this.monotonic() / 1_000);
  }

  /** To be called often: places the order of a second that has begun, as a trader does, by its newest price. Each second has its turn once, whether it worked or not. */
  async step(): Promise<void> {
    const second = this.second();
    if (this.deciding || second === this.last) return;
    this.last = second;
    this.deciding = true;
    try {
      await this.bingx.quote("/openApi/swap/v2/quote/ticker", PAIR);
      await this.bingx.placeOrder({ pair: PAIR, side: "long", quantity: QUANTITY, clientOrderId: `worker-${this.job}-${second}` });
    } catch {
      this.failures += 1;
    } finally {
      this.deciding = false;
    }
  }
}
