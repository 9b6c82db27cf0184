/** What the lease wrappers say of themselves: the changes of phase in their logs. */
import { z } from "zod";
import type { LeasePhase } from "./result";
import { parseJson } from "../json";

const entrySchema = z.object({ at: z.iso.datetime(), event: z.string(), to: z.string().optional(), reason: z.string().nullish() });

export interface WrapperLog {
  readonly node: string;
  readonly allocation: string;
  readonly text: string;
  /** Whether the text begins where the wrapper did. */
  readonly whole: boolean;
}

/** @param onClock what an instant on the wall is on the workers' clock */
export function phasesOf({ node, allocation, text, whole }: WrapperLog, onClock: (wallMs: number) => number): LeasePhase[] {
  const entries = text.split("\n").flatMap((line) => {
    // The worker's own lines are between them.
    const parsed = line.startsWith("{") ? entrySchema.safeParse(parseJson(line)) : undefined;
    return parsed?.success ? [parsed.data] : [];
  });
  const phase = (at: string, name: string, reason: string | null): LeasePhase => ({ at: onClock(Date.parse(at)), node, allocation: allocation.slice(0, 8), phase: name, reason });
  // It begins in standby without a word: its first line, whatever it says, is when.
  const begun = whole && entries.length > 0 ? [phase(entries[0].at, "standby", "starting")] : [];
  return [...begun, ...entries.flatMap(({ at, event, to, reason }) => (event === "phase" && to !== undefined ? [phase(at, to, reason ?? null)] : []))];
}
