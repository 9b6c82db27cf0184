/** Counts what became of the requests of a load: pure, so that what is claimed of a deploy can be tested. */

export type FailureKind = "connection" | "timeout" | "status";

/** What became of one request. Times in milliseconds since the load began. */
export interface Outcome {
  readonly id: string;
  readonly method: "GET" | "POST";
  /** When it should have been sent: an answer that comes late because the sender was late is late all the same. */
  readonly dueMs: number;
  readonly sentMs: number;
  readonly endMs: number;
  /** Undefined when the answer was a good one. */
  readonly failure?: { readonly kind: FailureKind; readonly detail: string };
}

export interface Count {
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
}

export interface LoadResult extends Count {
  /** Beginning of every request's `x-request-id`. */
  readonly run: string;
  readonly seconds: number;
  /** Requests a second that were asked for. */
  readonly rate: number;
  /** Sent later than they should have been, by more than `LATE_MS`: the sender had no time, so that the rate was not kept. */
  readonly late: number;
  readonly byMethod: Readonly<Record<"GET" | "POST", Count>>;
  readonly byKind: Readonly<Record<FailureKind, number>>;
  /** Milliseconds from when a request was due until its answer, of the good ones. Undefined when there was none. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | undefined;
  readonly firstFailures: readonly { readonly id: string; readonly method: string; readonly atSeconds: number; readonly kind: FailureKind; readonly detail: string }[];
}

/** Four periods of the usual rate of 200 a second; below that the arrivals are still even. */
export const LATE_MS = 20;
/** Enough to see a pattern. */
const FIRST_FAILURES = 20;

export class Tally {
  private readonly outcomes: Outcome[] = [];

  constructor(private readonly run: string, private readonly rate: number) {}

  add(outcome: Outcome): void {
    this.outcomes.push(outcome);
  }

  result(seconds: number): LoadResult {
    const all = this.outcomes;
    const failures = all.filter((outcome) => outcome.failure).sort((a, b) => a.dueMs - b.dueMs);
    const latencies = all.filter(({ failure }) => !failure).map(({ dueMs, endMs }) => endMs - dueMs).sort((a, b) => a - b);
    const count = (some: readonly Outcome[]): Count => ({ sent: some.length, ok: some.filter(({ failure }) => !failure).length, failed: some.filter(({ failure }) => failure).length });
    const ofKind = (kind: FailureKind): number => failures.filter(({ failure }) => failure?.kind === kind).length;
    return {
      run: this.run,
      seconds,
      rate: this.rate,
      ...count(all),
      late: all.filter(({ dueMs, sentMs }) => sentMs - dueMs > LATE_MS).length,
      byMethod: { GET: count(all.filter(({ method }) => method === "GET")), POST: count(all.filter(({ method }) => method === "POST")) },
      byKind: { connection: ofKind("connection"), timeout: ofKind("timeout"), status: ofKind("status") },
      latency: latencies.length === 0 ? undefined : { p50: percentile(latencies, 50), p95: percentile(latencies, 95), p99: percentile(latencies, 99), max: latencies[latencies.length - 1] },
      firstFailures: failures.slice(0, FIRST_FAILURES).map(({ id, method, dueMs, failure }) => ({ id, method, atSeconds: dueMs / 1_000, kind: failure!.kind, detail: failure!.detail })),
    };
  }
}

/** Nearest rank: a value that was really measured. @param sorted ascending, not empty */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

export function textResult(result: LoadResult): string {
  const { run, seconds, rate, sent, ok, failed, late, byMethod, byKind, latency, firstFailures } = result;
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  return [
    `${sent} requests in ${seconds.toFixed(1)} s (${rate}/s asked for, ${late} sent late); x-request-id ${run}-1 to ${run}-${sent}`,
    `  ok      ${ok} (GET ${byMethod.GET.ok} of ${byMethod.GET.sent}, POST ${byMethod.POST.ok} of ${byMethod.POST.sent})`,
    `  failed  ${failed} (connection ${byKind.connection}, timeout ${byKind.timeout}, status ${byKind.status})`,
    latency ? `  latency p50 ${ms(latency.p50)}, p95 ${ms(latency.p95)}, p99 ${ms(latency.p99)}, max ${ms(latency.max)}` : "  latency: no good answer",
    ...firstFailures.map(({ id, method, atSeconds, kind, detail }) => `  failed at ${atSeconds.toFixed(2).padStart(7)} s  ${method.padEnd(4)} ${id}  ${kind}: ${detail}`),
    ...(failed > firstFailures.length ? [`  and ${failed - firstFailures.length} more`] : []),
  ].join("\n");
}
