/**
 * Whether a side works, by what it answers and by what it has written. The app answers 200 with zeros when its store
 * fails, so that a good status and an empty list prove nothing: rows that are young, and that get younger, do.
 */
import { z } from "zod";
import { SIDE_HEADER } from "../../constructs/gateway/haproxy";
import { FEEDS, type Feed } from "../../contracts/markets";
import { Duration } from "../../contracts/units";
import { json, request, type Answer } from "../clients/http";
import type { MarketData } from "../data/backfill/market-data";
import { fail, inconclusive, pass, type Outcome } from "../doctor/check";
import type { Side } from "../lease/sources";
import { listed, type AcceptanceCheck } from "./result";

/** Reads go to Convex, which may be busy; nobody waits for longer than the gateway does for ordinary calls. */
const ANSWER_TIMEOUT = Duration.seconds(15);

export interface SmokeOptions {
  readonly side: Side;
  /** Base addresses of the API; each is asked. */
  readonly apis: readonly string[];
  /** Base addresses of the frontend. */
  readonly frontends: readonly string[];
  /** Base addresses of the RL service. */
  readonly rlServices: readonly string[];
  /** API_TOKEN; undefined where the app is given none, and takes every call. */
  readonly token: string | undefined;
  /** Pairs that the worker ingests. */
  readonly pairs: readonly string[];
  readonly data: MarketData;
  /** Longest time without a row of each feed while the worker runs (coverage.maxSilence of the environment). */
  readonly maxSilence: Readonly<Record<Feed, Duration>>;
  /** Interval of the candles that are asked for: the shortest that is ingested. */
  readonly interval: string;
  /** Between two looks, within which something new must come. */
  readonly apart: Duration;
  /** What does not run by itself is looked at where the worker runs. @returns whether a worker runs, as far as anybody knows */
  readonly workerRuns: () => Promise<boolean>;
  readonly wait: (time: Duration, signal: AbortSignal) => Promise<void>;
  readonly commands: { readonly why: string; readonly lease: string };
}

const summary = z.object({ open: z.number().int(), healing: z.number().int(), last_detected_at: z.string().nullable(), last_seen_at: z.string().nullable(), oldest_open_at: z.string().nullable() });
const SHAPES = {
  health: z.object({ status: z.literal("ok") }),
  gaps: z.object({ generated_at: z.iso.datetime({ offset: true }), totals: summary, by_pair: z.array(summary.extend({ pair: z.string() })), by_source: z.array(summary.extend({ source_type: z.string() })), open_events: z.array(z.object({ id: z.string(), pair: z.string(), status: z.string() })) }),
  alerts: z.array(z.object({ id: z.string(), category: z.string(), severity: z.enum(["low", "medium", "high"]), metric: z.string(), status: z.enum(["open", "acknowledged", "resolved"]), triggered_at: z.string() })),
} as const;

/** Reads that want the token (contracts: auth bearer). */
const PROTECTED = ["/ops/alerts", "/ops/gaps/health", "/bingx/market-data/pairs"] as const;
/** Feeds that come by themselves, all the time; funding comes every eight hours. */
const LIVE_FEEDS = (Object.keys(FEEDS) as Feed[]).filter((feed) => feed !== "funding");

export function smokeChecks(options: SmokeOptions): AcceptanceCheck[] {
  const { apis, frontends, rlServices, token, side } = options;
  const ask = (url: string, given: string | undefined, signal: AbortSignal) => askSide(side, url, given, signal);
  const each = (urls: readonly string[], judge: (url: string, signal: AbortSignal) => Promise<Outcome>) => async (signal: AbortSignal): Promise<Outcome> => together(await Promise.all(urls.map(async (url) => [url, await reached(() => judge(url, signal), url, options, signal)] as const)));
  const read = (path: string, shape: z.ZodType, found: (body: unknown) => string) => each(apis, async (url, signal) => shaped(await ask(`${url}${path}`, token, signal), path, shape, found));
  return [
    { id: "api-health", title: "GET /health", run: read("/health", SHAPES.health, () => "ok") },
    { id: "api-gaps", title: "GET /ops/gaps/health", run: read("/ops/gaps/health", SHAPES.gaps, (body) => `${(body as z.output<typeof SHAPES.gaps>).totals.open} gaps open, which proves nothing by itself`) },
    { id: "api-alerts", title: "GET /ops/alerts", run: read("/ops/alerts", SHAPES.alerts, (body) => `${(body as unknown[]).length} alerts`) },
    ...(token === undefined ? [] : [{ id: "api-token", title: "without a token nothing is told", run: each(apis, async (url, signal) => refused(await Promise.all(PROTECTED.map(async (path) => [path, (await ask(`${url}${path}`, undefined, signal)).status] as const)))) }]),
    { id: "rl-health", title: "the RL service is well", run: each(rlServices, async (url, signal) => shaped(await ask(`${url}/health`, undefined, signal), "the RL service's /health", SHAPES.health, () => "ok")) },
    { id: "frontend", title: `${side}'s frontend shows a page`, run: each(frontends, async (url, signal) => paged(await ask(`${url}/`, undefined, signal))) },
    { id: "frontend-api", title: "the frontend reaches the API", run: each(frontends, async (url, signal) => shaped(await ask(`${url}/api/backend/ops/alerts`, undefined, signal), "/api/backend/ops/alerts", SHAPES.alerts, (body) => `${(body as unknown[]).length} alerts`)) },
    { id: "fresh", title: "every pair and live feed has young rows", run: (signal) => fresh(options, signal) },
    { id: "alive", title: `new rows come within ${options.apart.toString()}`, run: (signal) => alive(options, signal) },
  ];
}

