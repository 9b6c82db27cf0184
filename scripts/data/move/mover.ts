/**
 * Performs a move step by step, and undoes it. Whatever is true is in the journal
 * and in the world: it may be killed at any point and taken up again. A step that
 * broke off is begun anew; one that is done is not.
 */
import { join } from "node:path";
import type { Progress } from "../progress";
import type { Facts } from "./facts";
import type { Entry, Journal } from "./journal";
import { PLAN } from "./plan";
import { HALTED_BY_HAND, haltAgain } from "./steps/freeze";
import { ownedByLegacy } from "./steps/source";
import { Refused, type MoveSettings, type Step, type StepContext, type StepTime } from "./step";
import type { KillSwitch, World } from "./world";

/** Of the undo alone: what it does first after a thaw, as the journal names it. */
export const HALT_AGAIN = "halt-again";

export type MoveState = "open" | "undoing" | "undone" | "finished";

export interface MoveSituation {
  readonly state: MoveState;
  readonly done: ReadonlyMap<string, unknown>;
  readonly begun: ReadonlySet<string>;
  /** Steps whose undo is done. */
  readonly undone: ReadonlySet<string>;
  /** The undo leaves what the platform's databases hold where it is. */
  readonly left: boolean;
  /** An emergency stop that the undo has found in the platform's Convex. */
  readonly stopSince: KillSwitch | undefined;
  readonly times: readonly StepTime[];
  /** The last failure, unless something was done since. */
  readonly failure: { readonly step: string; readonly message: string } | undefined;
}

export function situationOf(entries: readonly Entry[]): MoveSituation {
  const done = new Map<string, unknown>();
  const begun = new Map<string, string>();
  const doneAt = new Map<string, string>();
  const undone = new Set<string>();
  let left = false;
  let stopSince: KillSwitch | undefined;
  let state: MoveState = "open";
  let failure: MoveSituation["failure"];
  for (const entry of entries) {
    switch (entry.event) {
      case "begin":
        if (!begun.has(entry.step)) begun.set(entry.step, entry.at);
        break;
      case "done":
        done.set(entry.step, entry.facts);
        doneAt.set(entry.step, entry.at);
        failure = undefined;
        break;
      case "failed":
      case "undo-failed":
        failure = { step: entry.step, message: entry.message };
        break;
      case "undo":
        state = "undoing";
        failure = undefined;
        break;
      case "undo-done":
        undone.add(entry.step);
        left ||= entry.left === true;
        stopSince ??= entry.killSwitch;
        failure = undefined;
        break;
      case "undone":
        // Of a move that was refused before anything was changed it says why.
        state = "undone";
        break;
      case "finished":
        state = "finished";
        failure = undefined;
    }
  }
  return { state, done, begun: new Set(begun.keys()), undone, left, stopSince, failure, times: [...begun].map(([step, began]) => ({ step, began, done: doneAt.get(step) })) };
}

/** Legacy's processes may have written into the new Convex. */
export function thawBegan({ begun }: Pick<MoveSituation, "begun">): boolean {
  return PLAN.some(({ id, phase }) => phase === "thaw" && begun.has(id));
}

export interface MoverOptions {
  readonly world: World;
  readonly settings: MoveSettings;
  readonly journal: Journal;
  /** The move's own folder. */
  readonly folder: string;
  readonly progress: Progress;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** @default that of production */
  readonly plan?: readonly Step[];
}

/** @throws Error of the step that failed, which the journal has too */
export async function performMove(options: MoverOptions): Promise<void> {
  const { journal, plan = PLAN, say, signal, world } = options;
  let held = false;
  for (const [index, step] of plan.entries()) {
    if (situationOf(journal.entries()).done.has(step.id)) continue;
    signal.throwIfAborted();
    // Preflight changes nothing, and says whatever else is wrong with Consul beside all the rest.
    if (!held && step.id !== "preflight") {
      await hold(options);
      held = true;
    }
    journal.append({ event: "begin", step: step.id });
    say(`${index + 1}/${plan.length} ${step.title}`);
    let facts: unknown;
    try {
      facts = await step.run(contextOf(options));
    } catch (error) {
      journal.append({ event: "failed", step: step.id, message: (error as Error).message });
      // Nothing was changed, so that there is nothing to take up: the next command begins a new move.
      if (step.id === "preflight") journal.append({ event: "undone" });
      throw error;
    }
    journal.append({ event: "done", step: step.id, facts });
  }
  await world.keys.release(moveOf(journal));
  journal.append({ event: "finished" });
}

