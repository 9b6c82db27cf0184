/** The order of a move. */
import type { Facts } from "./facts";
import type { Step } from "./step";
import { closeRuns, compare, exportData, importData, moveTimescale, validate } from "./steps/data";
import { haltTrading, noteTrading, orders, quiet, stop } from "./steps/freeze";
import { preflight } from "./steps/preflight";
import { announce, functions, keepTarget, variables } from "./steps/prepare";
import { evidence, record, resumeTrading, start, switchUrl, writing } from "./steps/thaw";

export const PLAN: readonly Step<keyof Facts>[] = [
  preflight,
  keepTarget,
  functions,
  variables,
  announce,
  // From here on nobody trades,
  noteTrading,
  haltTrading,
  orders,
  // and from here on nothing is written.
  stop,
  quiet,
  exportData,
  importData,
  validate,
  compare,
  moveTimescale,
  closeRuns,
  evidence,
  switchUrl,
  // From here on going back loses what is written.
  start,
  writing,
  resumeTrading,
  record,
];
