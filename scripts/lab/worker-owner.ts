/**
 * The last step of `gvfx lab up`: a new lab's worker is Nomad's to run. The key
 * begins as "legacy", as before a cutover, and with it the worker only stands by.
 * Given once in a lab's life: whoever changes the owner afterwards, by hand or by
 * a roll-back, is not overruled by the next `up`. Consul itself remembers it: a key
 * that nobody changed has the index with which it was made.
 */
import type { Duration } from "../../contracts/units";
import { workerOf, type Commands } from "../lease/assess";
import { giveWorker, seconds, type GiveOptions } from "../lease/give";
import type { LeaseSources, OwnerKey, Side } from "../lease/sources";
import { textGiven } from "../lease/text";

export interface OwnerStepOptions extends Pick<GiveOptions, "now" | "wait" | "say"> {
  readonly commands: Commands;
  /** What `--owner` said: "nomad" gives it whatever was before, "legacy" leaves all as it is. @default given once */
  readonly choice: Side | undefined;
  /** @default that of a hand-over */
  readonly timeout?: Duration;
}

/**
 * @returns what was done, for the step's line
 * @throws Error when the worker is Nomad's and does not run in time
 */
export async function giveWorkerOnce(sources: LeaseSources, { choice, commands, ...options }: OwnerStepOptions): Promise<string> {
  const { owner } = await sources.readKeys();
  if (!owner) throw new Error(`the key ${sources.keys.owner} does not exist although the cutover stack is deployed, so that nobody may run the worker; deploy it again: ${commands.deploy}`);
  if (!giveable(owner, choice)) return `left with ${owner.value}: ${choice === "legacy" ? "--owner legacy" : "somebody changed the owner since the lab was made"}; Nomad's worker ${owner.value === "nomad" ? "runs" : "stands by"}. ${owner.value === "nomad" ? `To hand it over: ${commands.give("legacy")}` : `To give it: ${commands.give("nomad", { legacyWorkerStopped: true })}`}`;
  // The lab's legacy worker is a double with a Convex of its own, and the exchange a double too: beside it Nomad's trades nothing twice that counts.
  const result = await giveWorker(sources, "nomad", { commands, legacyWorkerStopped: true, ...options });
  if (result.outcome === "already") return "nomad has it already";
  if (result.outcome === "given") return result.changed ? `${result.from} -> nomad; ${workerOf("nomad")} runs after ${seconds(result.tookMs)}` : `nomad has it already; ${workerOf("nomad")} runs after ${seconds(result.tookMs)}`;
  throw new Error(textGiven(result, "nomad", commands));
}

function giveable(owner: OwnerKey, choice: Side | undefined): boolean {
  if (choice !== undefined) return choice === "nomad";
  return owner.value === "nomad" || (owner.value === "legacy" && owner.untouched);
}
