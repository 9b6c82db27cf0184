/** Every step of the cutover. */
import type { StepOrder } from "../planner";
import type { CutoverSettings } from "../settings";
import type { Step } from "../step";
import type { CutoverWorld } from "../world";
import { forwardSteps } from "./forward";
import { rollBackSteps } from "./roll-back";

export interface CutoverSteps {
  readonly order: StepOrder;
  readonly all: readonly Step<CutoverWorld>[];
}

export function cutoverSteps(settings: CutoverSettings): CutoverSteps {
  const [forward, back] = [forwardSteps(settings), rollBackSteps(settings)];
  return { order: { forward, "roll-back": back }, all: [...forward, ...back] };
}
