/** What is written down while a case runs, and gathered from all sources when it is over. */
import { JOBS } from "../../contracts/services";
import type { BetweenRuns } from "./between-runs";
import type { DrillClock } from "./clock";
import type { DatabaseRecord } from "./database";
import { countOrders, workerOrders, type ExchangeRecord } from "./exchange";
import { startOrders } from "./order-stream";
import { phasesOf, type WrapperLog } from "./phases";
import { FROZEN_AFTER_MS, type LeasePhase } from "./result";
import type { Observation } from "./scene";
import type { TickReader } from "./tick-reader";
import type { TickRecord } from "./tick-record";
import type { WorkerJobs } from "./worker-jobs";

export interface ObservedSources {
  readonly clock: Pick<DrillClock, "now" | "toWall" | "ofWall">;
  readonly record: TickRecord;
  readonly reader: Pick<TickReader, "caughtUp">;
  readonly between: BetweenRuns;
  readonly jobs: Pick<WorkerJobs, "allocations" | "log">;
  readonly exchange: Pick<ExchangeRecord, "connections" | "orders" | "repeatedRequests">;
  readonly database: Pick<DatabaseRecord, "count">;
  /** Addresses of the API, one a node. */
  readonly gateways: readonly string[];
  readonly token: string;
  readonly say: (line: string) => void;
}

/** A stretch that began before the case is shown from at least a little before it on. */
const BEFORE_MS = 10_000;
/** Some hours of a wrapper's log, with what its worker says between. */
const LOG_BYTES = 400_000;
/** Those that a case can have had: each is read from the node it was on. */
const NEWEST_ALLOCATIONS = 8;

export async function observeLab(sources: ObservedSources): Promise<Observation> {
  const { clock, record, reader, between, exchange, database, gateways, token } = sources;
  const from = clock.now();
  between.begin(from);
  record.forgetBefore(Math.min(between.neededFrom(), from - BEFORE_MS));
  const orders = startOrders(gateways, token);
  return {
    from,
    abandon: async () => {
      between.end(clock.now());
      await orders.stop();
    },
    end: async (to) => {
      between.end(to);
      await orders.stop();
      await reader.caughtUp();
      record.checkReadable();
      const stretches = record.stretches(from, to);
      const instances = new Set(stretches.filter(({ policy }) => policy === "lease").map(({ instance }) => instance));
      const [connections, seen, repeated, counted, phases] = await Promise.all([
        exchange.connections(from - FROZEN_AFTER_MS),
        exchange.orders(from),
        Promise.all(orders.loads.map((load) => exchange.repeatedRequests(load))),
        database.count({ from: clock.toWall(from), to: clock.toWall(to), instances }),
        phasesWithin(sources, from, to),
      ]);
      return { stretches, connections, phases, overlapBeforeMs: between.judge(record), workerOrders: workerOrders(seen, { from, to }), duplicates: { ...countOrders(seen, stretches, { from, to }, repeated.reduce((sum, count) => sum + count, 0)), ...counted } };
    },
  };
}

/** Nothing hangs on them but the explanation: a log that is gone is left out. */
async function phasesWithin({ jobs, clock, say }: ObservedSources, from: number, to: number): Promise<LeasePhase[]> {
  const allocations = (await jobs.allocations(JOBS.worker)).sort((a, b) => b.createdAt - a.createdAt).slice(0, NEWEST_ALLOCATIONS);
  const logs = await Promise.all(
    allocations.flatMap(({ id, node }) =>
      (["stdout", "stderr"] as const).map(async (stream): Promise<WrapperLog | undefined> => {
        const text = await jobs.log(id, stream, LOG_BYTES).catch(() => undefined);
        return text === undefined ? undefined : { node, allocation: id, text, whole: Buffer.byteLength(text) < LOG_BYTES };
      }),
    ),
  );
  const phases = logs.flatMap((log) => (log ? phasesOf(log, (wall) => clock.ofWall(wall)) : [])).filter(({ at }) => at >= from && at <= to);
  if (phases.length === 0 && logs.every((log) => log === undefined)) say("no wrapper's log could be read");
  return phases.sort((a, b) => a.at - b.at);
}
