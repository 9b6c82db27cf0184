/** Moves in memory: with a journal that outlives whoever wrote it. */
import type { Entry, Journal, NewEntry } from "../../../scripts/data/move/journal";
import { performMove, situationOf, undoMove, type MoverOptions } from "../../../scripts/data/move/mover";
import type { MoveSettings } from "../../../scripts/data/move/step";
import { lookAtEverything } from "../../../scripts/data/move/steps/preflight";
import { silentProgress } from "../../../scripts/data/progress";
import { FakeWorld, Killed, SETTINGS } from "./fake-world";

export class MemoryJournal implements Journal {
  /** After how many entries the machine dies. */
  dieAfter = Infinity;
  readonly lines: Entry[] = [];

  /** @param world that dies together with whoever writes here */
  constructor(private readonly world: FakeWorld, replaceEverything = false, appCannotTrade = false, move = "m1") {
    this.lines.push({ at: "2026-02-01T11:59:00.000Z", event: "start", move, environment: "test", options: { replaceEverything, appCannotTrade, app: "abc of git" } });
  }

  entries(): readonly Entry[] {
    return this.lines;
  }

  append(entry: NewEntry): void {
    if (this.world.dead) throw new Killed();
    this.lines.push({ at: new Date(Date.parse("2026-02-01T12:00:00Z") + this.lines.length * 1_000).toISOString(), ...entry } as Entry);
    if (this.lines.length > this.dieAfter) {
      this.world.dead = true;
      throw new Killed();
    }
  }
}

export function options(world: FakeWorld, journal: Journal, overrides: Partial<MoverOptions> = {}): MoverOptions {
  return { world, journal, settings: SETTINGS, folder: "/moves/m1", progress: silentProgress, say: (line) => void world.said.push(line), signal: new AbortController().signal, ...overrides };
}

/** Runs until it ends, dying on the way where it is told to, and taking it up again. */
export async function moveThroughDeath(world: FakeWorld, journal: MemoryJournal): Promise<void> {
  await performMove(options(world, journal)).catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error;
  });
  revive(world, journal);
  if (situationOf(journal.entries()).state === "open") await performMove(options(world, journal));
}

export async function undoThroughDeath(world: FakeWorld, journal: MemoryJournal, giveUp = false): Promise<void> {
  await undoMove(options(world, journal), giveUp).catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error;
  });
  revive(world, journal);
  if (situationOf(journal.entries()).state !== "undone") await undoMove(options(world, journal), giveUp);
}

/** The machine is switched on again. */
export function revive(world: FakeWorld, journal: MemoryJournal): void {
  world.dead = false;
  world.killAt = undefined;
  journal.dieAfter = Infinity;
}

/** Plants a defect. */
export type Plant = (world: FakeWorld) => void;

/** What stands in a move's way before anything is changed. */
export async function problems(plant: Plant, settings: Partial<MoveSettings> = {}, replaceEverything = false): Promise<readonly string[]> {
  const world = new FakeWorld();
  plant(world);
  return (await lookAtEverything({ world, settings: { ...SETTINGS, ...settings }, options: { replaceEverything, appCannotTrade: false, app: "" } })).problems;
}

/** Runs a move that must stop. @returns its message, and the step at which it stopped */
export async function stopped(plant: Plant, world = new FakeWorld()): Promise<{ readonly message: string; readonly step: string; readonly world: FakeWorld }> {
  plant(world);
  const journal = new MemoryJournal(world);
  const message = await performMove(options(world, journal)).then(() => "it ended well", (error: Error) => error.message);
  return { message, step: situationOf(journal.entries()).failure?.step ?? "none", world };
}
