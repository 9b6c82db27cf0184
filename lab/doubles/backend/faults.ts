/** How an image misbehaves on purpose, so that deploys of bad versions can be tried. */

export const FAULTS = ["none", "crash", "unhealthy", "half"] as const;
/**
 * - `none`: it works;
 * - `crash`: the process ends with status 1 a second after its start;
 * - `unhealthy`: its health check is always 503;
 * - `half`: it works for 20 s, then every second request is a 500, its health check included.
 */
export type Fault = (typeof FAULTS)[number];

export const CRASH_AFTER_MS = 1_000;
/** Longer than the 10 s for which a deploy watches a new allocation, so that this kind gets past a check. */
export const HALF_WELL_MS = 20_000;

export function isFault(text: string | undefined): text is Fault {
  return (FAULTS as readonly (string | undefined)[]).includes(text);
}

/** Decides for each request of a process whether it fails. */
export class FaultyAnswers {
  private late = 0;
  constructor(private readonly fault: Fault, private readonly healthPath: string) {}

  /** The status that the request is answered with instead of its own; undefined when it is let through. */
  status(path: string, uptimeMs: number): 500 | 503 | undefined {
    if (this.fault === "unhealthy" && path === this.healthPath) return 503;
    if (this.fault === "half" && uptimeMs >= HALF_WELL_MS) return this.late++ % 2 === 0 ? 500 : undefined;
    return undefined;
  }
}