/** The journal is this machine's alone; moves of other machines are kept away by Consul. */
async function hold({ world, journal }: MoverOptions): Promise<void> {
  const other = await world.keys.hold(moveOf(journal));
  if (other) throw new Refused([`another data move of this environment has not ended: ${other.holder}. Take it up or undo it there. If that machine is lost: see what the legacy processes write to (CONVEX_URL in their env files), and only then: consul kv delete ${other.key}`]);
}

/**
 * Takes back everything that was begun, the last first; what takes long and what nobody waits for comes last.
 * @param giveUpNewWrites also after the thaw: what was written into the new Convex since is in a file alone
 * @param haltedByHand after the thaw: trading is halted and no order is open, where the API cannot see to it. @default false
 * @throws Refused after the thaw without that word, while orders are open, and while Nomad's worker or API uses what would be replaced
 */
export async function undoMove(options: MoverOptions, giveUpNewWrites: boolean, haltedByHand = false): Promise<void> {
  const { journal, plan = PLAN, settings, world } = options;
  const situation = situationOf(journal.entries());
  if (thawBegan(situation) && !giveUpNewWrites && situation.state !== "undoing") throw new Refused([`the thaw has begun, so that the legacy processes may have written into the platform's Convex, and going back would leave those rows behind. Take the move up instead (${settings.commands.resume}); or go back and give them up: ${settings.commands.undo} --give-up-new-writes`]);
  if (!thawBegan(situation) && haltedByHand) throw new Refused([`${HALTED_BY_HAND} is for an undo after the thaw; before it trading is halted by the move itself: ${settings.commands.undo}`]);
  await ownedByLegacy(world, settings);
  await hold(options);
  if (situation.state !== "undoing") journal.append({ event: "undo", gaveUpNewWrites: giveUpNewWrites });
  if (thawBegan(situation) && !situation.undone.has(HALT_AGAIN)) await undoing(options, HALT_AGAIN, "Halt trading, and reconcile open orders", async () => ({ killSwitch: await haltAgain(contextOf(options), haltedByHand) }));
  const begun = plan.filter(({ id }) => situation.begun.has(id)).reverse();
  for (const step of [...begun.filter(({ undoneLate }) => !undoneLate), ...begun.filter(({ undoneLate }) => undoneLate)]) {
    if (!step.undo || situationOf(journal.entries()).undone.has(step.id)) continue;
    await undoing(options, step.id, step.title, async () => {
      // Legacy runs again since the first look, and the worker may have been given away.
      if (step.undoneLate) await ownedByLegacy(world, settings);
      return (await step.undo?.(contextOf(options))) === "left" ? { left: true } : {};
    });
  }
  await world.keys.release(moveOf(journal));
  journal.append({ event: "undone" });
}

/** One part of an undo, with its lines in the journal. @param work what it does, and what the journal keeps of it */
async function undoing({ journal, say, signal }: MoverOptions, step: string, title: string, work: () => Promise<{ readonly left?: true; readonly killSwitch?: KillSwitch }>): Promise<void> {
  signal.throwIfAborted();
  journal.append({ event: "undo-begin", step });
  say(`undo: ${title}`);
  let kept: Awaited<ReturnType<typeof work>>;
  try {
    kept = await work();
  } catch (error) {
    journal.append({ event: "undo-failed", step, message: (error as Error).message });
    throw error;
  }
  journal.append({ event: "undo-done", step, ...kept });
}

function moveOf(journal: Journal): string {
  const [start] = journal.entries();
  if (start?.event !== "start") throw new Error("the journal does not begin with the start of a move, so that nobody knows what it is of");
  return start.move;
}

function contextOf({ journal, world, settings, folder, progress, say, signal }: MoverOptions): StepContext {
  const [start] = journal.entries();
  if (start?.event !== "start") throw new Error("the journal does not begin with the start of a move, so that nobody knows what it is of");
  const maybe = <K extends keyof Facts>(step: K): Facts[K] | undefined => situationOf(journal.entries()).done.get(step) as Facts[K] | undefined;
  return {
    world,
    settings,
    environment: start.environment,
    move: start.move,
    options: start.options,
    maybe,
    fact: (step) => {
      if (!situationOf(journal.entries()).done.has(step)) throw new Error(`the step "${step}" is not done, and a later one builds on it`);
      return maybe(step)!;
    },
    stopSince: () => situationOf(journal.entries()).stopSince,
    left: () => situationOf(journal.entries()).left,
    attempts: (step) => journal.entries().filter((entry) => entry.event === "begin" && entry.step === step).length,
    times: () => situationOf(journal.entries()).times,
    file: (name) => join(folder, name),
    progress,
    say: (line) => say(`     ${line}`),
    signal,
  };
}
