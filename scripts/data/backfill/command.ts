/** `gvfx data backfill` and `gvfx data coverage`: brings market data from the exchange, and proves what is there. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { Duration } from "../../../contracts/units";
import type { Environment } from "../../../environments/schema";
import { durationOption, INTERRUPTED, interruptible } from "../../command-line";
import type { Variables } from "../../doctor/credentials";
import { SIDES, type Side } from "../../lease/sources";
import { silentProgress, terminalProgress, type Progress } from "../progress";
import { backfillAccess, runTimeout, type BackfillAccess } from "./access";
import { backfill, type BackfillOptions } from "./backfill";
import { openJournal, type PairResult } from "./journal";
import { measureCoverage } from "./measure";
import type { CoverageReport, CoverageVerdict } from "./report";
import { selectPairs } from "./select-pairs";
import { textCoverage } from "./text";

/** What the app itself takes for a gap (DATA_GAP_HEAL_MAX_BATCHES): of fourteen intervals about a minute's work. */
const DEFAULT_MAX_BATCHES = 10;
/** A call brings 5,000 minutes: nine of them bring thirty days. */
const DEFAULT_MAX_CALLS = 25;
const WAIT_EVERY = Duration.seconds(15);
/** Not asked, not done, or not to be judged. */
const UNKNOWN = 2;
const EXIT: Readonly<Record<CoverageVerdict, number>> = { pass: 0, fail: 1, inconclusive: UNKNOWN };

export interface BackfillSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** @default standard error */
  readonly complain?: (text: string) => void;
  /** @default at standard error */
  readonly progress?: Progress;
  readonly access?: (env: Environment, side: Side, signal: AbortSignal) => Promise<BackfillAccess>;
  /** Where journals and reports go. @default .gvfx/<environment>/data */
  readonly folder?: (env: Environment) => string;
  /** @default a timer */
  readonly wait?: (time: Duration, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a clock that only goes forward. @default performance.now */
  readonly clock?: () => number;
}

interface Selection {
  readonly pairs?: string;
  readonly gold: boolean;
  readonly side: Side;
  readonly json: boolean;
}

