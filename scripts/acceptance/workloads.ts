/** What is asked again and again to see how fast a side is: reads alone, so that it may be run on a system that trades. */
import { SIDE_HEADER } from "../../constructs/gateway/haproxy";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { request } from "../clients/http";
import { apiAddresses, apiToken } from "../data/backfill/access";
import type { Side } from "../lease/sources";
import { frontendAddresses, type AcceptanceAccess } from "./access";
import type { Workload } from "./perf";

const ANSWER_TIMEOUT = Duration.seconds(15);

/** By the first gateway of the side; the app's scripts go to one address too. @throws Error when the lab is not up, or a credential is missing */
export async function perfWorkloads(env: Environment, side: Side, { variables }: Pick<AcceptanceAccess, "variables">): Promise<Workload[]> {
  const token = await apiToken(env, side, variables);
  const [[api], [frontend]] = [apiAddresses(env, side), frontendAddresses(env, side)];
  const pair = env.markets.crypto[0];
  const get = (id: string, title: string, url: string, headers: Readonly<Record<string, string>> = {}): Workload => ({
    id,
    title,
    async once(signal) {
      const { status } = await request(url, { answerTimeout: ANSWER_TIMEOUT, signal, headers: { [SIDE_HEADER]: side, ...headers } });
      if (status !== 200) throw new Error(`${url} answered ${status}`);
    },
  });
  const authorized: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return [
    get("api-health", "GET /health", `${api}/health`),
    get("api-candles", "GET 500 candles", `${api}/bingx/market-data/candles?pair=${encodeURIComponent(pair)}&interval=${env.coverage.intervals[0]}&limit=500`, authorized),
    get("api-gaps", "GET /ops/gaps/health", `${api}/ops/gaps/health`, authorized),
    get("api-alerts", "GET /ops/alerts", `${api}/ops/alerts`, authorized),
    get("frontend-page", "the frontend's first page", `${frontend}/`),
  ];
}
