/**
 * The guard of a hand-over to Nomad. Nomad's worker always runs under the lease; a
 * legacy worker that was started by hand does not, and the lease knows nothing of it:
 * it goes on when the owner changes, Nomad's starts beside it, and both trade. While
 * legacy holds the lease, the lease itself ends its worker first. Otherwise somebody
 * has to say that none is left.
 */
import type { Commands, LeaseStatus } from "./assess";

/** Says it on the command line. */
export const LEGACY_STOPPED = "--legacy-worker-stopped";

/** Whether the lease shows that the legacy worker obeys it. Whose lease it is, is known by the owner it was taken under, or by what its holder wrote. */
export function legacyUnderLease({ holder }: Pick<LeaseStatus, "holder">): boolean {
  return holder?.side === "legacy";
}

/** What was refused, why, and both ways to mend it. */
export function textUnproven({ runs }: LeaseStatus, commands: Commands): string {
  return [
    `Nothing was changed: the legacy worker does not hold the lease, so that nothing shows whether one runs. Found: ${runs}.`,
    "A legacy worker that was started without the lease would go on, and Nomad's would start beside it at once: both would trade.",
    "  either   stop the legacy worker as docs/legacy-lease.md does in step 6, by its pid file, and see that none is left",
    `           (nothing is printed, or the lease's own program alone): ${commands.seeLegacy}`,
    `           then say so: ${commands.give("nomad", { legacyWorkerStopped: true })}`,
    `  or       run it under the lease, which then ends it before Nomad's starts: docs/legacy-lease.md; and repeat: ${commands.give("nomad")}`,
  ].join("\n");
}
