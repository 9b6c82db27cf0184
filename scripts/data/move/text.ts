/** A move's situation, for people. */
import { seconds } from "../../lease/give";
import type { Entry } from "./journal";
import { HALT_AGAIN, situationOf, thawBegan, type MoveSituation } from "./mover";
import { PLAN } from "./plan";
import { freezeOf, secondsBetween } from "./record";
import type { MoveSettings } from "./step";

export interface MoveStatus {
  readonly move: string;
  readonly state: MoveSituation["state"];
  readonly app: string;
  readonly steps: readonly { readonly step: string; readonly title: string; readonly state: "done" | "begun" | "undone" | "waiting"; readonly seconds: number | undefined }[];
  readonly failure: MoveSituation["failure"];
  /** What lasts at this moment. */
  readonly now: { readonly halted: boolean; readonly stopped: boolean };
  /** How long trading was, or has been, halted, in seconds; by an undo after the thaw, since then. */
  readonly haltedSeconds: number | undefined;
  /** How long worker and API were, or have been, stopped, in seconds. */
  readonly stoppedSeconds: number | undefined;
  readonly next: readonly string[];
}

/** @param now for what goes on still */
export function moveStatus(entries: readonly Entry[], { commands }: Pick<MoveSettings, "commands">, now: Date): MoveStatus {
  const [start] = entries;
  if (start?.event !== "start") throw new Error("the journal does not begin with the start of a move; look at it");
  const situation = situationOf(entries);
  const { state, done, begun, undone, times, failure } = situation;
  const freeze = freezeOf(times);
  // What an undo gave back is over at its end.
  const undoneAt = (step: string): string | undefined => entries.find((entry) => entry.event === "undo-done" && entry.step === step)?.at;
  const undoBegan = (step: string): string | undefined => entries.find((entry) => entry.event === "undo-begin" && entry.step === step)?.at;
  // An undo after the thaw halts and stops a second time; that it is halted is known once that is done.
  const again = { halted: undoneAt(HALT_AGAIN), stopped: undoBegan("start") };
  const from = { halted: again.halted ?? freeze.halted, stopped: again.stopped ?? freeze.stopped };
  const until = { halted: undoneAt("halt-trading") ?? (again.halted === undefined ? freeze.over : undefined), stopped: undoneAt("stop") ?? (again.stopped === undefined ? freeze.started : undefined) };
  const lasts = state === "open" || state === "undoing";
  const open = lasts ? now.toISOString() : entries.at(-1)!.at;
  return {
    move: start.move,
    state,
    app: start.options.app,
    steps: PLAN.map(({ id, title }) => {
      const time = times.find(({ step }) => step === id);
      return { step: id, title, state: undone.has(id) ? "undone" as const : done.has(id) ? "done" as const : begun.has(id) ? "begun" as const : "waiting" as const, seconds: secondsBetween(time?.began, time?.done) };
    }),
    failure,
    now: { halted: lasts && from.halted !== undefined && until.halted === undefined, stopped: lasts && from.stopped !== undefined && until.stopped === undefined },
    haltedSeconds: secondsBetween(from.halted, until.halted ?? open),
    stoppedSeconds: secondsBetween(from.stopped, until.stopped ?? open),
    next: nextCommands(situation, commands),
  };
}

function nextCommands(situation: MoveSituation, { resume, undo }: MoveSettings["commands"]): string[] {
  if (situation.state === "undoing") return [`finish going back: ${undo}`];
  if (situation.state !== "open") return [];
  if (!thawBegan(situation)) return [`take it up again: ${resume}`, `or go back: ${undo}`];
  return [`take it up again: ${resume}`, `or go back, and give up what was written since the thaw: ${undo} --give-up-new-writes`];
}

const STATES: Readonly<Record<MoveSituation["state"], string>> = { open: "not finished", undoing: "being undone", undone: "undone", finished: "finished" };
const MARKS = { done: "done  ", begun: "BEGUN ", undone: "undone", waiting: "      " } as const;

export function textStatus(status: MoveStatus): string {
  const over = status.state === "finished" || status.state === "undone";
  return [
    `Data move ${status.move}: ${STATES[status.state]}`,
    `  app  ${status.app}`,
    ...status.steps.filter(({ state }) => !over || state !== "waiting").map(({ title, state, seconds: took }) => `  ${MARKS[state]}  ${title}${took === undefined ? "" : `, ${seconds(took * 1_000)}`}`),
    ...textFreeze(status),
    ...(status.failure ? [`  stopped at "${PLAN.find(({ id }) => id === status.failure?.step)?.title ?? status.failure.step}": ${status.failure.message}`] : []),
    ...status.next.map((line) => `  ${line}`),
  ].join("\n");
}

/** The freeze in a line or two; while it lasts, that it does. */
export function textFreeze({ now, haltedSeconds, stoppedSeconds }: MoveStatus): string[] {
  const line = (what: string, took: number | undefined, lasts: boolean): string[] => (took === undefined ? [] : [`  ${what} ${lasts ? "FOR" : "for"} ${seconds(took * 1_000)}${lasts ? " NOW" : ""}`]);
  return [...line("legacy worker and API stopped", stoppedSeconds, now.stopped), ...line("trading halted", haltedSeconds, now.halted)];
}
