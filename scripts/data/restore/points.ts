/** Restore points: which backups a repository has, and which of them was asked for. */
import { z } from "zod";
import { SNAPSHOT_TAG } from "../../../contracts/backup";
import { shortId, type RestorePoint } from "./types";

const listSchema = z.array(z.object({ id: z.string().regex(/^[0-9a-f]{64}$/), time: z.string(), hostname: z.string(), tags: z.array(z.string()).nullish() })).nullable();

/**
 * Restore points of what `restic snapshots --json` printed, newest first.
 * @param namespace whose they are: the backup job gives it as restic's host
 * @throws Error when it is no such list
 */
export function restorePoints(printed: string, namespace: string): RestorePoint[] {
  let list: z.infer<typeof listSchema>;
  try {
    list = listSchema.parse(JSON.parse(printed));
  } catch (error) {
    throw new Error(`restic printed no list of snapshots, so that nothing is known of the backups: ${error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message}`);
  }
  return (list ?? [])
    .filter(({ hostname, tags }) => hostname === namespace && tags?.includes(SNAPSHOT_TAG))
    .map(({ id, time }) => ({ id, time: new Date(time) }))
    .sort((a, b) => b.time.getTime() - a.time.getTime());
}

export interface PointWish {
  /** The newest that is not younger than this moment. */
  readonly at?: Date;
  /** Its id, or the beginning of it (four digits at least). */
  readonly snapshot?: string;
}

/**
 * The restore point that is meant; the newest by default.
 * @param points newest first
 * @param list command that shows them, for sentences
 * @param namespace of the backup's job, for sentences
 * @throws Error that says which there are
 */
export function choosePoint(points: readonly RestorePoint[], { at, snapshot }: PointWish, list: string, namespace: string): RestorePoint {
  if (points.length === 0) throw new Error(`the repository has no backup of this platform, so that there is nothing to restore; look at the job: nomad job status -namespace ${namespace} gvfx-backup; an older repository may be at another place: --from`);
  const oldest = points.at(-1)!;
  const range = `the backups go from ${oldest.time.toISOString()} (${shortId(oldest)}) to ${points[0].time.toISOString()} (${shortId(points[0])}); see all: ${list} --all`;
  if (snapshot !== undefined) {
    const found = points.filter(({ id }) => id.startsWith(snapshot));
    if (found.length === 1) return found[0];
    throw new Error(found.length === 0 ? `there is no backup ${snapshot}; ${range}` : `${snapshot} is the beginning of ${found.length} backups (${found.map(shortId).join(", ")}); give more of the digits`);
  }
  if (at === undefined) return points[0];
  const before = points.find(({ time }) => time.getTime() <= at.getTime());
  if (!before) throw new Error(`no backup is as old as ${at.toISOString()}; ${range}`);
  return before;
}

/**
 * Reads a moment: ISO 8601 ("2026-11-26T03:00Z", "2026-11-26 03:00" in this machine's time zone) or an age ("2h ago" is "2h").
 * @throws Error when it is neither
 */
export function parseMoment(text: string, now: Date): Date {
  const age = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?$/.exec(text.replace(/\s*ago$/, ""));
  if (text !== "" && age && age.slice(1).some((part) => part !== undefined)) {
    const [days, hours, minutes] = age.slice(1).map((part) => Number(part ?? 0));
    return new Date(now.getTime() - ((days * 24 + hours) * 60 + minutes) * 60_000);
  }
  const moment = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text) ? new Date(text.replace(" ", "T")) : undefined;
  if (moment === undefined || Number.isNaN(moment.getTime())) throw new Error(`"${text}" is no time: write "2026-11-26T03:00Z", "2026-11-26 03:00" (this machine's time zone), or an age such as "2h"`);
  if (moment.getTime() > now.getTime()) throw new Error(`${moment.toISOString()} is in the future: nothing was backed up then; write a time that has passed`);
  return moment;
}
