/** Whether the Gold and Crypto sections are as the switch says, and list the pairs of the market catalog. */
import { z } from "zod";
import { SIDE_HEADER } from "../../constructs/gateway/haproxy";
import { SECTIONS, type MarketCatalog, type Section } from "../../contracts/markets";
import { Duration } from "../../contracts/units";
import { json, request, type Answer } from "../clients/http";
import { fail, inconclusive, pass, type Outcome } from "../doctor/check";
import type { AcceptanceCheck } from "./result";

export type SectionsExpected = "open" | "closed";

const ANSWER_TIMEOUT = Duration.seconds(15);

export interface SectionsOptions {
  readonly expected: SectionsExpected;
  /** Base addresses of every gateway's frontend; each is asked. */
  readonly frontends: readonly string[];
  /** Base addresses of every gateway's API. */
  readonly apis: readonly string[];
  readonly token: string | undefined;
  readonly catalog: MarketCatalog;
}

/** The gateway's own words (constructs/gateway/haproxy.ts). */
const CLOSED = /not open yet/;

const pairsSchema = z.object({ data: z.array(z.object({ pair: z.string(), section: z.enum(SECTIONS) })) });

export function sectionChecks({ expected, frontends, apis, token, catalog }: SectionsOptions): AcceptanceCheck[] {
  return SECTIONS.flatMap((section) => [
    { id: `${section}-route`, title: `/${section} is ${expected}`, run: (signal) => every(frontends, signal, async (url) => route(await ask(`${url}/${section}`, undefined, signal), section, expected, catalog[section])) },
    { id: `${section}-pairs`, title: `the API lists the pairs of ${section}`, run: (signal) => every(apis, signal, async (url) => pairs(await ask(`${url}/bingx/market-data/pairs?section=${section}`, token, signal), section, catalog[section])) },
  ]);
}

/** Of Nomad's side, whatever the traffic's switch says: legacy has its own pages. */
const ask = (url: string, token: string | undefined, signal: AbortSignal): Promise<Answer> => request(url, { answerTimeout: ANSWER_TIMEOUT, signal, headers: { [SIDE_HEADER]: "nomad", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } });

async function every(urls: readonly string[], signal: AbortSignal, judge: (url: string) => Promise<Outcome>): Promise<Outcome> {
  if (urls.length === 0) return inconclusive("the environment names no address", "add one");
  const outcomes = await Promise.all(
    urls.map(async (url): Promise<Outcome> => {
      try {
        const outcome = await judge(url);
        return outcome.verdict === "pass" ? outcome : { ...outcome, detail: `${url}: ${outcome.detail}` };
      } catch (error) {
        signal.throwIfAborted();
        return fail(`${url}: ${(error as Error).message}`, "see the gateway of that node: the job gvfx-gateway");
      }
    }),
  );
  const bad = outcomes.filter(({ verdict }) => verdict !== "pass");
  return bad.length === 0 ? outcomes[0] : { ...bad[0], detail: bad.map(({ detail }) => detail).join("; ") };
}

/** A page of the app names its pairs, in its markup or in the data that it is made from. */
function route({ status, headers, text }: Answer, section: Section, expected: SectionsExpected, wanted: readonly string[]): Outcome {
  if (expected === "closed") {
    // An app that has no such page answers 404 as well.
    if (status === 404 && !CLOSED.test(text)) return fail(`/${section} answered 404, and not the gateway: the app has no such page`, "see the frontend's image");
    return status === 404 ? pass("404 by the gateway") : fail(`/${section} answered ${status} while it must be closed`, "see the key sections in Consul, and whether the gateway has heard of it");
  }
  if (status === 404 && CLOSED.test(text)) return fail(`/${section} is closed at the gateway`, "the gateway has not heard of the switch: see the job gvfx-gateway");
  if (status !== 200 || !/text\/html/.test(headers["content-type"] ?? "")) return fail(`/${section} answered ${status}, and no page`, "see the log of the frontend");
  // The first pair is chosen in the page as the server renders it; the others may be in a script that it loads.
  return text.includes(wanted[0]) ? pass(`a page with ${wanted[0]}`) : fail(`/${section} is a page that does not name ${wanted[0]}, the first pair of the catalog`, "the frontend's image has another catalog: build it with this environment's pairs");
}

function pairs(answer: Answer, section: Section, wanted: readonly string[]): Outcome {
  if (answer.status !== 200) return fail(`the list of ${section} answered ${answer.status}`, "see the log of the API");
  const read = pairsSchema.safeParse(json(answer, "the list of pairs"));
  if (!read.success) return fail(`the list of ${section} has another form`, "compare the app's version with contracts/");
  const found = read.data.data.filter((row) => row.section === section).map(({ pair }) => pair);
  const missing = wanted.filter((pair) => !found.includes(pair));
  const surplus = [...found.filter((pair) => !wanted.includes(pair)), ...read.data.data.filter((row) => row.section !== section).map(({ pair, section: of }) => `${pair} of ${of}`)];
  const wrong = [...(missing.length > 0 ? [`missing: ${missing.join(", ")}`] : []), ...(surplus.length > 0 ? [`not of the catalog: ${surplus.join(", ")}`] : [])];
  if (wrong.length === 0 && found.join() !== wanted.join()) wrong.push(`in another order: ${found.join(", ")}`);
  return wrong.length === 0 ? pass(`${wanted.length} pairs, in order`) : fail(`the API's list of ${section}: ${wrong.join("; ")}`, "deploy app, so that it reads this environment's market catalog");
}