export function backfillCommands(environment: () => Environment, surroundings: BackfillSurroundings = {}): Command[] {
  const { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`) } = surroundings;
  const { access = (env, side, signal) => backfillAccess(env, side, variables, signal), folder = (env) => join(".gvfx", env.name, "data"), wait = (time, signal) => sleep(time.milliseconds, undefined, { signal }), clock = () => performance.now() } = surroundings;

  /** Runs the work until its end or a signal; says what went wrong. */
  const asked = async ({ json }: Selection, again: string, work: (env: Environment, progress: Progress, signal: AbortSignal) => Promise<number>): Promise<void> => {
    await interruptible(async (signal) => {
      try {
        process.exitCode = await work(environment(), surroundings.progress ?? (json ? silentProgress : terminalProgress(process.stderr)), signal);
      } catch (error) {
        complain(signal.aborted ? `Interrupted. ${again}` : (error as Error).message);
        process.exitCode = signal.aborted ? INTERRUPTED : UNKNOWN;
      }
    });
  };

  const measured = async (env: Environment, { side }: Selection, pairs: readonly string[], opened: BackfillAccess, progress: Progress, signal: AbortSignal): Promise<{ readonly report: CoverageReport; readonly path: string }> => {
    const report = await measureCoverage(opened.data, { environment: env.name, side, pairs, settings: env.coverage, progress, signal });
    return { report, path: save(folder(env), report) };
  };

  const backfillCommand = select(new Command("backfill").description("brings market data from the exchange by the app's own ingest, pair by pair in bounded calls, and proves the coverage"))
    .addOption(new Option("--max-batches <n>", "batches of 500 candles of each interval in one call").argParser(whole).default(DEFAULT_MAX_BATCHES))
    .addOption(new Option("--max-calls <n>", "calls for one pair, until the window of the environment's coverage is full").argParser(whole).default(DEFAULT_MAX_CALLS))
    .option("--fresh", "begin anew, instead of going on with a backfill that did not end", false)
    .addHelpText("after", BACKFILL_HELP)
    .action((options: Selection & { readonly maxBatches: number; readonly maxCalls: number; readonly fresh: boolean }) =>
      asked(options, "A call that was sent goes on in the app; repeat this command, and it follows that call and goes on from there.", async (env, progress, signal) => {
        const { side, json, maxBatches, maxCalls, fresh } = options;
        const pairs = selectPairs(env.markets, options);
        const opened = await access(env, side, signal);
        const api = await opened.api();
        const say = json ? () => undefined : write;
        say(`Backfill of ${pairs.join(", ")} by the api at ${api.address}; read from Convex at ${opened.data.address}`);
        const journal = openJournal(join(folder(env), "backfill"), { side, pairs, intervals: env.coverage.intervals, maxBatches }, { fresh });
        try {
          const settings: BackfillOptions = { pairs, settings: env.coverage, maxBatches, maxCalls, runTimeout: runTimeout(env), progress, say, wait: (time) => wait(time, signal), clock, signal };
          const results = await backfill({ api, data: opened.data, journal }, settings);
          const { report, path } = await measured(env, options, pairs, opened, progress, signal);
          write(json ? JSON.stringify({ backfill: results, journal: journal.path, coverage: report, report: path }, null, 2) : [...results.map(resultLine), "", textCoverage(report, env.coverage), `Report: ${path}`].join("\n"));
          return results.every(({ outcome }) => outcome === "covered" || outcome === "exhausted") ? EXIT[report.verdict] : 1;
        } finally {
          journal.close();
        }
      }),
    );

  const coverageCommand = select(new Command("coverage").description("proves from the tables themselves which market data is there: pair by feed, with counts, oldest, newest and gaps"))
    .addOption(new Option("--wait <duration>", "look again until everything passes, for at most so long; for example 20m after the worker was started").argParser(durationOption))
    .addHelpText("after", COVERAGE_HELP)
    .action((options: Selection & { readonly wait?: Duration }) =>
      asked(options, "Nothing was changed.", async (env, progress, signal) => {
        const pairs = selectPairs(env.markets, options);
        const opened = await access(env, options.side, signal);
        const until = clock() + (options.wait?.milliseconds ?? 0);
        for (;;) {
          const { report, path } = await measured(env, options, pairs, opened, progress, signal);
          if (report.verdict === "pass" || clock() >= until) {
            write(options.json ? JSON.stringify({ ...report, report: path }, null, 2) : `${textCoverage(report, env.coverage)}\nReport: ${path}`);
            return EXIT[report.verdict];
          }
          await wait(WAIT_EVERY, signal);
        }
      }),
    );

  return [backfillCommand, coverageCommand];

  function select(command: Command): Command {
    return command
      .option("--pairs <list>", "these pairs, by commas, instead of the crypto section")
      .option("--gold", "the gold section besides", false)
      .addOption(new Option("--side <side>", "whose api and Convex").choices(SIDES).default("nomad"))
      .option("--json", "print the result as JSON", false);
  }
}

function resultLine({ pair, outcome, calls, rows, note }: PairResult): string {
  return `${pair}: ${outcome}, ${calls} call${calls === 1 ? "" : "s"}, ${rows} rows${note ? `; ${note}` : ""}`;
}

function save(folder: string, report: CoverageReport): string {
  const reports = join(folder, "coverage");
  mkdirSync(reports, { recursive: true, mode: 0o700 });
  const path = join(reports, `${report.at.replaceAll(/[:.]/g, "-")}.json`);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  return path;
}

function whole(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("write a whole number above 0");
  return n;
}

const CREDENTIALS = `
Reads API_TOKEN (of Vault's app/api-token) for the api, and for the tables that the app's own functions cannot list the
admin key of Convex: by VAULT_TOKEN and VAULT_CACERT, for legacy LEGACY_CONVEX_ADMIN_KEY. The lab (GVFX_ENV=lab) needs none.`;
const BACKFILL_HELP = `${CREDENTIALS}

Safe to interrupt and to repeat: it goes on where it was. A call whose answer is lost is followed in the app's own records.
Exit status: 0 when everything was brought and the coverage passes, 1 when a pair failed or the coverage does, 2 when it
could not be asked or judged, 130 when interrupted.`;
const COVERAGE_HELP = `${CREDENTIALS}

What must be there is in the environment (coverage). Feeds without a past are judged over coverage.live, in which the
worker must have run. It only reads.
Exit status: 0 when all pass, 1 when one fails, 2 when one could not be judged and none fails, 130 when interrupted.`;
