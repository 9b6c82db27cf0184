/** The worker's metrics in Prometheus' text format. */
import type { Ingestion } from "./ingestion";

export function metricsText(prefix: string, instance: string, { counts, lastProgressMs }: Ingestion): string {
  const name = `${prefix}double_worker`;
  return [
    `${prefix}up 1`,
    `# HELP ${name}_info Says that this is a double, and which process.`,
    `${name}_info{instance="${instance}"} 1`,
    `# HELP ${name}_ticks_total Steps in which data came.`,
    `${name}_ticks_total ${counts.ticks}`,
    `${name}_late_steps_total ${counts.lateSteps}`,
    `${name}_rest_failures_total ${counts.restFailures}`,
    `${name}_flush_failures_total ${counts.flushFailures}`,
    `# HELP ${name}_last_progress_seconds When data came last, in seconds since 1970.`,
    `${name}_last_progress_seconds ${lastProgressMs / 1_000}`,
    `# HELP ${name}_rows_total Rows written, by feed.`,
    ...[...counts.rows].map(([feed, count]) => `${name}_rows_total{feed="${feed}"} ${count}`),
    "",
  ].join("\n");
}
