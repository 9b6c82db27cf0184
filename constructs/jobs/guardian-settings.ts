/** What the guardian's program is told, as it reads it: milliseconds, since it is plain JavaScript (runtime/guardian). */
import { BACKUP_STATUS_VARIABLE } from "../../contracts/backup";
import { entriesFor } from "../../contracts/env";
import { SYSTEM_JOBS, type JobName } from "../../contracts/services";
import { Duration, type Port } from "../../contracts/units";
import type { Environment } from "../../environments/schema";

interface Trigger {
  readonly windowMs: number;
  readonly threshold: number;
  readonly minimumSamples: number;
  readonly missingData: "fail" | "inconclusive";
}

export interface GuardianSettings {
  readonly environment: string;
  readonly namespace: string;
  readonly mode: "advise" | "act";
  readonly port: number;
  readonly sources: { readonly api: string; readonly rlService: string; readonly probeTimeoutMs: number; readonly readTimeoutMs: number; readonly runTimeoutMs: number; readonly lookBackMs: number };
  readonly triggers: Readonly<Record<keyof Environment["cutover"]["rollback"], Trigger>>;
  readonly keys: { readonly workerOwner: string; readonly traffic: string };
  readonly ledger: string;
  readonly alerts: { readonly destination: string; readonly deadManUrl?: string; readonly deadManIntervalMs: number };
  /** Nomad variable with the backup's outcome, and from when on it is late. */
  readonly backup: { readonly variable: string; readonly lateAfterMs: number; readonly copies: boolean };
  /**
   * Jobs of kind system, and how an allocation of one that has failed is brought back: by evaluating the job. In both
   * modes, since it undoes nothing and moves neither worker nor traffic: it asks Nomad's scheduler to do what the job says
   * already, as `nomad job eval` does, and for a job that is well, an evaluation changes nothing.
   */
  readonly systemJobs: { readonly ids: readonly JobName[]; readonly lookIntervalMs: number; readonly firstPauseMs: number; readonly longestPauseMs: number; readonly alertAfter: number };
  readonly probeIntervalMs: number;
  readonly readIntervalMs: number;
  readonly summaryIntervalMs: number;
}

export interface GuardianPlaces {
  readonly port: Port;
  /** Base URLs, the gateway's names: what users reach. */
  readonly api: string;
  readonly rlService: string;
  readonly keys: GuardianSettings["keys"];
  /** Folder of the guardian's entries in the ledger. */
  readonly ledger: string;
}

/** A page that is up answers its health at once; the gateway itself tries another copy after two seconds. */
const PROBE_TIMEOUT = Duration.seconds(5);
/** Reads go to Convex, which may be busy; the app's own proxy would wait for three times as long. */
const READ_TIMEOUT = Duration.seconds(15);
/** At most this far apart, so that a service which is ill is seen to be in half a minute; at least a second, so that the guardian is no load. */
const PROBE_INTERVAL = { longest: Duration.seconds(10), shortest: Duration.seconds(1) };
/** Up to a thousand rows each time: three times rarer than probes. */
const READ_INTERVAL = { longest: Duration.seconds(30), shortest: Duration.seconds(1) };
/** Entries stay for ever: fifty for a watch, and never more than one a minute or fewer than one an hour. */
const SUMMARY_INTERVAL = { longest: Duration.hours(1), shortest: Duration.minutes(1) };
const SUMMARIES_A_WATCH = 50;

/** Two small reads a look, and looks go with the rounds; a gateway that is dead is evaluated within ten seconds. */
const SYSTEM_JOB_LOOK = Duration.seconds(5);
/**
 * An allocation that was placed anew has pulled its image, passed its hooks and failed in half a minute, if it fails. An image that
 * always fails costs an allocation every ten minutes at last, of those that Nomad keeps for hours.
 */
const EVALUATION_PAUSE = { first: Duration.seconds(30), longest: Duration.minutes(10) };
/** 30 s, 60 s and 120 s: what has not helped after three and a half minutes needs a person. */
const ALERT_AFTER_EVALUATIONS = 3;

/** The API is asked for its health and for data, the RL service for its health; runs and retry queue are read once. */
const SAMPLES_A_ROUND = { apiErrorRatio: 2, rlErrorRatio: 1, duplicateIngestionRuns: 1, unresolvedConvexWriteFailures: 1 } as const;

/**
 * @throws Error when a trigger's window cannot hold the samples that it needs
 */
