/** Looks at a node once; every check of it reads the same facts. */
import type { ClockOffset } from "../../clients/http";
import { runScript, type ScriptRun, type SshTarget } from "../../clients/ssh";
import type { NodeFacts } from "./facts";
import { parseFacts } from "./parse-facts";
import type { ProbePlan } from "./plan";
import { CLOCK_QUESTION, probeScript } from "./script";

/** @throws SshFailure, UnreadableFacts */
export async function probeNode(node: SshTarget, plan: ProbePlan, options: Pick<ScriptRun, "signal" | "variables">): Promise<NodeFacts> {
  let askedAt = 0;
  let best: ClockOffset | undefined;
  const lines = await runScript(node, probeScript(plan), {
    ...options,
    onLine: (line, answer) => {
      const now = preciseNow();
      if (line === CLOCK_QUESTION) {
        askedAt = now;
        answer("");
      } else if (line.startsWith("clock=") && askedAt > 0) {
        const sample = clockSample(line.slice("clock=".length), askedAt, now);
        if (sample && (!best || sample.uncertainty < best.uncertainty)) best = sample;
        askedAt = 0;
      }
    },
  });
  return parseFacts(lines, best);
}

/** Milliseconds since the epoch, finer than whole ones. */
function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Half the travel time is taken out; that the two halves differ is the uncertainty.
 * @param text nanoseconds since the epoch, or seconds from a `date` that knows no finer ones
 */
export function clockSample(text: string, askedAt: number, answeredAt: number): ClockOffset | undefined {
  const match = /^(\d{10})(\d{9})?/.exec(text);
  if (!match) return undefined;
  const [, seconds, nanoseconds] = match;
  const theirs = Number(seconds) * 1_000 + (nanoseconds === undefined ? 500 : Number(nanoseconds) / 1e6);
  return { milliseconds: theirs - (askedAt + answeredAt) / 2, uncertainty: (answeredAt - askedAt) / 2 + (nanoseconds === undefined ? 500 : 0) };
}
