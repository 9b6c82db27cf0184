/** What users, the servers' quorum and the worker go through while something is done to the cluster. */
import { gaps, overlaps } from "../../lab/doubles/backend/count";
import { CLUSTER_PORTS } from "../../contracts/services";
import { request } from "../../scripts/clients/http";
import { startLoad } from "../../scripts/lab/load/generator";
import type { LoadResult } from "../../scripts/lab/load/tally";
import { labMachines, nomadServers, publishedAddress } from "../../scripts/lab/machines";
import { access, apiToken, environment, lab, runsSince } from "./lab-fixture";

const API = "http://127.0.0.1:18787";
const FRONTEND = "http://127.0.0.1:23000";
const EXCHANGE = "http://127.0.0.1:18080";
/** Requests a second, 200 in all: of the API's, three in ten must not be repeated. */
const RATES = { api: 160, frontend: 40 } as const;
const WRITE_SHARE = 0.3;
/** Between two looks at the servers: a restart of an agent takes seconds. */
const LOOK_EVERY_MS = 500;

export interface Measured {
  readonly seconds: number;
  readonly sent: number;
  /** Requests that failed, by method. */
  readonly failed: { readonly GET: number; readonly POST: number };
  /** Writes that were acknowledged and are nowhere, and writes that came twice. */
  readonly lost: number;
  readonly repeated: number;
  /** Fewest servers that answered at one moment, with or without a leader. Three voters need two. */
  readonly smallestQuorum: number;
  /** Longest time for which no server knew a leader: an election after the leader's restart. */
  readonly leaderlessMs: number;
  /** Times at which two workers wrote. */
  readonly overlaps: number;
  /** Longest time without a row of any worker. */
  readonly longestGapMs: number;
}

/** What users went through. */
export interface Users {
  readonly api: LoadResult;
  readonly frontend: LoadResult;
  /** Writes that were acknowledged and are nowhere. */
  readonly lost: number;
  /** Writes that came twice. */
  readonly repeated: number;
}

/** Two loads through the gateways, one on each node, {@link RATES} requests a second. @returns how to end them, and see what became of them */
export async function startUsers(): Promise<{ readonly end: () => Promise<Users> }> {
  const stop = new AbortController();
  const api = startLoad({ url: API, rate: RATES.api, reads: ["/health"], write: { path: "/lab/echo", share: WRITE_SHARE, body: (id) => ({ id }) }, token: await apiToken(), signal: stop.signal });
  const frontend = startLoad({ url: FRONTEND, rate: RATES.frontend, reads: ["/"], signal: stop.signal });
  return {
    end: async () => {
      stop.abort();
      const [ofApi, ofFrontend] = await Promise.all([api.done, frontend.done]);
      const { ids, forgotten, duplicates } = JSON.parse((await request(`${EXCHANGE}/lab/echo?prefix=${ofApi.run}`)).text) as { ids: number; forgotten: number; duplicates: unknown[] };
      // What the double no longer remembers would be counted as lost.
      expect(forgotten).toBe(0);
      return { api: ofApi, frontend: ofFrontend, lost: Math.max(0, ofApi.byMethod.POST.ok - ids), repeated: duplicates.length };
    },
  };
}

/** @param what for the line that tells the numbers */
export async function underLoad(what: string, work: () => Promise<unknown>): Promise<Measured> {
  const [stop, since, began] = [new AbortController(), new Date(), Date.now()];
  const load = await startUsers();
  const quorum = watchServers(stop.signal);
  let users: Users;
  try {
    await work();
    await new Promise((done) => setTimeout(done, 3_000));
  } finally {
    stop.abort();
    users = await load.end();
  }
  const { api, frontend, lost, repeated } = users;
  const runs = await runsSince(since);
  const measured: Measured = {
    seconds: (Date.now() - began) / 1_000,
    sent: api.sent + frontend.sent,
    failed: { GET: api.byMethod.GET.failed + frontend.failed, POST: api.byMethod.POST.failed },
    lost,
    repeated,
    ...(await quorum),
    overlaps: overlaps(runs).length,
    longestGapMs: Math.max(0, ...gaps(runs, 0).map(({ ms }) => ms)),
  };
  const { failed } = measured;
  process.stderr.write(`${what}: ${measured.seconds.toFixed(0)} s, ${failed.GET + failed.POST} of ${measured.sent} requests failed (${failed.GET} reads, ${failed.POST} writes), ${measured.lost} writes lost, ${measured.repeated} repeated, smallest quorum ${measured.smallestQuorum} of 3, no leader for ${measured.leaderlessMs} ms at most, ${measured.overlaps} overlaps of workers, longest gap of ingestion ${measured.longestGapMs} ms\n`);
  for (const { atSeconds, method, kind, detail } of [...api.firstFailures, ...frontend.firstFailures].slice(0, 3)) process.stderr.write(`  first failures: ${method} at ${atSeconds.toFixed(1)} s, ${kind}: ${detail}\n`);
  return measured;
}

async function watchServers(signal: AbortSignal): Promise<Pick<Measured, "smallestQuorum" | "leaderlessMs">> {
  const servers = nomadServers(labMachines(environment, lab)).map((machine) => publishedAddress(machine, CLUSTER_PORTS.nomadHttp)!);
  let [smallestQuorum, leaderlessMs] = [servers.length, 0];
  let led = Date.now();
  let caPem = access().nomad.caPem;
  while (!signal.aborted) {
    // The authority of the moment: it may be what is rotated. A state that is being written this very moment is looked at the next time.
    try {
      caPem = access().nomad.caPem;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    const ask = (path: string): Promise<number> => Promise.all(servers.map((address) => request(`https://${address}${path}`, { ca: caPem }).then(({ status }) => status === 200, () => false))).then((good) => good.filter(Boolean).length);
    // "stale": each answers for itself.
    const [up, leading] = await Promise.all([ask("/v1/status/peers?stale"), ask("/v1/agent/health?type=server")]);
    smallestQuorum = Math.min(smallestQuorum, up);
    if (leading > 0) led = Date.now();
    leaderlessMs = Math.max(leaderlessMs, Date.now() - led);
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
  return { smallestQuorum, leaderlessMs };
}
