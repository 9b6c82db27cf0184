/** The proof is recorded, the legacy processes are pointed at the new Convex, and run again. */
import { withAssignmentsOf, withValues } from "../env-file";
import { evidenceRecord, recordMove } from "../record";
import { Refused, type Step, type StepContext } from "../step";
import { WRITERS } from "../world";
import { killSwitchAsItWas, stillFrozen, untilHealthy } from "./freeze";
import { CONVEX_KEY, TIMESCALE_KEY } from "./source";

const LOOK_EVERY_MS = 2_000;
const GIVEN_UP = "given-up.zip";

export const evidence: Step<"evidence"> = {
  id: "evidence",
  title: "Record the evidence",
  phase: "freeze",
  async run(context) {
    await stillFrozen(context);
    await context.world.keys.setEvidence({ verdict: "pass", record: evidenceRecord(context) });
    return {};
  },
  async undo({ world, maybe }) {
    const before = maybe("preflight")?.evidence;
    if (before) await world.keys.setEvidence({ verdict: before.verdict ?? undefined, record: before.record ?? undefined });
  },
};

/** Beside each env file, what it held before. */
const backupOf = (path: string, move: string): string => `${path}.before-move-${move}`;
const keysOf = (context: StepContext): string[] => [CONVEX_KEY, ...(context.maybe("preflight")?.timescale ? [TIMESCALE_KEY] : [])];

