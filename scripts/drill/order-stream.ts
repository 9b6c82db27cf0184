/** Orders that come in through every node's gateway all the while, as users' decisions do: that none is there twice must mean something. */
import { startLoad } from "../lab/load/generator";

/** Through each gateway: enough that one falls into every second, and no load to speak of. */
const ORDERS_PER_SECOND = 1;
const DECISION = "/agents/gold-rl-agent/runs/drill/decisions";

export interface OrderStream {
  /** Beginnings of the ids of its requests. */
  readonly loads: readonly string[];
  /** Ends it, and waits for what is under way. */
  readonly stop: () => Promise<void>;
}

/** @param gateways addresses; of a node that is down, nothing is answered, and nothing is repeated */
export function startOrders(gateways: readonly string[], token: string): OrderStream {
  const end = new AbortController();
  const loads = gateways.map((url) => startLoad({ url, rate: ORDERS_PER_SECOND, write: { path: DECISION, share: 1, body: () => ({ market: { candles: [{ close: 1 }], lastPrice: 2 } }) }, token, signal: end.signal }));
  return {
    loads: loads.map(({ run }) => run),
    stop: async () => {
      end.abort();
      await Promise.all(loads.map(({ done }) => done));
    },
  };
}
