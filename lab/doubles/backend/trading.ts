/** Trades as the app makes them: written down first, then sent to the exchange with a client order id of their own, then compared with what the exchange says. */
import { randomUUID } from "node:crypto";
import type { Bingx, OrderDetail } from "./bingx";
import { eq, insert, rows, update, type Row, type Store } from "./store";

export interface AgentConfig extends Row {
  readonly id: string;
  readonly enabled: boolean;
  readonly mode: "paper" | "live";
  readonly max_position_size: number;
  readonly allowed_instruments: readonly string[];
  readonly kill_switch: boolean;
  readonly kill_switch_reason: string | null;
}

/** The app's own, but for two things that make orders countable: live mode, since the lab's exchange is a double, and every pair of the catalog. */
export function defaultConfig(pairs: readonly string[]): Omit<AgentConfig, "id"> {
  return {
    enabled: false,
    mode: "live",
    max_position_size: 1,
    daily_loss_limit: 0,
    allowed_instruments: pairs,
    kill_switch: false,
    kill_switch_reason: null,
    min_confidence_score: 0,
    allowed_source_ids: [],
    promotion_required: false,
    promotion_min_trades: 0,
    promotion_min_win_rate: 0,
    promotion_min_net_pnl: 0,
    promotion_max_drawdown: 0,
  };
}

const CONFIGS = "agent_configurations";

/** The newest configuration; one is written when there is none. */
export async function agentConfig(store: Store, pairs: readonly string[]): Promise<AgentConfig> {
  const [config] = await rows(store, CONFIGS, { newestBy: "updated_at", limit: 1 });
  return (config ?? (await insert(store, CONFIGS, defaultConfig(pairs)))) as AgentConfig;
}

export async function changeConfig(store: Store, pairs: readonly string[], changes: object): Promise<AgentConfig> {
  const { id } = await agentConfig(store, pairs);
  const [changed] = await update(store, CONFIGS, [eq("id", id)], { ...changes, updated_at: new Date().toISOString() });
  return changed as AgentConfig;
}

export interface TradeRequest {
  readonly pair: string;
  readonly side: "long" | "short";
  readonly quantity: number;
  /** What asks for it: part of the client order id. */
  readonly prefix: "gvfx" | "gvfx-rl" | "close";
  readonly kind: "entry" | "exit";
  readonly agentRunId: string | null;
}

export interface Executed {
  readonly trade: Row;
  readonly execution: Row;
}

/** As the app makes them, at random: a request that is sent twice makes two orders. */
export const clientOrderId = (prefix: string): string => `${prefix}-${Date.now()}-${randomUUID().slice(0, 8)}`;

/**
 * Trades once.
 * @throws Error when the kill switch is on, the pair is not allowed, or store or exchange fail
 */
export async function executeTrade(store: Store, bingx: Bingx, config: AgentConfig, request: TradeRequest): Promise<Executed> {
  if (config.kill_switch) throw new Error("Kill switch enabled. Execution blocked.");
  if (!config.allowed_instruments.includes(request.pair)) throw new Error(`Instrument ${request.pair} is not allowed.`);
  const { pair, side, quantity, kind } = request;
  const client_order_id = clientOrderId(request.prefix);
  const trade = await insert(store, "trades", { signal_id: null, agent_config_id: config.id, agent_run_id: request.agentRunId, instrument: pair, side, quantity, status: "placed", mode: config.mode, client_order_id });
  const execution = await insert(store, "trade_executions", {
    trade_id: trade.id,
    execution_kind: kind,
    exchange_order_id: null,
    client_order_id,
    idempotency_key: `trade:${String(trade.id)}`,
    execution_mode: config.mode,
    requested_instrument: pair,
    requested_side: side,
    requested_quantity: quantity,
    filled_quantity: 0,
    average_price: 0,
    status: "submitted",
    reconciliation_status: "pending",
  });
  const finished = async (changes: object, status: string): Promise<Executed> => {
    const [[executed], [traded]] = await Promise.all([update(store, "trade_executions", [eq("id", execution.id)], changes), update(store, "trades", [eq("id", trade.id)], { status })]);
    return { trade: traded, execution: executed };
  };
  if (config.mode === "paper") return finished({ status: "filled", filled_quantity: quantity, exchange_order_id: `paper-${String(trade.id)}`, reconciliation_status: "ok" }, "filled");
  let orderId: string;
  try {
    orderId = await bingx.placeOrder({ pair, side, quantity, clientOrderId: client_order_id, reduceOnly: kind === "exit" });
  } catch (error) {
    await finished({ status: "failed", status_reason: error instanceof Error ? error.message : "live_execution_failed", reconciliation_status: "error" }, "rejected");
    throw error;
  }
  const detail = await bingx.orderDetail(pair, { orderId }).catch(() => undefined);
  return finished({ exchange_order_id: orderId, ...outcome(detail) }, detail?.status === "FILLED" ? "filled" : "partial");
}

function outcome(detail: OrderDetail | undefined): object {
  if (detail?.status !== "FILLED") return { status: "partial", reconciliation_status: "pending" };
  return { status: "filled", filled_quantity: detail.executedQty, average_price: detail.avgPrice, reconciliation_status: "ok", reconciled_at: new Date().toISOString() };
}

/** Asks the exchange about every execution that is not settled. */
export async function reconcile(store: Store, bingx: Bingx): Promise<{ checked: number; updated: number; errors: number }> {
  const pending = await rows(store, "trade_executions", { filters: [eq("reconciliation_status", "pending")] });
  const counts = { checked: pending.length, updated: 0, errors: 0 };
  for (const execution of pending) {
    try {
      const id = execution.exchange_order_id ? { orderId: String(execution.exchange_order_id) } : { clientOrderId: String(execution.client_order_id) };
      const detail = await bingx.orderDetail(String(execution.requested_instrument), id);
      await update(store, "trade_executions", [eq("id", execution.id)], { exchange_order_id: detail.orderId, ...outcome(detail) });
      counts.updated += 1;
    } catch {
      counts.errors += 1;
    }
  }
  return counts;
}