export const switchUrl: Step<"switch"> = {
  id: "switch",
  title: "Point the legacy processes at the platform's Convex",
  phase: "freeze",
  async run(context) {
    const { world, fact, move, settings } = context;
    await stillFrozen(context);
    const { verdict, record } = await world.keys.evidence();
    if (verdict !== "pass" || recordMove(record) !== move) throw new Refused([`the evidence of this move is not in Consul (its gate says ${verdict ?? "nothing"}): CONVEX_URL is changed only after a validation that is on record. Somebody changed it; begin anew: ${settings.commands.undo}`]);
    const values: Record<string, string> = { [CONVEX_KEY]: settings.convexUrl, ...(fact("preflight").timescale ? { [TIMESCALE_KEY]: await world.timescale!.targetUrl() } : {}) };
    const { envFiles } = fact("preflight");
    for (const path of envFiles) {
      const file = await world.host.readFile(path);
      if (!file) throw new Error(`${path} is gone from the legacy checkout; it was there when the move began. Put it back, and take the move up again`);
      const text = withValues(file.text, values);
      if (text !== file.text) await world.host.replaceFile(path, text, { expected: file.sha256, backup: backupOf(path, move) });
      const { [CONVEX_KEY]: url } = await world.host.envValues(path, [CONVEX_KEY]);
      if (url !== settings.convexUrl) throw new Error(`${path} was changed, and a shell still reads ${CONVEX_KEY}=${url ?? "nothing"} from it; something in the file overrides it. Mend it by hand, and take the move up again`);
    }
    return { files: envFiles };
  },
  async undo(context) {
    const { world, maybe, move, settings } = context;
    for (const path of maybe("preflight")?.envFiles ?? []) {
      const [now, before] = await Promise.all([world.host.readFile(path), world.host.readFile(backupOf(path, move))]);
      if (!now) continue;
      if (!before) {
        const { [CONVEX_KEY]: url } = await world.host.envValues(path, [CONVEX_KEY]);
        if (url === settings.convexUrl) throw new Error(`${path} on the legacy host names ${url} still, and what it held before (${backupOf(path, move)}) is gone; set ${CONVEX_KEY}=${settings.sourceUrl} there by hand${maybe("preflight")?.timescale ? `, and ${TIMESCALE_KEY} to legacy's own database` : ""}, and undo again: ${settings.commands.undo}`);
        continue;
      }
      let text: string;
      try {
        text = withAssignmentsOf(now.text, before.text, keysOf(context));
      } catch (error) {
        throw new Error(`${path} on the legacy host was edited by somebody meanwhile (${(error as Error).message}); set ${keysOf(context).join(" and ")} by hand as in ${backupOf(path, move)}, and undo again`);
      }
      if (text !== now.text) await world.host.replaceFile(path, text, { expected: now.sha256 });
    }
  },
};

export const start: Step<"start"> = {
  id: "start",
  title: "Start the legacy processes again",
  phase: "thaw",
  async run({ world, fact, settings, signal }) {
    const at = world.clock.now().toISOString();
    const { running } = fact("preflight");
    await world.host.start(running);
    if (running.includes("api")) await untilHealthy(world, signal);
    const { writers } = await world.host.look();
    const elsewhere = WRITERS.flatMap((writer) => {
      const { convexUrl } = writers[writer];
      return convexUrl === undefined || convexUrl === settings.convexUrl ? [] : [`the legacy ${writer} was started and writes to ${convexUrl}, not to ${settings.convexUrl}: another file or its unit sets ${CONVEX_KEY} too; set it there, name that file in dataMove.envFiles, restart the ${writer}, and take the move up again`];
    });
    if (elsewhere.length > 0) throw new Refused(elsewhere);
    return { at };
  },
  async undo({ world, file, say, maybe, move, settings }) {
    // Asked first: legacy must not stand still for a Convex that is gone.
    const gone = await world.target.answers().then(() => undefined, (error: Error) => error.message);
    for (const writer of WRITERS) await world.host.stop(writer);
    if (gone !== undefined) {
      say(`the platform's Convex does not answer (${gone}): what it holds, with all that was written since the thaw, is not exported, and stays where it is. Export it once it answers: gvfx data export --from nomad`);
      return "left";
    }
    // What was written since is in no other place, and is about to be replaced.
    const path = file(GIVEN_UP);
    await world.target.exportTo(path);
    const { problems } = await world.snapshots.validate(path, { filesRequired: false });
    if (problems.length > 0) throw new Refused([`${path}, which would be all that is left of what was written since the thaw, is not sound: ${problems[0].place}: ${problems[0].what}; nothing was replaced. Undo again: ${settings.commands.undo}`]);
    say(`what the platform's Convex holds, with all that was written since the thaw, is kept in ${path}`);
    if (!maybe("preflight")?.timescale) return undefined;
    if (!world.timescale) throw new Error("the environment does not name the database of TIMESCALE_URL any more (dataMove.timescale), which this move has moved too: what was written into it since the thaw could not be kept. Name it again, and undo again");
    const dump = await world.timescale.keep(`given-up-${move}.dump`).catch((error: Error) => {
      throw new Error(`what was written into the platform's database of TIMESCALE_URL since the thaw could not be kept (${error.message}), so that it is not dropped; mend that, and go on: ${settings.commands.undo}`);
    });
    say(`what the platform's database of TIMESCALE_URL holds is kept in ${dump} on the legacy host (pg_restore reads it)`);
    return undefined;
  },
};

export const writing: Step<"writing"> = {
  id: "writing",
  title: "See that the worker writes into the platform's Convex",
  phase: "thaw",
  async run({ world, fact, settings, signal }) {
    const { counts, newestRun } = fact("quiet");
    if (!fact("preflight").running.includes("worker")) return { run: null };
    const until = world.clock.now().getTime() + settings.writesWithin.milliseconds;
    for (;;) {
      // Compared with the newest that was imported: both times are of one clock, the legacy host's.
      const run = await world.target.newestRun();
      if (run !== undefined && run > (newestRun ?? "")) {
        const left = [...(await world.source.counts())].filter(([table, rows]) => counts[table] !== rows).map(([table]) => table);
        if (left.length > 0) throw new Refused([`the worker writes into the platform's Convex, and somebody still writes into legacy's (${left.join(", ")}): those rows are in one of them only; find out who, and point it at ${settings.convexUrl}`]);
        return { run };
      }
      if (world.clock.now().getTime() >= until) throw new Error(`no ingestion run has begun in the platform's Convex within ${settings.writesWithin} of the thaw: see backend-jobs.log on the legacy host; a worker below its lease waits for worker-owner to be legacy`);
      await world.clock.wait(LOOK_EVERY_MS, signal);
    }
  },
};

export const resumeTrading: Step<"resume-trading"> = {
  id: "resume-trading",
  title: "Set the kill switch as it was",
  phase: "thaw",
  async run(context) {
    await killSwitchAsItWas(context);
    return {};
  },
};

/** Again, now that the freeze is over and its length is known. */
export const record: Step<"record"> = {
  id: "record",
  title: "Complete the record",
  phase: "thaw",
  async run(context) {
    await context.world.keys.setEvidence({ verdict: "pass", record: evidenceRecord(context) });
    return {};
  },
};
