/** Plans, restore points and reports, for people. */
import type { BackupManifest } from "../../../contracts/backup";
import { isLate, type RestoreReport } from "./report";
import { shortId, type RestorePlan, type RestorePoint, type RestoreProblem } from "./types";

export interface ListedPoint {
  readonly point: RestorePoint;
  /** Undefined when it was not asked for, null when the backup has none that can be read. */
  readonly manifest?: BackupManifest | null;
}

export function textPoints(listed: readonly ListedPoint[], total: number, now: Date, list: string, namespace: string): string {
  if (total === 0) return `There is no backup yet. The job runs every interval: nomad job status -namespace ${namespace} gvfx-backup`;
  const rows = listed.map(({ point, manifest }) => [shortId(point), point.time.toISOString().replace(/\.\d+Z$/, "Z"), age(now.getTime() - point.time.getTime()), ...contents(manifest)]);
  const head = ["snapshot", "stored at", "age", "holds all before", "Postgres", "objects", "cluster"];
  const more = total > listed.length ? [`and ${total - listed.length} older ones: ${list} --all`] : [];
  return [...table([head, ...rows]), ...more].join("\n");
}

function contents(manifest: BackupManifest | null | undefined): string[] {
  if (manifest === undefined) return [];
  if (manifest === null) return ["has no manifest that can be read: not of this platform's job, or damaged"];
  const buckets = Object.values(manifest.objects);
  const taken = Object.entries(manifest.cluster).flatMap(([name, snapshot]) => (snapshot.taken ? [name] : []));
  const count = buckets.reduce((sum, { objects }) => sum + objects, 0);
  return [manifest.postgres.startedAt.replace(/\.\d+Z$/, "Z"), `${manifest.postgres.version}, ${bytes(manifest.postgres.bytes)}`, `${count}, ${bytes(buckets.reduce((sum, bucket) => sum + bucket.bytes, 0))}`, taken.join(" ") || "none"];
}

export function textPlan({ request, folder, steps, notes }: RestorePlan, now: Date): string {
  const { point, target, from, mode } = request;
  const what = mode === "in-place" ? `in place on ${target}` : mode === "beside" ? `beside, to ${folder} on ${target}` : `to ${folder} on ${target}, and remove it again`;
  return [
    `Restore backup ${shortId(point)} of ${point.time.toISOString()} (${age(now.getTime() - point.time.getTime())} old) from ${from.kind === "s3" ? "S3" : from.node}, ${what}`,
    `  ${steps.map(({ kind }) => kind).join(" > ")}`,
    ...notes.map((note) => `  Note: ${note}`),
  ].join("\n");
}

export function textProblems(problems: readonly RestoreProblem[]): string {
  return [`Nothing was changed: ${problems.length === 1 ? "one thing is" : `${problems.length} things are`} in the way`, ...problems.flatMap(({ what, fix }) => [`  ${what}`, `    To mend it: ${fix}`])].join("\n");
}

/** At most this many of each list: the JSON report has all. */
const SHOWN = 40;

export function textReport(report: RestoreReport, files: readonly string[]): string {
  const { postgres, convex, tables, objects, references, problems, recoveryPoint, recoveryPointAgeSeconds, recoveryPointLimitSeconds, recoverySeconds, error, next } = report;
  const documents = convex.reduce((sum, { rows }) => sum + rows, 0);
  const verdict = { proven: "PROVEN", "not proven": "NOT PROVEN", "broke off": "BROKE OFF" }[report.verdict];
  return [
    `${verdict}: backup ${report.snapshot.slice(0, 8)} of "${report.environment}", from ${report.from} to ${report.target} (${report.mode})`,
    ...(recoveryPoint ? [`  recovery point  ${recoveryPoint}, ${seconds(recoveryPointAgeSeconds!)} before the restore began${isLate(report) ? ` — LATE: the interval allows ${seconds(recoveryPointLimitSeconds!)}` : ""}`] : []),
    `  recovery time   ${recoverySeconds} s`,
    ...report.steps.map(({ step, seconds: took, note }) => `    ${step.padEnd(16)} ${`${took} s`.padStart(10)}  ${note}`),
    ...(postgres ? [`  Postgres        ${postgres.version}, ${postgres.files} files, ${bytes(postgres.bytes)}, system identifier ${postgres.systemIdentifier}; ${tables.length} tables with ${tables.reduce((sum, { rows }) => sum + rows, 0)} rows`] : []),
    ...(convex.length > 0 ? [`  Convex          ${convex.length} tables with ${documents} documents (layout of ${report.layout === "double" ? "the lab's double" : "the backend"}); ${references} rows name an object`] : []),
    ...list(convex.map(({ name, rows, hash }) => `    ${name.padEnd(28)} ${String(rows).padStart(9)}  ${hash}`)),
    ...objects.map(({ bucket, objects: count, bytes: size, digest }) => `  ${bucket.padEnd(24)} ${String(count).padStart(6)} objects, ${bytes(size)}, ${digest}`),
    ...(problems.length > 0 ? [`  ${problems.length} problems:`, ...list(problems.map((problem) => `    ${problem}`))] : []),
    ...(error && report.verdict === "broke off" ? [`  ${error}`] : []),
    ...next.map((line) => `  Next: ${line}`),
    ...files.map((file) => `  Report: ${file}`),
  ].join("\n");
}

function list(lines: readonly string[]): string[] {
  return lines.length <= SHOWN ? [...lines] : [...lines.slice(0, SHOWN), `    and ${lines.length - SHOWN} more: see the JSON report`];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => (column === row.length - 1 ? 0 : (row[column] ?? "").length))));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}

export function age(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor((minutes % 1_440) / 60)];
  return days > 0 ? `${days}d ${hours}h` : hours > 0 ? `${hours}h ${minutes % 60}m` : `${minutes}m`;
}

function seconds(count: number): string {
  return count < 120 ? `${Math.round(count)} s` : `${Math.floor(count / 60)} min ${Math.round(count % 60)} s`;
}

export function bytes(count: number): string {
  return count < 2 ** 20 ? `${Math.ceil(count / 2 ** 10)} KiB` : count < 2 ** 30 ? `${(count / 2 ** 20).toFixed(1)} MiB` : `${(count / 2 ** 30).toFixed(2)} GiB`;
}