export function guardianSettings(env: Environment, places: GuardianPlaces): GuardianSettings {
  const { rollback, watch, guardianMode } = env.cutover;
  const interval = (names: readonly (keyof typeof rollback)[], bounds: { readonly longest: Duration; readonly shortest: Duration }) => {
    const wanted = names.map((name) => spacing(name, rollback[name], bounds.shortest));
    return clamp(Math.min(...wanted), bounds);
  };
  return {
    environment: env.name,
    namespace: env.nomad.namespace,
    mode: guardianMode,
    port: places.port,
    sources: { api: places.api, rlService: places.rlService, probeTimeoutMs: PROBE_TIMEOUT.milliseconds, readTimeoutMs: READ_TIMEOUT.milliseconds, runTimeoutMs: runTimeout(env).milliseconds, lookBackMs: watch.milliseconds },
    triggers: { duplicateIngestionRuns: trigger(rollback.duplicateIngestionRuns), unresolvedConvexWriteFailures: trigger(rollback.unresolvedConvexWriteFailures), apiErrorRatio: trigger(rollback.apiErrorRatio), rlErrorRatio: trigger(rollback.rlErrorRatio) },
    keys: places.keys,
    ledger: places.ledger,
    alerts: { destination: env.alerts.destination, ...(env.alerts.deadManUrl === undefined ? {} : { deadManUrl: env.alerts.deadManUrl }), deadManIntervalMs: env.alerts.deadManInterval.milliseconds },
    backup: { variable: BACKUP_STATUS_VARIABLE, lateAfterMs: env.dataPlane.backup.lateAfter.milliseconds, copies: env.dataPlane.backup.s3 !== undefined },
    systemJobs: { ids: SYSTEM_JOBS, lookIntervalMs: SYSTEM_JOB_LOOK.milliseconds, firstPauseMs: EVALUATION_PAUSE.first.milliseconds, longestPauseMs: EVALUATION_PAUSE.longest.milliseconds, alertAfter: ALERT_AFTER_EVALUATIONS },
    probeIntervalMs: interval(["apiErrorRatio", "rlErrorRatio"], PROBE_INTERVAL),
    readIntervalMs: interval(["duplicateIngestionRuns", "unresolvedConvexWriteFailures"], READ_INTERVAL),
    summaryIntervalMs: guardianSummaryInterval(env).milliseconds,
  };
}

/** How often the guardian writes how all triggers stand, whether or not anything changed. */
export function guardianSummaryInterval({ cutover }: Environment): Duration {
  return Duration.ms(clamp(cutover.watch.milliseconds / SUMMARIES_A_WATCH, SUMMARY_INTERVAL));
}

type RollbackTrigger = Environment["cutover"]["rollback"]["apiErrorRatio"];

function trigger({ window, threshold, minimumSamples, missingData }: RollbackTrigger): Trigger {
  return { windowMs: window.milliseconds, threshold, minimumSamples, missingData };
}

/** Time between rounds at which the window holds twice the samples that are needed: a round that is late does not make a verdict inconclusive. */
function spacing(name: keyof typeof SAMPLES_A_ROUND, { window, minimumSamples }: RollbackTrigger, shortest: Duration): number {
  const rounds = Math.ceil(minimumSamples / SAMPLES_A_ROUND[name]);
  if (window.milliseconds < rounds * shortest.milliseconds) {
    throw new Error(`cutover.rollback.${name} needs ${minimumSamples} samples in ${window}, but the guardian takes ${SAMPLES_A_ROUND[name]} every ${shortest} at most: its verdict would be inconclusive for ever; lower minimumSamples or lengthen the window in the environment file`);
  }
  return Math.floor(window.milliseconds / (2 * rounds));
}

function clamp(milliseconds: number, { longest, shortest }: { readonly longest: Duration; readonly shortest: Duration }): number {
  return Math.round(Math.min(longest.milliseconds, Math.max(shortest.milliseconds, milliseconds)));
}

/** After how long the app itself gives up on an unfinished run; 0 switches that off there, and then nothing is abandoned. */
export function runTimeout(env: Environment): Duration {
  const key = "INGESTION_RUN_TIMEOUT_MIN";
  const minutes = Number(env.tuning.worker[key] ?? entriesFor("worker").find((entry) => entry.key === key)?.default);
  return minutes > 0 ? Duration.minutes(minutes) : env.cutover.watch;
}
