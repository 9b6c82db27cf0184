/** What the settings of a backup have to do with each other, and with the rest of the environment. */
import { cronEvery } from "../../contracts/schedule";
import { Duration } from "../../contracts/units";
import type { Environment } from "../schema";
import type { Finding } from "./cross-checks";

/** Shorter, and one backup is not done when the next begins. */
const SHORTEST_INTERVAL = Duration.minutes(5);
/** For the run that makes good what the one before it failed at: what follows its copy may last as long as an interval. */
const RUN = Duration.minutes(10);
/** What a loss of the data node may cost at most: an interval, and what of a run is before its copy is stored. */
const MOST_LOST = Duration.minutes(15);
const STORED_AFTER = Duration.minutes(5);
const DAY = Duration.days(1);
const AT = "dataPlane.backup";

export function backupFindings({ dataPlane: { backup }, vault, lab }: Pick<Environment, "dataPlane" | "vault" | "lab">): Finding[] {
  const { clusterSnapshots } = backup;
  const findings: Finding[] = [...intervalFindings(backup)];
  if (backup.objectRetention.milliseconds === 0 || backup.objectRetention.milliseconds % DAY.milliseconds !== 0) findings.push({ path: `${AT}.objectRetention`, message: `${backup.objectRetention} is not a whole number of days, which is what MinIO counts in`, example: "30d" });
  if (backup.interval.isLongerThan(backup.checkEvery)) findings.push({ path: `${AT}.checkEvery`, message: `${backup.checkEvery} is shorter than the interval ${backup.interval}: the check is a part of a run`, example: "24h" });
  if (clusterSnapshots.vault.permitted) {
    const { authority } = clusterSnapshots.vault;
    const path = `${AT}.clusterSnapshots.vault.authority`;
    if (authority && "file" in authority && !lab) findings.push({ path: `${path}.file`, message: "is for a lab: elsewhere synth reads no file, so that it writes the same wherever it runs; give the certificate's text as pem" });
    if (authority && !vault.address.startsWith("https:")) findings.push({ path, message: `is given, but vault.address ${vault.address} is not https; remove it` });
  }
  return findings;
}

function intervalFindings({ interval, keepLast, lateAfter }: Environment["dataPlane"]["backup"]): Finding[] {
  if (SHORTEST_INTERVAL.isLongerThan(interval)) return [{ path: `${AT}.interval`, message: `${interval} is shorter than ${SHORTEST_INTERVAL}: one backup would not be done when the next begins`, example: "10m" }];
  try {
    cronEvery(interval);
  } catch (error) {
    return [{ path: `${AT}.interval`, message: (error as Error).message, example: "10m" }];
  }
  const findings: Finding[] = [];
  const needed = Math.ceil(DAY.milliseconds / interval.milliseconds);
  if (keepLast < needed) findings.push({ path: `${AT}.keepLast`, message: `is ${keepLast}, which at one every ${interval} reaches back less than a day, where the daily ones begin: an error noticed in the evening could not be undone to the morning; keep at least ${needed}`, example: needed });
  if (interval.plus(STORED_AFTER).isLongerThan(MOST_LOST)) findings.push({ path: `${AT}.interval`, message: `${interval}, and up to ${STORED_AFTER} until a run is stored, is more than the ${MOST_LOST} that a loss of the data node may cost`, example: "10m" });
  const run = interval.isLongerThan(RUN) ? interval : RUN;
  const soonest = interval.times(2).plus(run);
  if (soonest.isLongerThan(lateAfter)) findings.push({ path: `${AT}.lateAfter`, message: `${lateAfter} is shorter than twice the interval ${interval} and ${run} for a run: one failed run, made good by the next, would be an alert`, example: soonest.toString() });
  return findings;
}
