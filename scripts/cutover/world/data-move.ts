/** The data move as a cutover relies on it: its evidence, the snapshot that is the way back, and the way back itself. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fail, pass, type Outcome } from "../../doctor/check";
import { JournalFile, moves } from "../../data/move/journal";
import { situationOf, undoMove, type MoverOptions } from "../../data/move/mover";
import { recordMove } from "../../data/move/record";
import { Refused } from "../../data/move/step";
import type { Evidence } from "../../data/move/world";
import type { CheckSnapshot } from "../../data/move/world/checked-snapshots";

/** As `gvfx data move` names it, in the folder of its move. */
const SNAPSHOT = "legacy.zip";

export interface DataMoveSeen {
  readonly verdict: string | undefined;
  /** Path on this machine, where it may be gone; undefined when the evidence names no move. */
  readonly snapshot: string | undefined;
}

/** @param folder where this machine keeps its moves */
export function dataMoveSeen({ verdict, record }: Evidence, folder: string): DataMoveSeen {
  const move = recordMove(record);
  return { verdict, snapshot: move === undefined ? undefined : join(folder, move, SNAPSHOT) };
}

/** Whether a snapshot is there and whole, by its own checks. */
export async function snapshotKept(path: string, check: CheckSnapshot): Promise<boolean> {
  return existsSync(path) && (await check(path)).problems.length === 0;
}

export interface DataBackOptions {
  readonly folder: string;
  /** Of the last move. */
  readonly mover: (journal: JournalFile, folder: string) => Promise<MoverOptions>;
  /** How an operator sees and does it. */
  readonly commands: { readonly status: string; readonly undo: string };
}

/** Legacy gets its own data back, and what was written since is kept in a file: `gvfx data move undo --give-up-new-writes`. */
export async function dataBack({ folder, mover, commands }: DataBackOptions): Promise<Outcome> {
  const last = moves(folder).at(-1);
  if (last === undefined) return fail(`no data move was begun on this machine (${folder}), so that there is nothing here to undo`, `go back on the machine that has the move's folder; see: ${commands.status}`);
  const journal = new JournalFile(join(folder, last));
  if (situationOf(journal.entries()).state === "undone") return pass(`the data move ${last} is undone`);
  try {
    await undoMove(await mover(journal, join(folder, last)), true);
  } catch (error) {
    if (error instanceof Refused) return fail(error.message, commands.undo);
    throw error;
  }
  return pass(`the data move ${last} is undone; what was written since is kept in ${join(folder, last)}`);
}
