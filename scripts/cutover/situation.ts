/** What the ledger's entries say of a cutover. Pure. */
import type { Entry, Facts, Plan } from "./entry";

export interface Stop {
  readonly step: string;
  readonly why: "fail" | "inconclusive" | "triggered";
  readonly detail: string;
  readonly mend: string | undefined;
  readonly at: string;
}

export interface Situation {
  /** The newest; undefined before the first. */
  readonly plan: Plan | undefined;
  /** Whether that plan came to its end. */
  readonly finished: boolean;
  /** Steps that passed, or that an operator accepted, since this direction was taken: a plan that goes on with another one goes on with these. */
  readonly passed: ReadonlySet<string>;
  /** Those of the newest plan alone. */
  readonly passedHere: ReadonlySet<string>;
  /** Steps of that plan that were begun and have not ended: whoever did them was stopped in the middle. */
  readonly broken: ReadonlySet<string>;
  /**
   * Steps that were begun since this direction was taken, and have not ended since, whatever plan they were of: a plan that goes on
   * with another one finds what they began.
   */
  readonly midway: ReadonlySet<string>;
  /** Why it does not go on by itself; undefined while it may. */
  readonly stop: Stop | undefined;
  /** Steps of any forward plan since the last finished roll-back that were begun: what a roll-back may find changed. */
  readonly begunForward: ReadonlySet<string>;
  /** The newest facts of each step since the way forward began: a roll-back knows those of the way forward. */
  readonly facts: ReadonlyMap<string, Facts>;
}

export function situationOf(entries: readonly Entry[]): Situation {
  let plan: Plan | undefined;
  let finished = false;
  let passed = new Set<string>();
  let passedHere = new Set<string>();
  let broken = new Set<string>();
  let midway = new Set<string>();
  let stop: Stop | undefined;
  const begunForward = new Set<string>();
  const facts = new Map<string, Facts>();
  for (const { at, body } of entries) {
    switch (body.kind) {
      case "plan":
        if (plan?.direction !== body.plan.direction || finished) {
          [passed, midway] = [new Set(), new Set()];
          // A cutover that begins anew is watched anew.
          if (body.plan.direction === "forward") facts.clear();
        }
        ({ plan } = body);
        [finished, passedHere, broken, stop] = [false, new Set(), new Set(), undefined];
        break;
      case "began":
        broken.add(body.step);
        midway.add(body.step);
        stop = undefined;
        if (plan?.direction === "forward") begunForward.add(body.step);
        break;
      case "ended":
        broken.delete(body.step);
        midway.delete(body.step);
        facts.set(body.step, body.facts);
        passed.delete(body.step);
        if (body.verdict === "pass") {
          passed.add(body.step);
          passedHere.add(body.step);
        } else stop = { step: body.step, why: body.verdict, detail: body.detail, mend: body.mend, at };
        break;
      case "triggered":
        stop = { step: body.step, why: "triggered", detail: body.detail, mend: undefined, at };
        break;
      case "accepted":
        passed.add(body.step);
        passedHere.add(body.step);
        stop = undefined;
        break;
      case "finished":
        finished = true;
        if (plan?.direction === "roll-back") begunForward.clear();
    }
  }
  return { plan, finished, passed, passedHere, broken, midway, stop, begunForward, facts };
}
