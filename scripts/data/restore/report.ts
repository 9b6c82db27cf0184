/** The report of a restore: what was restored, by counts and hashes, and how long it took. */
import type { Environment } from "../../../environments/schema";
import type { TableFingerprint } from "./fingerprint";
import type { Execution, StepRecord } from "./execute";
import type { RestoreMode, RestorePlan } from "./types";

/** Between a run's turn and its start: what a scheduler and a pull may take. */
const LATE_SECONDS = 60;

export interface RestoreReport {
  readonly version: 1;
  readonly environment: string;
  readonly mode: RestoreMode;
  readonly verdict: "proven" | "not proven" | "broke off";
  readonly snapshot: string;
  readonly from: string;
  readonly target: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Everything committed before this moment is in what was restored; undefined when its manifest was not read. */
  readonly recoveryPoint: string | undefined;
  /** How old that was when the restore began: what a loss at that moment would have cost. */
  readonly recoveryPointAgeSeconds: number | undefined;
  /** The age that backups of this interval allow for: the interval, a run, and a minute. */
  readonly recoveryPointLimitSeconds: number | undefined;
  /** From the start to data that is proven and, in place, used again. */
  readonly recoverySeconds: number;
  readonly steps: readonly StepRecord[];
  readonly postgres: { readonly version: string; readonly systemIdentifier: string; readonly files: number; readonly bytes: number } | undefined;
  readonly layout: string | undefined;
  /** Of Convex, by documents. */
  readonly convex: readonly TableFingerprint[];
  readonly tables: readonly TableFingerprint[];
  readonly objects: readonly { readonly bucket: string; readonly objects: number; readonly bytes: number; readonly digest: string }[];
  /** Rows that name an object; each was looked up. */
  readonly references: number;
  readonly problems: readonly string[];
  readonly error: string | undefined;
  readonly next: readonly string[];
}

export function restoreReport(env: Pick<Environment, "name" | "dataPlane">, plan: RestorePlan, execution: Execution, startedAt: Date, finishedAt: Date): RestoreReport {
  const { request } = plan;
  const manifest = execution.files?.manifest;
  const age = manifest && (startedAt.getTime() - Date.parse(manifest.postgres.startedAt)) / 1_000;
  const run = manifest && (Date.parse(manifest.finishedAt) - Date.parse(manifest.startedAt)) / 1_000;
  const steps = execution.steps.filter(({ step }) => step !== "remove");
  return {
    version: 1,
    environment: env.name,
    mode: request.mode,
    verdict: execution.outcome === "done" ? "proven" : execution.outcome === "not-proven" ? "not proven" : "broke off",
    snapshot: request.point.id,
    from: request.from.kind === "s3" ? "s3" : request.from.node,
    target: request.target,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    recoveryPoint: manifest?.postgres.startedAt,
    recoveryPointAgeSeconds: age === undefined ? undefined : Math.round(age),
    recoveryPointLimitSeconds: run === undefined ? undefined : Math.round(env.dataPlane.backup.interval.seconds + run + LATE_SECONDS),
    recoverySeconds: Math.round(steps.reduce((total, { seconds }) => total + seconds, 0) * 10) / 10,
    steps: execution.steps,
    postgres: manifest && execution.fingerprint && { version: execution.fingerprint.version, systemIdentifier: execution.fingerprint.systemIdentifier, files: manifest.postgres.files, bytes: manifest.postgres.bytes },
    layout: execution.fingerprint?.layout,
    convex: execution.fingerprint?.convex ?? [],
    tables: execution.fingerprint?.tables ?? [],
    objects: Object.entries(manifest?.objects ?? {}).map(([bucket, { objects, bytes, digest }]) => ({ bucket, objects, bytes, digest })),
    references: execution.fingerprint?.references.length ?? 0,
    problems: execution.problems,
    error: execution.error,
    next: execution.next,
  };
}

/** A newest restore point that is older than the backups' interval explains. */
export function isLate({ mode, recoveryPointAgeSeconds: age, recoveryPointLimitSeconds: limit }: RestoreReport): boolean {
  return mode === "rehearse" && age !== undefined && limit !== undefined && age > limit;
}
