/** The proof is recorded, the legacy processes are pointed at the new Convex, and run again. */
import { CONVEX_KEY, TIMESCALE_KEY } from "../app-variables";
import { withAssignmentsOf, withValues } from "../env-file";
import { evidenceRecord, recordMove } from "../record";
import { Refused, type Step, type StepContext } from "../step";
import { WRITERS } from "../world";
import { stillAsExported } from "./data";
import { killSwitchAsItWas, stillFrozen, untilHealthy } from "./freeze";
import { effectiveValues, foundFromHost } from "./source";

const LOOK_EVERY_MS = 2_000;
const GIVEN_UP = "given-up.zip";
/** The switch follows the proof at once; a move that was taken up later than this looks at every byte again. */
const PROOF_LASTS_MS = 10 * 60_000;

export const evidence: Step<"evidence"> = {
  id: "evidence",
  title: "Record the evidence",
  phase: "freeze",
  async run(context) {
    await stillAsExported(context);
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

/** What the keys become. Secrets. */
async function newValues({ world, fact, settings }: StepContext): Promise<Readonly<Record<string, string>>> {
  return { [CONVEX_KEY]: settings.convexUrl, ...(fact("preflight").timescale ? { [TIMESCALE_KEY]: await world.timescale!.targetUrl() } : {}) };
}

/** An address of a database holds a password. */
const shown = (key: string, value: string | undefined): string => `${key}=${value === undefined ? "nothing" : key === CONVEX_KEY ? value : "another address"}`;

async function proofIsFresh(context: StepContext): Promise<void> {
  const { world, times, attempts, fact, say } = context;
  const proven = times().find(({ step }) => step === "evidence")?.done;
  if (proven !== undefined && world.clock.now().getTime() - Date.parse(proven) <= PROOF_LASTS_MS) return stillFrozen(context);
  // An attempt that broke off may have changed the address of legacy's database already.
  const database = fact("preflight").timescale && attempts("switch") === 1;
  if (fact("preflight").timescale && !database) say("legacy's database of TIMESCALE_URL was compared before the evidence, and not again: its address may be changed already");
  return stillAsExported(context, database);
}

export const switchUrl: Step<"switch"> = {
  id: "switch",
  title: "Point the legacy processes at the platform's Convex",
  phase: "freeze",
  async run(context) {
    const { world, fact, move, settings } = context;
    await proofIsFresh(context);
    await foundFromHost(context);
    const { verdict, record } = await world.keys.evidence();
    if (verdict !== "pass" || recordMove(record) !== move) throw new Refused([`the evidence of this move is not in Consul (its gate says ${verdict ?? "nothing"}): CONVEX_URL is changed only after a validation that is on record. Somebody changed it; begin anew: ${settings.commands.undo}`]);
    const values = await newValues(context);
    const { envFiles } = fact("preflight");
    for (const { path, keys } of envFiles) {
      const file = await world.host.readFile(path);
      if (!file) throw new Error(`${path} is gone from the legacy checkout; it was there when the move began. Put it back, and take the move up again`);
      const text = withValues(file.text, Object.fromEntries(keys.map((key) => [key, values[key]])));
      if (text !== file.text) await world.host.replaceFile(path, text, { expected: file.sha256, backup: backupOf(path, move) });
      const read = await world.host.envValues(path, keys);
      const kept = keys.filter((key) => read[key] !== values[key]);
      if (kept.length > 0) throw new Error(`${path} was changed, and a shell still reads ${kept.map((key) => shown(key, read[key])).join(" and ")} from it; something in the file overrides it. Mend it by hand, and take the move up again`);
    }
    // A file that was added since, or sets a key since, may count before those that were changed.
    const effective = await effectiveValues(world.host, settings, Object.keys(values));
    const other = Object.keys(values).filter((key) => effective[key] !== values[key]);
    if (other.length > 0) throw new Error(`the env files on the legacy host were changed, and what counts of them (${settings.envFiles.join(", ")}, the first that sets a key) is still ${other.map((key) => shown(key, effective[key])).join(" and ")}; set it in that file by hand, and take the move up again`);
    return { files: envFiles.map(({ path }) => path) };
  },
  async undo(context) {
    const { world, maybe, move, settings, say } = context;
    for (const { path, keys } of maybe("preflight")?.envFiles ?? []) {
      const [now, before] = await Promise.all([world.host.readFile(path), world.host.readFile(backupOf(path, move))]);
      if (!now) continue;
      if (!before) {
        const { [CONVEX_KEY]: url, [TIMESCALE_KEY]: database } = await world.host.envValues(path, keys);
        const target = database === undefined ? undefined : await world.timescale?.targetUrl().catch((error: Error) => {
          // Legacy must not stand still for Vault; before anything is emptied it is asked again.
          say(`whether ${path} on the legacy host names the platform's database in ${TIMESCALE_KEY} could not be seen (${error.message}): look there`);
          return undefined;
        });
        const by = [...(url === settings.convexUrl ? [`${CONVEX_KEY}=${settings.sourceUrl}`] : []), ...(database !== undefined && database === target ? [`${TIMESCALE_KEY} to legacy's own database`] : [])];
        if (by.length > 0) throw new Error(`${path} on the legacy host names ${url === settings.convexUrl ? url : "the platform's database"} still, and what it held before (${backupOf(path, move)}) is gone; set ${by.join(", and ")} there by hand, and undo again: ${settings.commands.undo}`);
        continue;
      }
      let text: string;
      try {
        text = withAssignmentsOf(now.text, before.text, keys);
      } catch (error) {
        throw new Error(`${path} on the legacy host was edited by somebody meanwhile (${(error as Error).message}); set ${keys.join(" and ")} by hand as in ${backupOf(path, move)}, and undo again`);
      }
      if (text !== now.text) await world.host.replaceFile(path, text, { expected: now.sha256 });
      const [read, had] = await Promise.all([world.host.envValues(path, keys), world.host.envValues(backupOf(path, move), keys)]);
      const kept = keys.filter((key) => read[key] !== had[key]);
      if (kept.length > 0) throw new Error(`${path} on the legacy host was set back, and a shell still reads ${kept.map((key) => shown(key, read[key])).join(" and ")} from it; something in the file overrides it. Set it by hand as in ${backupOf(path, move)}, and undo again: ${settings.commands.undo}`);
    }
  },
};

export const start: Step<"start"> = {
  id: "start",
  title: "Start the legacy processes again",
  phase: "thaw",
  async run(context) {
    const { world, fact, settings, signal } = context;
    const at = world.clock.now().toISOString();
    const { running } = fact("preflight");
    await world.host.start(running);
    if (running.includes("api")) await untilHealthy(world, signal);
    const { writers } = await world.host.look();
    const values = await newValues(context);
    const elsewhere = WRITERS.flatMap((writer) => {
      const { convexUrl, variables } = writers[writer];
      const mend = (key: string): string => `another file or its unit sets ${key} too; set it there, name that file in dataMove.envFiles, restart the ${writer}, and take the move up again`;
      return [
        ...(convexUrl === undefined || convexUrl === settings.convexUrl ? [] : [`the legacy ${writer} was started and writes to ${convexUrl}, not to ${settings.convexUrl}: ${mend(CONVEX_KEY)}`]),
        ...(values[TIMESCALE_KEY] === undefined || variables[TIMESCALE_KEY] === undefined || variables[TIMESCALE_KEY] === values[TIMESCALE_KEY] ? [] : [`the legacy ${writer} was started and has another database in ${TIMESCALE_KEY} than the platform's: ${mend(TIMESCALE_KEY)}`]),
      ];
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
