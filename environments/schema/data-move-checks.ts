/** What a data move's settings need of the rest of the environment. */
import { Duration } from "../../contracts/units";
import type { Environment } from "../schema";
import type { Finding } from "./cross-checks";

/** A worker below its lease needs its grace, a kill and two requests before it is gone (docs/legacy-lease.md says 27 s of 20). */
const AFTER_GRACE = Duration.seconds(7);

export function dataMoveFindings({ dataMove, lease, lab }: Pick<Environment, "dataMove" | "lease" | "lab">): Finding[] {
  const findings: Finding[] = [];
  if (dataMove.app.from === "folder" && !lab) findings.push({ path: "dataMove.app.from", message: "is \"folder\" outside a lab: the platform's Convex would get this repository's stand-ins for the app's functions; name the app's repository and the commit that runs on the legacy host", example: "repository" });
  const needed = lease.stopGrace.plus(AFTER_GRACE);
  if (needed.isLongerThan(dataMove.stopGrace)) findings.push({ path: "dataMove.stopGrace", message: `${dataMove.stopGrace} is shorter than what a worker below its lease may take to end (lease.stopGrace ${lease.stopGrace} and ${AFTER_GRACE} for its last requests): it would be killed, and the lease be free only after its TTL and lock-delay`, example: "40s" });
  return findings;
}
