/** How fast a side answers, as ratios to a baseline that was measured before, on legacy say: figures of two machines compare, those of a number on paper do not. */
import { z } from "zod";
import { fail, inconclusive, pass } from "../doctor/check";
import type { Performed } from "./perform";
import type { Checked, Figure } from "./result";

export interface Workload {
  /** Unique, and the name by which a baseline knows it. */
  readonly id: string;
  readonly title: string;
  /** One request. @throws Error when it is not answered as it should be */
  once(signal: AbortSignal): Promise<void>;
}

export interface LoadShape {
  /** Requests at once. */
  readonly concurrency: number;
  /** Requests of each workload, after as many that are not counted as run at once. */
  readonly iterations: number;
}

/** As the app's own scripts (scripts/perf: 5 at once, 20 in all), with enough for a 95th percentile. */
export const SHAPE: LoadShape = { concurrency: 5, iterations: 200 };

const measuredSchema = z.object({ id: z.string(), p50: z.number().positive(), p95: z.number().positive(), perSecond: z.number().positive(), failed: z.number().int() });
/** Milliseconds, but for perSecond. */
export type Measured = z.output<typeof measuredSchema>;

export const baselineSchema = z.object({ version: z.literal(1), environment: z.string(), side: z.enum(["legacy", "nomad"]), at: z.string(), shape: z.object({ concurrency: z.number(), iterations: z.number() }), workloads: z.array(measuredSchema) });
export type Baseline = z.output<typeof baselineSchema>;

/** One workload after the other, so that none is in another's way. */
export async function measure(workloads: readonly Workload[], { concurrency, iterations }: LoadShape, { now, signal, say }: { readonly now: () => number; readonly signal: AbortSignal; readonly say: (line: string) => void }): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const { id, title, once } of workloads) {
    say(title);
    const took: number[] = [];
    let failed = 0;
    let left = iterations;
    const asker = async (): Promise<void> => {
      // The first of each opens its connection, and is not counted.
      await once(signal).catch(() => undefined);
      while (left-- > 0) {
        signal.throwIfAborted();
        const began = now();
        await once(signal).then(() => took.push(now() - began), () => (failed += 1));
      }
    };
    const began = now();
    await Promise.all(Array.from({ length: concurrency }, asker));
    const sorted = took.sort((a, b) => a - b);
    measured.push({ id, p50: percentile(sorted, 50), p95: percentile(sorted, 95), perSecond: (took.length / Math.max(1, now() - began)) * 1_000, failed });
  }
  return measured;
}

/** Nearest rank. @param sorted ascending. @returns 0 of none */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

/** @param atMostRatio of the 95th percentile to the baseline's: more fails */
export function compared(workloads: readonly Workload[], measured: readonly Measured[], baseline: Baseline | undefined, atMostRatio: number, record: string): Performed {
  const checks: Checked[] = [];
  const figures: Figure[] = [];
  for (const { id, p50, p95, perSecond, failed } of measured) {
    const title = workloads.find((workload) => workload.id === id)?.title ?? id;
    const before = baseline?.workloads.find((workload) => workload.id === id);
    const ratio = before && p95 / before.p95;
    figures.push({ title: `${title}: median`, value: p50, unit: "ms" }, { title: `${title}: 95th percentile`, value: p95, unit: "ms" }, { title: `${title}: answered`, value: perSecond, unit: "a second" });
    if (ratio !== undefined) figures.push({ title: `${title}: 95th percentile, to the baseline's`, value: ratio, unit: "ratio", atMost: atMostRatio });
    const outcome = () => {
      if (failed > 0) return fail(`${failed} requests failed`, "see why: gvfx smoke");
      if (ratio === undefined) return inconclusive("there is no baseline of it", record);
      return ratio <= atMostRatio ? pass(`${ratio.toFixed(2)} times the baseline's ${before!.p95.toFixed(1)} ms`) : fail(`${p95.toFixed(1)} ms are ${ratio.toFixed(2)} times the baseline's ${before!.p95.toFixed(1)} ms, and ${atMostRatio} are allowed`, "measure both again while nothing else runs; then see the resources of the job");
    };
    checks.push({ id, title, outcome: outcome() });
  }
  return { checks, figures };
}
