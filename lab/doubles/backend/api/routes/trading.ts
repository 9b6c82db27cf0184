/** The agent, its kill switch, and everything that places orders. */
import { pairNamed } from "../../pairs";
import { eq, insert, rows, update, type Row } from "../../store";
import { agentConfig, changeConfig, defaultConfig, executeTrade, reconcile, type AgentConfig } from "../../trading";
import { countOf, invalid, objectBody, Refusal, type Api, type Call, type Handler, type Reply, type Routes } from "../router";
import { audit } from "./market";

const AGENT = "gold-rl-agent";
/** The app's trading pass looks at five signals. */
const SIGNALS_OF_A_PASS = 5;

const configOf = ({ store, settings }: Api): Promise<AgentConfig> => agentConfig(store, settings.pairs);
const change = ({ store, settings }: Api, changes: object): Promise<AgentConfig> => changeConfig(store, settings.pairs, changes);

/** The app answers these reads within OPS_READ_TIMEOUT_MS, with something harmless when its store does not. */
async function orElse<T>(api: Api, read: Promise<T>, instead: T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, failed) => {
    timer = setTimeout(() => failed(new Error(`no answer within ${api.settings.opsReadTimeoutMs} ms`)), api.settings.opsReadTimeoutMs);
  });
  try {
    return await Promise.race([read, late]);
  } catch (error) {
    api.log(`answered without the store: ${error instanceof Error ? error.message : String(error)}`);
    return instead;
  } finally {
    clearTimeout(timer);
  }
}

const killSwitch = ({ kill_switch, kill_switch_reason }: AgentConfig): object => ({ enabled: kill_switch, reason: kill_switch_reason ?? null });

const setKillSwitch: Handler = async (call) => {
  const { enabled, reason } = await objectBody(call);
  if (typeof enabled !== "boolean") throw invalid("enabled must be true or false");
  const changed = await change(call.api, { kill_switch: enabled, kill_switch_reason: enabled && typeof reason === "string" ? reason : null });
  await audit(call, "kill_switch.update", "agent_config", { enabled, reason }, changed.id);
  return { body: killSwitch(changed) };
};

const enable: Handler = async (call) => {
  const { api } = call;
  const config = await change(api, { enabled: true });
  const signals = await rows(api.store, "signals", { newestBy: "generated_at", limit: SIGNALS_OF_A_PASS });
  const runResult = { status: "ok", executed: 0, rejected: 0 };
  for (const signal of signals) {
    const pair = pairNamed(String(signal.pair ?? "XAUTUSDT"), api.settings.pairs) ?? api.settings.pairs[0];
    const placed = await executeTrade(api.store, api.bingx, config, { pair, side: "long", quantity: config.max_position_size, prefix: "gvfx", kind: "entry", agentRunId: null }).catch(() => undefined);
    if (placed) runResult.executed += 1;
    else runResult.rejected += 1;
  }
  await audit(call, "agent.enable", "agent", runResult, config.id);
  return { body: { config, runResult } };
};

/** Every decision trades: with the last price above the first candle's close it buys, below it sells. */
const decide: Handler = async (call) => {
  const { api, params } = call;
  const body = await objectBody(call);
  const market = body.market as { candles?: { close: number }[]; lastPrice?: number } | undefined;
  if (!Array.isArray(market?.candles)) throw invalid("market.candles must be a list");
  const config = await configOf(api);
  const [run] = await rows(api.store, "agent_runs", { filters: [eq("id", params.runId)], limit: 1 });
  const pair = pairNamed(String(run?.pair ?? body.pair ?? "XAUTUSDT"), api.settings.pairs) ?? api.settings.pairs[0];
  const first = market.candles[0]?.close ?? 0;
  const side = (market.lastPrice ?? market.candles.at(-1)?.close ?? 0) >= first ? "long" : "short";
  const decision = await insert(api.store, "trade_decisions", { agent_run_id: params.runId, pair, decided_at: new Date(api.now()).toISOString(), action: side, confidence_score: 1, reason: "double", risk_check_result: "pass" });
  const { trade, execution } = await executeTrade(api.store, api.bingx, config, { pair, side, quantity: config.max_position_size, prefix: "gvfx-rl", kind: "entry", agentRunId: params.runId });
  await audit(call, "rl_agent.decision", "agent_run", { client_order_id: trade.client_order_id }, params.runId);
  return { body: { decision: { ...decision, action: side }, trade, tradeExecutionStatus: execution.status, clientOrderId: trade.client_order_id, warnings: ["double"] } };
};

async function tradeOf({ api, params }: Call): Promise<Row> {
  const [trade] = await rows(api.store, "trades", { filters: [eq("id", params.id)], limit: 1 });
  if (!trade) throw new Refusal(404, { error: "Trade not found or unavailable." });
  return trade;
}

const close: Handler = async (call) => {
  const { api } = call;
  const trade = await tradeOf(call);
  if (!["filled", "partial"].includes(String(trade.status))) throw new Error("Trade is not open for closing.");
  const { quantity } = await objectBody(call);
  const config = await configOf(api);
  const side = trade.side === "long" ? "short" : "long";
  // The kill switch stops what opens a position, and lets it be closed.
  const { execution } = await executeTrade(api.store, api.bingx, { ...config, kill_switch: false }, { pair: String(trade.instrument), side, quantity: Number(quantity ?? trade.quantity), prefix: "close", kind: "exit", agentRunId: null });
  const [closed] = await update(api.store, "trades", [eq("id", trade.id)], { status: "closed", closed_at: new Date(api.now()).toISOString() });
  await audit(call, "trade.close", "trade", { execution_id: execution.id }, String(trade.id));
  return { body: { trade: closed, execution } };
};

