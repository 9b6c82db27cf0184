/** Takes one part of the cluster away for a while, watches that everything goes on without it, brings it back and waits until all is well. */
import { Duration } from "../../../contracts/units";
import type { LoadResult } from "../load/tally";
import { isWell, type LabStatus } from "../status/report";

export const OUTAGES = ["consul", "openbao", "nomad-servers"] as const;
export type Outage = (typeof OUTAGES)[number];

/** A task's container on its node. */
export interface TaskContainer {
  /** "gvfx-api on server-1: api". */
  readonly name: string;
  readonly id: string;
}

/** What an outage needs of the lab. */
export interface OutageSources {
  readonly status: () => Promise<LabStatus>;
  /** Containers of the tasks that should run on without an end. */
  readonly tasks: () => Promise<readonly TaskContainer[]>;
  /** Ids of all containers that run on the nodes now. */
  readonly running: () => Promise<ReadonlySet<string>>;
  readonly takeAway: (outage: Outage) => Promise<void>;
  readonly bringBack: (outage: Outage) => Promise<void>;
  /** Begins light traffic; ends when the signal says so. */
  readonly traffic: (signal: AbortSignal) => Promise<readonly LoadResult[]>;
  /** When the last announced attempt of any template falls due, in milliseconds since 1970. */
  readonly lastTemplateRetry: () => Promise<number | undefined>;
  readonly now: () => number;
  readonly wait: (time: Duration, signal?: AbortSignal) => Promise<void>;
  readonly write: (line: string) => void;
}

export interface OutageResult {
  readonly outage: Outage;
  readonly minutes: number;
  readonly tasks: number;
  readonly restarted: readonly { readonly task: string; readonly afterSeconds: number }[];
  readonly requests: { readonly sent: number; readonly failed: number };
  readonly firstFailures: LoadResult["firstFailures"];
  /** From the heal on; undefined when it did not get well in time. */
  readonly secondsUntilWell: number | undefined;
  /** What was not well when the time was up. */
  readonly problems: readonly string[];
}

/** Often enough that no restart hides: a container that Nomad replaces has another id for ever. */
const SAMPLE_EVERY = Duration.seconds(5);
/** A check that is about to fail does so within its interval and its timeout; what is well for that long is well. */
const STAYS_WELL = Duration.seconds(10);
/** Twice the longest pause between a template's attempts (Nomad's default: one minute), and what follows from it. */
export const WELL_WITHIN = Duration.minutes(3);
/** An attempt takes as long as a connection may. */
const ATTEMPT_TAKES = Duration.seconds(3);

/**
 * @param signal brings the part back at once
 * @throws Error when the lab is not well before: then it would show nothing
 */
export async function runOutage(outage: Outage, lasts: Duration, sources: OutageSources, signal?: AbortSignal): Promise<OutageResult> {
  const { write, now } = sources;
  const before = await sources.status();
  if (!isWell(before)) throw new Error(`the lab is not well, so that an outage would show nothing: ${before.problems.map(({ what }) => what).join("; ")}. Mend it first: npm run gvfx -- lab status`);
  const tasks = await sources.tasks();
  if (tasks.length === 0) throw new Error("no task runs, so that an outage would show nothing; bring the lab up with: npm run lab");

  const stop = new AbortController();
  const traffic = sources.traffic(stop.signal);
  const restarted = new Map<string, number>();
  const began = now();
  const sample = async (): Promise<void> => {
    const running = await sources.running();
    for (const { name, id } of tasks.filter((task) => !running.has(task.id) && !restarted.has(task.name))) {
      const afterSeconds = (now() - began) / 1_000;
      restarted.set(name, afterSeconds);
      write(`${outage}: ${name} is gone or was restarted after ${afterSeconds.toFixed(0)} s (container ${id.slice(0, 12)})`);
    }
  };

  let wellAt: number | undefined;
  let problems: readonly string[] = [];
  let healedAt = began;
  try {
    try {
      await sources.takeAway(outage);
      write(`${outage}: away for ${lasts}; ${tasks.length} tasks are watched`);
      while (now() - began < lasts.milliseconds && !signal?.aborted) {
        await sources.wait(SAMPLE_EVERY, signal);
        await sample();
      }
    } finally {
      await sources.bringBack(outage);
      healedAt = now();
      write(`${outage}: back after ${((healedAt - began) / 1_000).toFixed(0)} s`);
    }
    ({ wellAt, problems } = await untilWell(healedAt, sources, signal));
    await sample();
  } finally {
    stop.abort();
  }
  const loads = await traffic;
  return {
    outage,
    minutes: (healedAt - began) / 60_000,
    tasks: tasks.length,
    restarted: [...restarted].map(([task, afterSeconds]) => ({ task, afterSeconds })),
    requests: { sent: loads.reduce((sum, { sent }) => sum + sent, 0), failed: loads.reduce((sum, { failed }) => sum + failed, 0) },
    firstFailures: loads.flatMap(({ firstFailures }) => firstFailures),
    secondsUntilWell: wellAt === undefined ? undefined : Math.max(0, wellAt - healedAt) / 1_000,
    problems,
  };
}

/** Well since when, once it has stayed so and no template waits for another attempt. */
async function untilWell(healedAt: number, { status, lastTemplateRetry, now, wait, write }: OutageSources, signal?: AbortSignal): Promise<{ wellAt: number | undefined; problems: readonly string[] }> {
  let since: number | undefined;
  let problems: readonly string[] = [];
  while (!signal?.aborted) {
    const [seen, retry] = await Promise.all([status(), lastTemplateRetry()]);
    const at = now();
    problems = seen.problems.map(({ what }) => what);
    if (problems.length > 0) since = undefined;
    else since ??= at;
    const rendered = retry === undefined || at > retry + ATTEMPT_TAKES.milliseconds;
    if (since !== undefined && rendered && at - since >= STAYS_WELL.milliseconds) return { wellAt: Math.max(since, retry ?? 0), problems: [] };
    if (problems.length === 0 && !rendered) problems = ["templates still wait for another attempt"];
    if (at - healedAt > WELL_WITHIN.plus(STAYS_WELL).milliseconds) break;
    await wait(Duration.seconds(1), signal);
  }
  write(`not well: ${problems.join("; ") || "interrupted"}`);
  return { wellAt: undefined, problems };
}

/** Nothing restarted, and well again in time. Requests that failed are reported, and judged by whoever reads it. */
export function passed({ restarted, secondsUntilWell }: OutageResult): boolean {
  return restarted.length === 0 && secondsUntilWell !== undefined && secondsUntilWell <= WELL_WITHIN.seconds;
}

/** Results as a Markdown table, for docs/lab.md. */
export function outageTable(results: readonly OutageResult[]): string {
  return [
    "| away | minutes | tasks restarted | failed requests | seconds until all was well |",
    "|---|---|---|---|---|",
    ...results.map(({ outage, minutes, tasks, restarted, requests, secondsUntilWell }) => `| ${outage} | ${minutes.toFixed(1)} | ${restarted.length} of ${tasks} | ${requests.failed} of ${requests.sent} | ${secondsUntilWell === undefined ? "not within 180" : secondsUntilWell.toFixed(0)} |`),
  ].join("\n");
}
