/** Who ticked when: every line that the workers wrote, by file, and what follows from them. */
import { JOBS } from "../../contracts/services";
import { readTicks, stretchesOf, type Tick } from "./analysis-ticks";
import { FROZEN_AFTER_MS, POLICIES, type Policy, type Stretch } from "./result";
import type { Running } from "./scene";

export const PLAIN_JOB = `${JOBS.worker}-plain`;
const POLICY_OF_JOB: Readonly<Record<string, Policy | undefined>> = { [JOBS.worker]: "lease", [PLAIN_JOB]: "plain" };

/** A tick is written every 100 ms, read every 200, and comes through a pipe of the engine. */
export const SEEN_WITHIN_MS = 1_000;

interface TickFile {
  readonly node: string;
  readonly policy: Policy;
  ticks: Tick[];
}

export function policyOfJob(job: string | undefined): Policy | undefined {
  return job === undefined ? undefined : POLICY_OF_JOB[job];
}

/** `.../ticks.<job>.<instance>.log`, as the worker's double names it; undefined for a job that is no worker of the drill. */
export function policyOfFile(path: string): Policy | undefined {
  return policyOfJob(/\/ticks\.([^./]+)\.[^/]*\.log$/.exec(path)?.[1]);
}

export class TickRecord {
  private readonly files = new Map<string, TickFile>();
  /** Lines that are no ticks, by file, and how many of them were complained about. */
  private readonly unreadable = new Map<string, { readonly lines: readonly string[]; readonly told: number }>();

  /** Takes whole lines that were added to a file. */
  take(node: string, path: string, text: string): void {
    const policy = policyOfFile(path);
    if (!policy) return;
    const key = `${node}:${path}`;
    const file = this.files.get(key) ?? { node, policy, ticks: [] };
    const { ticks, unreadable } = readTicks(text);
    file.ticks.push(...ticks);
    this.files.set(key, file);
    if (unreadable.length === 0) return;
    const { lines, told } = this.unreadable.get(key) ?? { lines: [], told: 0 };
    this.unreadable.set(key, { lines: [...lines, ...unreadable], told });
  }

  /**
   * One line of a file may be half: the first, for a file is read from its end on, or the last of a worker that was killed.
   * @throws Error that names files with more, once for each line: a worker may have run at a time that it hides
   */
  checkReadable(): void {
    const bad = [...this.unreadable].filter(([, { lines, told }]) => lines.length > Math.max(1, told));
    for (const [key, { lines }] of bad) this.unreadable.set(key, { lines, told: lines.length });
    if (bad.length > 0) throw new Error(`lines that are no ticks hide when a worker ran: ${bad.map(([key, { lines }]) => `${lines.length} in ${key}, the last one "${lines[lines.length - 1].slice(0, 80)}"`).join("; ")}; what writes there besides the worker's double?`);
  }

  /** Ticks from before that time are needed no more. */
  forgetBefore(at: number): void {
    for (const [key, file] of this.files) {
      file.ticks = file.ticks.filter((tick) => tick.at >= at);
      if (file.ticks.length === 0) this.files.delete(key);
    }
  }

  /** Every stretch that touches the window, whole. */
  stretches(from: number, to: number): Stretch[] {
    return POLICIES.flatMap((policy) => [...this.files.values()].filter((file) => file.policy === policy).flatMap(({ node, ticks }) => stretchesOf(policy, node, ticks)))
      .filter((stretch) => stretch.to >= from - FROZEN_AFTER_MS && stretch.from <= to)
      .sort((a, b) => a.from - b.from);
  }

  /** By how much the wall clock of the policy's newest tick is ahead of the monotonic one, in milliseconds; undefined when there is none. */
  wallAhead(policy: Policy): number | undefined {
    const last = [...this.files.values()].flatMap((file) => (file.policy === policy ? (file.ticks.at(-1) ?? []) : [])).sort((a, b) => b.at - a.at)[0];
    return last && last.wall - last.at;
  }

  /** Workers that run now, as far as can be seen. */
  running(policy: Policy, now: number): Running[] {
    return [...this.files.values()].flatMap(({ node, policy: of, ticks }) => {
      const last = ticks.at(-1);
      return of === policy && last && now - last.at <= SEEN_WITHIN_MS ? [{ policy, instance: last.instance, node }] : [];
    });
  }
}
