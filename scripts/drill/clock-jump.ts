/** The wall clock of both workers' containers goes an hour ahead, an hour behind, and is right again. */
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { ActSurroundings } from "./act";
import { CLOCK_FILE } from "./job-variants";
import type { Mark } from "./scene";
import { PLAIN_JOB } from "./tick-record";

const HOUR_SECONDS = 3_600;
/** More than any of the lease's times: who counts by the wall clock has ended, or taken, a lease by then. */
const CLOCK_STAYS = Duration.seconds(12);
/** Of an hour, what the machine's own clock may have been set by meanwhile. */
const CLOCK_IS_RIGHT = Duration.minutes(1);

type At = Pick<ActSurroundings, "jobs" | "engine" | "dataDir" | "wait" | "wallAhead">;

/** @throws Error when the worker does not see its clock move: nothing was tried then */
export async function jumpClock(at: At, mark: Mark): Promise<void> {
  const before = at.wallAhead();
  for (const [seconds, what] of [[HOUR_SECONDS, "an hour ahead"], [-HOUR_SECONDS, "an hour behind"], [0, "right again"]] as const) {
    mark(seconds === 0 ? "heal" : "fault", `the wall clock of both workers' containers is ${what}`);
    await setClocks(at, seconds);
    await at.wait(CLOCK_STAYS);
    const moved = ((at.wallAhead() ?? Number.NaN) - (before ?? Number.NaN)) / 1_000;
    if (!(Math.abs(moved - seconds) < CLOCK_IS_RIGHT.seconds)) throw new Error(`the worker's wall clock should be ${what} (${seconds} s) and moved by ${moved.toFixed(1)} s: its image lacks libfaketime, or its clock is not that library's`);
  }
}

/** From outside of the container: a foreign process in it would be one that the lease does not know. */
async function setClocks({ jobs, engine, dataDir }: At, seconds: number): Promise<void> {
  const tasks = [...(await jobs.tasks(JOBS.worker)), ...(await jobs.tasks(PLAIN_JOB))];
  await Promise.all(tasks.map(({ allocation, node }) => engine.text(["exec", node.container, "sh", "-c", `f=${dataDir}/alloc/${allocation}${CLOCK_FILE}; echo '${seconds < 0 ? "" : "+"}${seconds}' > "$f.new" && chmod 644 "$f.new" && mv "$f.new" "$f"`])));
}
