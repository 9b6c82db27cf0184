/** What several of gvfx's commands share. */
import { InvalidArgumentError } from "commander";
import { Duration } from "../contracts/units";

/** Exit code: what shells give a process that SIGINT ended. */
export const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Work that stopped because it was asked to; the message says how the rest is done. */
export class Interrupted extends Error {}

/**
 * Does work that Ctrl-C and SIGTERM ask for an end, instead of ending the process: it stops where that is safe.
 * @param work is given the signal, and says itself what came of it
 * @param onInterrupt is called at the first of them, to say so or to end more than heeds the signal
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, onInterrupt: () => void = () => undefined): Promise<T> {
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    onInterrupt();
  };
  // Not `once`: a library that restores the cursor ends the process when it finds itself alone with the signal.
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
}

/**
 * Does work in steps, each of which is brought to its end before an interrupt ends the whole.
 * @param say is told that an interrupt was heard
 * @param goOn says how the rest is done later, in what the checkpoint throws
 * @param work calls its checkpoint between two steps, which throws {@link Interrupted} once an interrupt was heard
 */
export function uninterrupted<T>(say: (line: string) => void, goOn: string, work: (checkpoint: () => void) => Promise<T>): Promise<T> {
  return interruptible(
    (signal) =>
      work(() => {
        if (signal.aborted) throw new Interrupted(`interrupted between two steps; ${goOn}`);
      }),
    () => say("interrupted: the step that is under way is brought to its end"),
  );
}

/** For an option or argument that is a duration. @throws InvalidArgumentError, which Commander shows with the option's name */
export function durationOption(text: string): Duration {
  try {
    return Duration.parse(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** For an error that no command has told: its message says how to mend it, and a stack trace would hide that. */
export function ended(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof Interrupted ? INTERRUPTED : 1;
}
