/**
 * Performs a plan, one step after the other, each recorded before and after. What
 * is true is in the ledger and in the world: it may be killed anywhere, and the same
 * command goes on. It decides nothing that the plan or a gate decides.
 */
import { setMaxListeners } from "node:events";
import type { Outcome } from "../doctor/check";
import { headOf, NO_ENTRY, type Entry, type EntryBody, type Plan } from "./entry";
import type { Ledger, LockHolder } from "./ledger";
import { situationOf } from "./situation";
import type { Step, StepOutcome } from "./step";

export interface ExecutionOptions<World> {
  readonly plan: Plan;
  readonly ledger: Ledger;
  readonly world: World;
  /** Every step that a plan may name. */
  readonly steps: readonly Step<World>[];
  /** Looked at before every step of the way forward: whether a roll-back is due. */
  readonly triggers: () => Promise<Outcome>;
  /** Inconclusive gates that the operator goes past, each with the reason that is recorded. */
  readonly accept: ReadonlyMap<string, string>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export type Execution =
  | { readonly outcome: "finished" }
  | { readonly outcome: "stopped"; readonly step: string; readonly verdict: "fail" | "inconclusive"; readonly detail: string; readonly mend: string | undefined; /** Whether going on anyway may be asked for. */ readonly acceptable: boolean }
  /** A roll-back trigger fails. The step was not begun. */
  | { readonly outcome: "triggered"; readonly step: string; readonly detail: string }
  | { readonly outcome: "interrupted"; readonly step: string }
  /** Nothing was done. */
  | { readonly outcome: "refused"; readonly why: "locked"; readonly holder: LockHolder }
  | { readonly outcome: "refused"; readonly why: "stale"; readonly since: readonly Entry[] };

/**
 * @throws LedgerMoved when another executor wrote; the lock was lost then
 * @throws Error when the ledger does not answer: what was done last may not be recorded, and the same command looks again
 */
export async function execute<World>(options: ExecutionOptions<World>): Promise<Execution> {
  const lock = await options.ledger.lock();
  if (!lock.held) return { outcome: "refused", why: "locked", holder: lock };
  try {
    const signal = AbortSignal.any([options.signal, lock.signal]);
    // Every request of every step listens; there are many, and each ends.
    setMaxListeners(0, signal);
    return await performPlan({ ...options, signal });
  } finally {
    await lock.release();
  }
}

async function performPlan<World>(options: ExecutionOptions<World>): Promise<Execution> {
  const { plan, ledger, world, steps, triggers, accept, say, signal } = options;
  const toDo = plan.steps.map((id) => stepOf(steps, id));
  const entries = [...(await ledger.entries())];
  const record = async (body: EntryBody): Promise<void> => void entries.push(await ledger.append(headOf(entries), body));
  const recorded = situationOf(entries).plan?.hash === plan.hash;
  if (!recorded && headOf(entries).hash !== plan.parent) return { outcome: "refused", why: "stale", since: after(entries, plan.parent) };
  if (!recorded) await record({ kind: "plan", plan });

  for (const [index, step] of toDo.entries()) {
    const { id } = step;
    if (situationOf(entries).passedHere.has(id)) continue;
    if (signal.aborted) return { outcome: "interrupted", step: id };
    if (plan.direction === "forward") {
      const due = await triggers();
      if (due.verdict === "fail") {
        await record({ kind: "triggered", step: id, detail: due.detail });
        return { outcome: "triggered", step: id, detail: due.detail };
      }
    }
    say(`${index + 1}/${plan.steps.length} ${step.title}`);
    await record({ kind: "began", step: id });
    const outcome = await outcomeOf(step, { world, fact: (other) => situationOf(entries).facts.get(other), say: (line) => say(`     ${line}`), signal });
    if (outcome === "interrupted") return { outcome: "interrupted", step: id };
    const { verdict, detail } = outcome;
    const mend = outcome.verdict === "pass" ? undefined : outcome.mend;
    await record({ kind: "ended", step: id, verdict, detail, ...(mend === undefined ? {} : { mend }), facts: outcome.facts ?? {} });
    say(`     ${verdict}: ${detail}`);
    if (verdict === "pass") continue;
    const reason = accept.get(id);
    const acceptable = verdict === "inconclusive" && step.acceptable === true;
    if (!acceptable || reason === undefined) return { outcome: "stopped", step: id, verdict, detail, mend, acceptable };
    await record({ kind: "accepted", step: id, reason });
    say(`     accepted: ${reason}`);
  }
  if (!situationOf(entries).finished) await record({ kind: "finished" });
  return { outcome: "finished" };
}

/** What throws could not be judged. @returns "interrupted" when the operator, or the loss of the lock, ended it */
async function outcomeOf<World>(step: Step<World>, context: Parameters<Step<World>["perform"]>[0]): Promise<StepOutcome | "interrupted"> {
  try {
    const outcome = await step.perform(context);
    return context.signal.aborted && outcome.verdict !== "pass" ? "interrupted" : outcome;
  } catch (error) {
    if (context.signal.aborted) return "interrupted";
    return { verdict: "inconclusive", detail: `it could not be judged: ${error instanceof Error ? error.message : String(error)}`, mend: "mend what is named, and run the same command again: every step looks before it changes anything" };
  }
}

function stepOf<World>(steps: readonly Step<World>[], id: string): Step<World> {
  const step = steps.find((candidate) => candidate.id === id);
  if (!step) throw new Error(`the plan has a step "${id}" that this version of gvfx does not know; make the plan anew with this version, or run it with the version that made it`);
  return step;
}

/** Entries that a plan does not know of. */
function after(entries: readonly Entry[], parent: string): readonly Entry[] {
  return parent === NO_ENTRY ? entries : entries.slice(entries.findIndex(({ hash }) => hash === parent) + 1);
}