const cancel: Handler = async (call) => {
  const { api } = call;
  const trade = await tradeOf(call);
  if (!["placed", "partial"].includes(String(trade.status))) throw new Error("Trade is not open for cancellation.");
  const [execution] = await rows(api.store, "trade_executions", { filters: [eq("trade_id", trade.id)], newestBy: "executed_at", limit: 1 });
  if (!execution?.exchange_order_id) throw new Error("Unable to resolve exchange order id for cancellation.");
  await api.bingx.cancelOrder(String(trade.instrument), String(execution.exchange_order_id));
  const [[executed], [cancelled]] = await Promise.all([update(api.store, "trade_executions", [eq("id", execution.id)], { status: "cancelled", reconciliation_status: "ok" }), update(api.store, "trades", [eq("id", trade.id)], { status: "cancelled" })]);
  await audit(call, "trade.cancel", "trade", { execution_id: execution.id }, String(trade.id));
  return { body: { trade: cancelled, execution: executed } };
};

const currentRun = async ({ store }: Api): Promise<Row | undefined> => (await rows(store, "agent_runs", { filters: [{ field: "status", op: "in", value: ["running", "paused"] }], newestBy: "started_at", limit: 1 }))[0];

const start: Handler = async (call) => {
  const body = await objectBody(call);
  const pair = pairNamed(String(body.pair), call.api.settings.pairs);
  if (!pair || !["paper", "live"].includes(String(body.mode))) throw invalid("mode must be paper or live, pair one that is ingested");
  const run = await insert(call.api.store, "agent_runs", { mode: body.mode, pair, status: "running", learning_enabled: body.learningEnabled ?? false, started_at: new Date(call.api.now()).toISOString(), stopped_at: null });
  await audit(call, "rl_agent.start", "agent_run", body, String(run.id));
  return { body: run };
};

/** Moves the current run to another status. */
const move = (to: "running" | "paused" | "stopped", action: string): Handler => async (call): Promise<Reply> => {
  const run = await currentRun(call.api);
  if (!run) throw new Refusal(404, { error: to === "running" ? "No paused run" : "No active run" });
  const [moved] = await update(call.api.store, "agent_runs", [eq("id", run.id)], { status: to, ...(to === "stopped" ? { stopped_at: new Date(call.api.now()).toISOString() } : {}) });
  await audit(call, action, "agent_run", {}, String(run.id));
  return { body: moved };
};

export const tradingRoutes: Routes = {
  "GET /agent/config": async ({ api }) => ({ body: await orElse(api, configOf(api), { id: "local-fallback", ...defaultConfig(api.settings.pairs), mode: "paper" } as unknown as AgentConfig) }),
  "PUT /agent/config": async (call) => {
    const changed = await change(call.api, await objectBody(call));
    await audit(call, "agent.config.update", "agent_config", {}, changed.id);
    return { body: changed };
  },
  "POST /agent/enable": enable,
  "POST /agent/disable": async (call) => {
    const config = await change(call.api, { enabled: false });
    await audit(call, "agent.disable", "agent", {}, config.id);
    return { body: { config } };
  },
  "GET /agents": async ({ api }) => ({ body: [{ id: AGENT, name: "Gold RL Agent (double)", status: (await currentRun(api))?.status ?? "stopped" }] }),
  "GET /agents/:agentId": async ({ api, params }) => {
    const [run, config] = await Promise.all([currentRun(api), configOf(api)]);
    return { body: { id: params.agentId, currentRun: run ?? null, activeVersion: null, learningEnabled: run?.learning_enabled ?? false, killSwitchEnabled: config.kill_switch, promotionGateStatus: "unknown" } };
  },
  "GET /agents/:agentId/runs": async ({ api }) => ({ body: await rows(api.store, "agent_runs", { newestBy: "started_at", limit: 100 }) }),
  "POST /agents/:agentId/start": start,
  "POST /agents/:agentId/pause": move("paused", "rl_agent.pause"),
  "POST /agents/:agentId/resume": move("running", "rl_agent.resume"),
  "POST /agents/:agentId/stop": move("stopped", "rl_agent.stop"),
  "POST /agents/:agentId/runs/:runId/decisions": decide,
  "GET /agents/:agentId/kill-switch": async ({ api }) => ({ body: await orElse(api, configOf(api).then(killSwitch), { enabled: false, reason: null }) }),
  "POST /agents/:agentId/kill-switch": setKillSwitch,
  "GET /trades": async ({ api, query }) => {
    const filters = ["status", "mode", "instrument", "side"].flatMap((field) => (query.get(field) ? [eq(field, query.get(field))] : []));
    const data = await rows(api.store, "trades", { filters, newestBy: "created_at", limit: countOf(query, "page_size", 50, 250) });
    return { body: { data, total: data.length } };
  },
  "GET /trades/:id": async (call) => {
    const trade = await tradeOf(call);
    return { body: { ...trade, executions: await rows(call.api.store, "trade_executions", { filters: [eq("trade_id", trade.id)] }) } };
  },
  "POST /trades/:id/close": close,
  "POST /trades/:id/cancel": cancel,
  "POST /ops/trading/reconcile": async (call) => {
    const counts = await reconcile(call.api.store, call.api.bingx);
    await audit(call, "trading.reconcile", "trade_execution", counts);
    return { body: { ...counts, reconciled_at: new Date(call.api.now()).toISOString() } };
  },
};
