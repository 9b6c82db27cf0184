/** Where the worker writes that it runs: what a drill of the one worker measures. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Fine enough to see a hand-over of a second, and 30 MB in a week. */
export const TICK_MS = 100;

/**
 * Appends a line `<seq> <monotonic ms> <wall ms> <instance>` for each tick. At once
 * and without a buffer: what a killed worker wrote last is there.
 */
export class TickLog {
  readonly file: string;
  private readonly descriptor: number;
  private seq = 0;

  /** @throws Error when the folder is not there or not to be written */
  constructor(folder: string, job: string, private readonly instance: string, private readonly monotonic: () => number, private readonly wall: () => number) {
    this.file = join(folder, tickFile(job, instance));
    this.descriptor = openSync(this.file, "a", 0o644);
  }

  tick(): void {
    writeSync(this.descriptor, `${this.seq++} ${this.monotonic().toFixed(3)} ${this.wall()} ${this.instance}\n`);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** Name of the file in which an instance ticks: whose it is can be told without asking anybody. @param job empty outside of Nomad */
export function tickFile(job: string, instance: string): string {
  return `ticks.${job || "none"}.${instance.replaceAll("/", "_")}.log`;
}

/** Folder for ticks: the double's own key, else the one that the tasks of an allocation share; none outside of Nomad. */
export function tickFolder(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.LAB_TICK_FOLDER ?? (env.NOMAD_ALLOC_DIR && join(env.NOMAD_ALLOC_DIR, "data"));
}
