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
