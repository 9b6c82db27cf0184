/** The app's API on the legacy host, as far as a move asks it. */
import { z } from "zod";
import { LONGEST_CALL } from "../../../../contracts/http";
import { Duration } from "../../../../contracts/units";
import { request, UnexpectedAnswer, type Answer } from "../../../clients/http";
import { parseJson } from "../../../json";
import { TradingImpossible, type KillSwitch, type LegacyApi } from "../world";

/** The app reads its store within OPS_READ_TIMEOUT_MS, 4 s. */
const ANSWER_TIMEOUT = Duration.seconds(15);
/** What the app answers as its configuration when its store fails (backend/src/api/routes/agent.ts). */
const FALLBACK_ID = "local-fallback";
/** The states of a trade whose order may still change at the exchange. */
const OPEN = ["placed", "partial"] as const;

const agentsSchema = z.array(z.object({ id: z.string() }));
const configSchema = z.object({ id: z.string(), kill_switch: z.boolean(), kill_switch_reason: z.string().nullish() });
const switchSchema = z.object({ enabled: z.boolean(), reason: z.string().nullish() });
const reconcileSchema = z.object({ checked: z.number(), errors: z.number() });
const tradesSchema = z.object({ data: z.array(z.object({ id: z.string(), instrument: z.string(), side: z.string(), status: z.string(), mode: z.string() })) });

/**
 * @param address without a slash at its end
 * @param token API_TOKEN, undefined where the app has none; asked for once it is needed
 */
export function legacyApi(address: string, token: () => Promise<string | undefined>, signal?: AbortSignal): LegacyApi {
  const send = async (method: "GET" | "POST", path: string, { body, answerTimeout = ANSWER_TIMEOUT }: { readonly body?: object; readonly answerTimeout?: Duration } = {}): Promise<Answer> => {
    const bearer = await token();
    return request(`${address}${path}`, { method, signal, answerTimeout, headers: { "content-type": "application/json", "x-ops-role": "operator", "x-actor": "gvfx-data-move", ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) });
  };
  const must = <T>(answer: Answer, schema: z.ZodType<T>, what: string): T => {
    if (answer.status === 401) throw new Error(`the legacy API refuses the API_TOKEN of its own env files (status 401): it runs with another one; restart it, and repeat`);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, what);
    const read = schema.safeParse(parseJson(answer.text));
    if (!read.success) throw new UnexpectedAnswer(answer.status, `${what} (in a form that is not known)`);
    return read.data;
  };
  return {
    async healthy() {
      const { status } = await request(`${address}/health`, { signal, connectTimeout: Duration.seconds(3), answerTimeout: Duration.seconds(5) });
      if (status !== 200) throw new UnexpectedAnswer(status, "the legacy API's /health");
    },
    async agents() {
      const answer = await send("GET", "/agents");
      if (answer.status === 500) throw new TradingImpossible("GET /agents answers with status 500");
      return must(answer, agentsSchema, "the legacy API's /agents").map(({ id }) => id);
    },
    async killSwitch(): Promise<KillSwitch> {
      const config = must(await send("GET", "/agent/config"), configSchema, "the legacy API's /agent/config");
      if (config.id === FALLBACK_ID) throw new TradingImpossible(`GET /agent/config answers its fallback, "${FALLBACK_ID}"`);
      return { enabled: config.kill_switch, reason: config.kill_switch_reason ?? null };
    },
    async setKillSwitch(agent, { enabled, reason }) {
      const what = `the kill switch of ${agent}`;
      const now = must(await send("POST", `/agents/${encodeURIComponent(agent)}/kill-switch`, { body: { enabled, ...(reason === null ? {} : { reason }) } }), switchSchema, what);
      if (now.enabled !== enabled) throw new Error(`${what} was set ${enabled ? "on" : "off"}, and the API answers that it is ${now.enabled ? "on" : "off"}; see its log (backend-api.log), and repeat`);
    },
    // Asks the exchange for every open execution, one after the other.
    reconcile: async () => must(await send("POST", "/ops/trading/reconcile", { answerTimeout: LONGEST_CALL }), reconcileSchema, "the legacy API's /ops/trading/reconcile"),
    openTrades: async () => (await Promise.all(OPEN.map(async (status) => must(await send("GET", `/trades?status=${status}&page_size=100`), tradesSchema, "the legacy API's /trades").data))).flat(),
  };
}