/** The gateway sends a read to the side that it is asked for, whatever its switch says, and says who answered; legacy is asked itself. */
async function askSide(side: Side, url: string, token: string | undefined, signal: AbortSignal): Promise<Answer> {
  const answer = await request(url, { answerTimeout: ANSWER_TIMEOUT, signal, headers: { [SIDE_HEADER]: side, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } });
  const answeredBy = answer.headers[SIDE_HEADER];
  if (side === "nomad" && answeredBy !== side) throw new Error(`answered ${answer.status} by ${answeredBy ?? "the gateway itself"}, and not by ${side}`);
  return answer;
}

/** What cannot be reached does not work: a failure, unless it was interrupted. */
async function reached(judge: () => Promise<Outcome>, url: string, { commands }: SmokeOptions, signal: AbortSignal): Promise<Outcome> {
  try {
    return await judge();
  } catch (error) {
    signal.throwIfAborted();
    return fail(`${url}: ${(error as Error).message}`, `see why: ${commands.why}`);
  }
}

function together(outcomes: readonly (readonly [string, Outcome])[]): Outcome {
  const bad = outcomes.filter(([, { verdict }]) => verdict !== "pass");
  if (outcomes.length === 0) return inconclusive("the environment names no address", "add one");
  if (bad.length === 0) return pass(`${outcomes[0][1].detail} (${outcomes.length} asked)`);
  const [, worst] = bad.find(([, { verdict }]) => verdict === "fail") ?? bad[0];
  return { ...worst, detail: bad.map(([url, { detail }]) => (detail.includes(url) ? detail : `${url}: ${detail}`)).join("; ") };
}

function shaped(answer: Answer, path: string, shape: z.ZodType, found: (body: unknown) => string): Outcome {
  if (answer.status !== 200) return fail(`${path} answered ${answer.status}`, answer.status === 401 ? "export the API_TOKEN that the app is deployed with" : "see the log of the API");
  let body: unknown;
  try {
    body = json(answer, path);
  } catch (error) {
    return fail((error as Error).message, "see what answers there: it is not the app");
  }
  const read = shape.safeParse(body);
  if (read.success) return pass(found(read.data));
  const [issue] = read.error.issues;
  return fail(`${path} answered 200 in another form: ${issue.path.join(".") || "the whole"}: ${issue.message}`, "compare the app's version with contracts/; what reads this would take it for good");
}

function refused(answers: readonly (readonly [string, number])[]): Outcome {
  const open = answers.filter(([, status]) => status !== 401);
  return open.length === 0 ? pass("401") : fail(`${open.map(([path, status]) => `${path} answered ${status}`).join(", ")} without a token: whoever reaches the gateway could trade`, "deploy the API with API_TOKEN (Vault's app/api-token)");
}

function paged({ status, headers, text }: Answer): Outcome {
  if (status !== 200) return fail(`the page answered ${status}`, "see the log of the frontend");
  return /text\/html/.test(headers["content-type"] ?? "") && /<html/i.test(text) ? pass("a page") : fail("it answered 200 and no page", "see what answers there: it is not the app");
}

/** Newest row of a pair's feed; undefined when there is none in the time that counts. */
async function newest({ data, maxSilence, interval }: SmokeOptions, pair: string, feed: Feed, now: number): Promise<number | undefined> {
  const from = now - maxSilence[feed].milliseconds;
  // A candle is written while it is open, and named by when it opened.
  if (feed === "candles") return (await data.openTimes(pair, interval, from - Duration.minutes(1).milliseconds)).at(-1);
  return (await data.times(feed, pair, from)).at(-1);
}

async function fresh(options: SmokeOptions, signal: AbortSignal): Promise<Outcome> {
  const now = await options.data.now();
  const stale: string[] = [];
  for (const pair of options.pairs) {
    for (const feed of LIVE_FEEDS) {
      signal.throwIfAborted();
      if ((await newest(options, pair, feed, now)) === undefined) stale.push(`${pair} ${feed} (older than ${options.maxSilence[feed].toString()}, or none)`);
    }
  }
  const all = options.pairs.length * LIVE_FEEDS.length;
  if (stale.length === 0) return pass(`${all} of ${all} pairs and feeds`);
  return fail(`${stale.length} of ${all} pairs and feeds are stale: ${listed(stale)}`, `see whether a worker runs: ${options.commands.lease}`);
}

async function alive(options: SmokeOptions, signal: AbortSignal): Promise<Outcome> {
  const [pair] = options.pairs;
  const look = async (): Promise<number> => Math.max(0, ...(await Promise.all((["orderbook", "ticker"] as const).map(async (feed) => (await newest(options, pair, feed, await options.data.now())) ?? 0))));
  const before = await look();
  await options.wait(options.apart, signal);
  const after = await look();
  if (after > before) return pass(`${pair}: ${((after - before) / 1_000).toFixed(1)} s younger`);
  return (await options.workerRuns())
    ? fail(`${pair}: no new row of order book or ticker within ${options.apart.toString()}, although a worker runs`, `see its log, and why: ${options.commands.why}`)
    : inconclusive(`${pair}: no new row within ${options.apart.toString()}, and no worker runs that would write one`, `see who has it: ${options.commands.lease}`);
}
