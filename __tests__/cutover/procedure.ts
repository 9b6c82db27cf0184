/** The real steps over the world's double, as `gvfx cutover` would run them. */
import { Duration } from "../../contracts/units";
import { execute, type Execution } from "../../scripts/cutover/executor";
import type { Direction } from "../../scripts/cutover/entry";
import { planCutover } from "../../scripts/cutover/planner";
import { cutoverSteps } from "../../scripts/cutover/steps/all";
import type { CutoverSettings } from "../../scripts/cutover/settings";
import { inputs, planOf } from "./core";
import type { FakeWorld } from "./fake-world";
import type { MemoryLedger } from "./memory-ledger";

export const SETTINGS: CutoverSettings = {
  environment: "production",
  watch: Duration.hours(48),
  watchEvery: Duration.hours(12),
  guardianSilentAfter: Duration.minutes(15),
  trafficRequests: 200,
  commands: {
    run: "gvfx cutover run",
    rollBack: "gvfx cutover roll-back",
    status: "gvfx cutover status",
    move: "gvfx data move",
    moveStatus: "gvfx data move status",
    doctor: "gvfx doctor",
    why: "gvfx why gvfx-worker",
    lease: "gvfx lease status",
    smoke: "gvfx smoke",
    coverage: "gvfx data coverage --gold",
    backfill: "gvfx data backfill --gold",
    sections: "gvfx sections",
    diff: (stack) => `cdktf diff ${stack}`,
    deploy: (stack) => `cdktf deploy ${stack}`,
    seeLegacyWorker: "ssh legacy pgrep -af jobs/worker.ts",
  },
};
export const { order, all } = cutoverSteps(SETTINGS);
export const FORWARD = order.forward.map(({ id }) => id);

export async function perform(ledger: MemoryLedger, world: FakeWorld, direction: Direction = "forward", { data = false, accept = {}, lines = [] }: { readonly data?: boolean; readonly accept?: Readonly<Record<string, string>>; readonly lines?: string[] } = {}): Promise<Execution> {
  const plan = planOf(planCutover(inputs(await ledger.entries(), direction, { order, data })));
  return execute({ plan, ledger, world, steps: all, triggers: world.triggers, accept: new Map(Object.entries(accept)), say: (line) => lines.push(line), signal: new AbortController().signal });
}
