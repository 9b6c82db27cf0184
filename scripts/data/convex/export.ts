/** An export of a running Convex to a file, by the real CLI. The file is there whole, or not at all. */
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Duration } from "../../../contracts/units";
import { silentProgress, type Progress } from "../progress";
import { CliFailure, type ConvexCli } from "./cli";
import type { ConvexInstance } from "./instance";

/** A backend makes one export at a time; one that an interrupted command left behind ends by itself. */
const BUSY_PATIENCE = Duration.minutes(30);
const LOOK_EVERY = Duration.seconds(1);

export interface ExportOptions {
  /** @default true */
  readonly includeFiles?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** How long an export that somebody else asked for is waited for. @default 30 min */
  readonly busyPatience?: Duration;
}

/**
 * @param out path that does not exist yet
 * @returns bytes of the file
 * @throws Error when the path exists, CliFailure when the export failed
 */
export async function exportSnapshot(instance: ConvexInstance, cli: ConvexCli, out: string, options: ExportOptions = {}): Promise<number> {
  const { includeFiles = true, progress = silentProgress, signal } = options;
  if (existsSync(out)) throw new Error(`${out} exists already, and is left alone; name another file with --out, or remove it`);
  await mkdir(dirname(out), { recursive: true, mode: 0o700 });
  const partial = `${out}.part`;
  const deadline = Date.now() + (options.busyPatience ?? BUSY_PATIENCE).milliseconds;
  for (;;) {
    await othersExport(instance, deadline, progress, signal);
    // What an interrupted download left.
    await rm(partial, { force: true });
    const step = progress.step(`export from ${instance.access.side} (${instance.access.address})`);
    const watch = watchSize(partial, (bytes) => step.advance(bytes));
    try {
      await cli.exportSnapshot(partial, { includeFiles });
      await watch.end();
      const { size } = await stat(partial);
      await onDisk(partial);
      await rename(partial, out);
      await onDisk(dirname(out));
      step.done(`${size.toLocaleString("en-US")} bytes in ${out}`);
      return size;
    } catch (error) {
      await watch.end();
      await rm(partial, { force: true });
      // Somebody else's began between the look and the request.
      if (error instanceof CliFailure && error.lines.some((line) => /already requested or in progress/i.test(line)) && Date.now() < deadline) {
        step.failed("another export began first");
        continue;
      }
      step.failed("see below");
      throw error;
    }
  }
}

/** Whoever reads of it in a journal finds it, also after a power cut. */
async function onDisk(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function othersExport(instance: ConvexInstance, deadline: number, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  const busy = async (): Promise<boolean> => ["requested", "in_progress"].includes((await instance.exportState()) ?? "");
  if (!(await busy())) return;
  const step = progress.step("wait for an export that runs already: the backend makes one at a time");
  do {
    if (Date.now() >= deadline) {
      step.failed("it does not end");
      throw new Error(`Convex of ${instance.access.side} has been making another export for longer than ${BUSY_PATIENCE}, and makes one at a time; see its log. A restart of the backend fails such an export, and changes no data`);
    }
    await wait(LOOK_EVERY.milliseconds, undefined, { signal });
  } while (await busy());
  step.done();
}

/** The CLI says nothing while it downloads; the file that grows does. */
function watchSize(path: string, grown: (bytes: number) => void): { end(): Promise<void> } {
  let seen = 0;
  const look = async (): Promise<void> => {
    const size = await stat(path).then((found) => found.size, () => 0);
    if (size > seen) grown(size - seen);
    seen = Math.max(seen, size);
  };
  const timer = setInterval(() => void look(), LOOK_EVERY.milliseconds);
  return {
    async end() {
      clearInterval(timer);
      await look();
    },
  };
}
