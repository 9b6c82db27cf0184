/** What several of gvfx's commands share. */
import { InvalidArgumentError } from "commander";
import { Duration } from "../contracts/units";

/** Exit code: what shells give a process that SIGINT ended. */
export const INTERRUPTED = 130;

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
  process.exitCode = 1;
}
