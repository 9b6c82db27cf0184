/** `gvfx drill data-plane`: Postgres, MinIO and Convex are restarted, one after the other, under reads and writes; nothing that was acknowledged may be lost. */
import { JOBS } from "../../../contracts/services";
import { fail, pass } from "../../doctor/check";
import type { Checked, Figure } from "../result";
import { within, type DrillOutcome } from "./failover";
import { figuresOf, laneOf, watch, type Target } from "./watch";
import type { DrillWorld } from "./world";

const RESTARTED = [JOBS.postgres, JOBS.objectstore, JOBS.convex] as const;
/** A start of Postgres with its write-ahead log, of MinIO and of Convex, which waits for both. */
const BACK_WITHIN_MS = 120_000;
/** Answers before the first restart, and between two, that show that all is well. */
const STEADY_MS = 5_000;

/** @param artefact what is stored in place of a model, and fetched again after everything */
export async function dataPlane(world: DrillWorld, artefact: string, say: (line: string) => void, signal: AbortSignal): Promise<DrillOutcome> {
  const { clock, files } = world;
  const began = clock.now();
  const stored = new Map<string, string>();
  let number = 0;
  const model = await files.store(artefact);
  // An answer to store() is an acknowledgement: what it was for must be there ever after.
  const writer: Target = {
    label: "writes",
    async ask() {
      const content = `acceptance ${(number += 1)} ${artefact.slice(0, 20)}`;
      stored.set(await files.store(content), content);
    },
  };
  const reader: Target = {
    label: "reads of what was written",
    async ask() {
      const found = await files.fetch(model);
      if (found !== artefact) throw new Error(found === undefined ? "it is not there" : "it is another one");
    },
  };
  const over = new AbortController();
  const watching = watch([reader, writer, ...world.targets], { signal: AbortSignal.any([over.signal, signal]), now: clock.now, wait: clock.wait });
  const checks: Checked[] = [];
  const faults: { from: number; to: number; kind: "fault"; what: string }[] = [];
  try {
    await clock.wait(STEADY_MS);
    for (const job of RESTARTED) {
      signal.throwIfAborted();
      const copy = (await world.copies()).find((candidate) => candidate.job === job);
      if (!copy) {
        checks.push({ id: job, title: `${job} is restarted`, outcome: fail("nothing of it runs", `see why: gvfx why ${job}`) });
        continue;
      }
      say(`${job}: restarted on ${copy.node}`);
      const from = clock.now() - began;
      await world.restartCopy(copy.id);
      const written = stored.size;
      const outcome = await within(world, signal, async () => [...((await world.copies()).some((candidate) => candidate.job === job) ? [] : [`${job} does not run`]), ...(stored.size > written + 1 ? [] : ["nothing is written"]), ...((await files.fetch(model).catch(() => undefined)) === artefact ? [] : ["nothing is read"])], BACK_WITHIN_MS);
      checks.push({ id: job, title: `${job} is restarted, and reads and writes go on`, outcome });
      faults.push({ from, to: clock.now() - began, kind: "fault", what: `${job} restarted` });
      await clock.wait(STEADY_MS);
    }
  } finally {
    over.abort();
  }
  const watched = await watching;
  const lost: string[] = [];
  for (const [id, content] of stored) {
    signal.throwIfAborted();
    const found = await files.fetch(id);
    if (found !== content) lost.push(`${id}: ${found === undefined ? "not there" : "another content"}`);
  }
  checks.push({ id: "acknowledged", title: "nothing that was acknowledged is lost", outcome: lost.length === 0 && stored.size > 0 ? pass(`${stored.size} of ${stored.size} files are there, each with its content`) : fail(stored.size === 0 ? "nothing was written at all" : `${lost.length} of ${stored.size}: ${lost.slice(0, 5).join("; ")}`, "restore from the newest backup (docs/restore.md), and see Postgres' and MinIO's logs") });
  checks.push({ id: "artefact", title: "the artefact from before is fetched, byte for byte", outcome: (await files.fetch(model)) === artefact ? pass(`${artefact.length} characters`) : fail("it is gone, or another", "restore from the newest backup (docs/restore.md)") });
  for (const id of [model, ...stored.keys()]) await files.remove(id);
  const writes: Figure = { title: "writes acknowledged", value: stored.size, unit: "files" };
  return { checks, figures: [writes, ...figuresOf(watched)], lanes: [{ label: "done on purpose", stretches: faults }, ...watched.map(laneOf)] };
}
