/** `gvfx data validate` and `gvfx data diff`: snapshots by themselves, against each other, and against a running Convex. */
import { Command, Option } from "commander";
import type { Environment } from "../../../environments/schema";
import { INTERRUPTED, interruptible } from "../../command-line";
import { SIDES, type Side } from "../../lease/sources";
import { diffFileAgainst, validateFileAgainst } from "../convex/against-file";
import { explain } from "../convex/explain";
import type { ConvexSurroundings } from "../convex/sides";
import { textAgainst, textProblems, textSnapshot } from "../convex/text";
import { silentProgress, terminalProgress, type Progress } from "../progress";
import { diffSnapshots } from "./diff";
import { textDiff } from "./text-diff";
import { SnapshotError, type TableDiff } from "./types";
import { validateSnapshot } from "./validate";

/** The file or the running Convex could not be read: nothing is known. */
const NOT_ASKED = 2;

export interface SnapshotCommandSurroundings extends Partial<Pick<ConvexSurroundings, "variables" | "access">> {
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** Where it says why it could not ask. @default standard error */
  readonly complain?: (text: string) => void;
  /** @default a bar on standard error */
  readonly progress?: Progress;
}

interface ValidateFlags {
  readonly against?: Side;
  readonly withoutFiles: boolean;
  readonly acceptMixedNumbers: boolean;
  readonly json: boolean;
}

/** @param environment is read only where a running Convex is asked */
export function snapshotCommands(environment: () => Environment, surroundings: SnapshotCommandSurroundings = {}): Command[] {
  const { variables = process.env, access, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`) } = surroundings;

  const run = async (json: boolean, work: (convex: ConvexSurroundings & { readonly progress: Progress; readonly signal: AbortSignal }) => Promise<number>): Promise<void> => {
    await interruptible(async (signal) => {
      try {
        const progress = surroundings.progress ?? (json ? silentProgress : terminalProgress(process.stderr));
        process.exitCode = await work({ variables, access, progress, signal, say: json ? () => undefined : complain });
      } catch (error) {
        if (signal.aborted) {
          complain("Interrupted; nothing was changed.");
          process.exitCode = INTERRUPTED;
        } else if (error instanceof SnapshotError && error.found) {
          // It was read, and it is bad: an answer, not a failure to get one.
          write(json ? JSON.stringify({ path: error.path, problems: [error.problem] }, null, 2) : error.message);
          process.exitCode = 1;
        } else {
          complain(explain(error));
          process.exitCode = NOT_ASKED;
        }
      }
    });
  };
  const against = (what: string): Option => new Option("--against <side>", what).choices(SIDES);

  const validate = new Command("validate")
    .description("check a snapshot file to the last byte, offline; with --against, also what a running Convex has of it")
    .argument("<file>", "the zip file that gvfx data export or convex export wrote")
    .addOption(against("whose Convex it is compared with: counts, sampled documents, every stored file, every model artefact"))
    .option("--without-files", "a snapshot that was exported without stored files is well", false)
    .option("--accept-mixed-numbers", "the app writes int64 and floats with a fraction to one field by itself; otherwise that is the mark of a JSON tool", false)
    .option("--json", "print the report as JSON", false)
    .addHelpText("after", VALIDATE_NOTES)
    .action((file: string, { against: side, withoutFiles, acceptMixedNumbers, json }: ValidateFlags) =>
      run(json, async (convex) => {
        const report = await validateSnapshot(file, { ...convex, filesRequired: !withoutFiles, acceptMixedNumbers });
        if (report.problems.length > 0 || side === undefined) {
          write(json ? JSON.stringify(report, null, 2) : textValidated(textSnapshot(report), textProblems(report.problems), side));
          return report.problems.length > 0 ? 1 : 0;
        }
        const compared = await validateFileAgainst(environment(), report, side, convex);
        write(json ? JSON.stringify({ ...report, against: { side, ...compared } }, null, 2) : `${textSnapshot(report)}\n\n${textAgainst(compared, side)}`);
        return compared.problems.length > 0 ? 1 : 0;
      }),
    );

  const diff = new Command("diff")
    .description("what two snapshots have otherwise, table by table, to the byte; or a snapshot and a running Convex, which is exported for it")
    .argument("<file>", "the first snapshot")
    .argument("[other]", "the second snapshot")
    .addOption(against("instead of a second file: whose Convex"))
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", DIFF_NOTES)
    .action((file: string, other: string | undefined, { against: side, json }: { readonly against?: Side; readonly json: boolean }) =>
      run(json, async (convex) => {
        if ((other === undefined) === (side === undefined)) throw new Error("gvfx data diff compares a snapshot with one other thing: give a second file, or --against legacy|nomad");
        const diffs = side === undefined ? await diffSnapshots(file, other!, convex) : await diffFileAgainst(environment(), file, side, convex);
        write(json ? JSON.stringify({ first: file, second: other ?? side, tables: diffs }, null, 2) : textDiff(diffs, file, other ?? `Convex of ${side}`));
        return diffs.some(differs) ? 1 : 0;
      }),
    );
  return [validate, diff];
}

const differs = ({ added, removed, changed }: TableDiff): boolean => added + removed + changed > 0;

function textValidated(snapshot: string, problems: string, side: Side | undefined): string {
  if (problems === "") return `${snapshot}\nThe snapshot is sound.`;
  return `${snapshot}\n\nThe snapshot must not be imported:\n${problems}${side === undefined ? "" : `\nIt was not compared with Convex of ${side}.`}`;
}

const VALIDATE_NOTES = `
Offline it checks the archive (every byte belongs to something, CRC-32 of every member), the list of tables, every
line (one JSON object in Convex's notation), _id (there, and there once), _creationTime, the kinds of numbers, and
every stored file against its row (SHA-256, size, none missing, none surplus).
Not to be seen offline: rows that were taken out together with their place in an archive that was packed anew, and
int64 that were floats in a field whose every float was whole, when no _creationTime is whole.
Exit status: 0 when nothing is wrong, 1 when something is, 2 when it could not be read, 130 when interrupted.`;

const DIFF_NOTES = `
Added is what only the second has, removed what only the first has. Stored files are the table _storage.
Exit status: 0 when both have the same, 1 when not, or when a snapshot is damaged, 2 when it could not be read, 130 when interrupted.`;
