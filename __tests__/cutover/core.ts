/** A cutover of five steps over a world of three facts, for the tests of planner and executor. */
import { execute, type Execution } from "../../scripts/cutover/executor";
import type { Direction, Entry } from "../../scripts/cutover/entry";
import { planCutover, type Planned, type PlanInputs } from "../../scripts/cutover/planner";
import type { Step, StepOutcome } from "../../scripts/cutover/step";
import type { Outcome } from "../../scripts/doctor/check";
import type { Ledger } from "../../scripts/cutover/ledger";

export class World {
  owner = "legacy";
  traffic = "legacy";
  /** How often each was changed: twice is once too often. */
  readonly changes: string[] = [];
  outcomes = new Map<string, StepOutcome>();
  set(key: "owner" | "traffic", to: string): void {
    if (this[key] === to) return;
    this[key] = to;
    this.changes.push(`${key} ${to}`);
  }
}

const text = { proves: "it", normal: "well", look: [], otherwise: [] };
const check = (id: string): Step<World> => ({ id, kind: "check", title: id, ...text, acceptable: id === "smoke", perform: ({ world }) => Promise.resolve(world.outcomes.get(id) ?? { verdict: "pass", detail: "well" }) });
const change = (id: string, key: "owner" | "traffic", to: string): Step<World> => ({
  id,
  kind: "change",
  title: id,
  ...text,
  perform: ({ world }) => {
    const planted = world.outcomes.get(id);
    if (planted) return Promise.resolve(planted);
    world.set(key, to);
    return Promise.resolve({ verdict: "pass", detail: `${key} is ${to}`, facts: { [key]: to } });
  },
});

export const FORWARD = [check("preflight"), check("smoke"), change("give-worker", "owner", "nomad"), check("one-writer"), change("switch-traffic", "traffic", "nomad")];
export const ROLL_BACK = [change("take-worker", "owner", "legacy"), change("traffic-back", "traffic", "legacy"), check("data-back"), check("legacy-serves")];
export const STEPS = [...FORWARD, ...ROLL_BACK];
export const ORDER = { forward: FORWARD, "roll-back": ROLL_BACK };

export const inputs = (entries: readonly Entry[], direction: Direction = "forward", changes: Partial<PlanInputs> = {}): PlanInputs => ({
  environment: "production",
  settings: { watch: "48h" },
  retired: false,
  evidence: { dataMove: "pass" },
  entries,
  direction,
  now: "2026-01-01T12:00:00.000Z",
  order: ORDER,
  commands: { run: "gvfx cutover run", rollBack: "gvfx cutover roll-back", status: "gvfx cutover status", move: "gvfx data move" },
  ...changes,
});

export function planOf(planned: Planned) {
  if ("problems" in planned) throw new Error(planned.problems.join("\n"));
  return planned.plan;
}

export interface RunOptions {
  readonly direction?: Direction;
  readonly accept?: Readonly<Record<string, string>>;
  readonly triggers?: () => Promise<Outcome>;
  readonly signal?: AbortSignal;
  readonly data?: boolean;
  readonly lines?: string[];
}

/** As `gvfx cutover run` does: a plan of how things are, performed. */
export async function run(ledger: Ledger, world: World, { direction = "forward", accept = {}, triggers = () => Promise.resolve({ verdict: "pass", detail: "no trigger" }), signal = new AbortController().signal, data, lines = [] }: RunOptions = {}): Promise<Execution> {
  const plan = planOf(planCutover(inputs(await ledger.entries(), direction, { data })));
  return execute({ plan, ledger, world, steps: STEPS, triggers, accept: new Map(Object.entries(accept)), say: (line) => lines.push(line), signal });
}
