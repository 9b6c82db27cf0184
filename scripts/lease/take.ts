/** The worker taken away from whoever has it, and given to nobody: the first half of a roll-back, whose second half may need a person. */
import type { Duration } from "../../contracts/units";
import { GIVE_TIMEOUT, LOOK_EVERY, pause, type GiveOptions } from "./give";
import type { LeaseSources } from "./sources";

export interface TakeOptions extends Pick<GiveOptions, "signal" | "now" | "wait"> {
  /** From the change until nobody may hold the lease any more. @default 60 s */
  readonly timeout?: Duration;
}

export type TakeResult =
  /** Nobody holds the lease, and nobody may take it. `from`: the owner before. */
  | { readonly outcome: "taken"; readonly changed: boolean; readonly from: string; readonly tookMs: number }
  /** The key does not exist. */
  | { readonly outcome: "no-key" }
  /** The owner is nobody, and the lease is still held: its worker runs until the lease's own deadline. */
  | { readonly outcome: "still-held"; readonly changed: boolean; readonly from: string; readonly waitedMs: number; readonly lastError: Error | undefined }
  /** While waiting, somebody set another owner. */
  | { readonly outcome: "set-again"; readonly found: string | undefined }
  | { readonly outcome: "interrupted"; readonly changed: boolean };

/** @throws Error when Consul cannot be asked, or the owner keeps changing; whether it was changed then is in the key */
export async function takeWorker(sources: LeaseSources, { timeout = GIVE_TIMEOUT, signal, now = () => performance.now(), wait = pause }: TakeOptions = {}): Promise<TakeResult> {
  const began = now();
  const { owner } = await sources.readKeys();
  if (!owner) return { outcome: "no-key" };
  const from = owner.value;
  const changed = from !== "nobody";
  // By check-and-set, but whoever has it meanwhile: what is taken away is taken from everybody.
  for (let key = owner; key.value !== "nobody"; ) {
    if (signal?.aborted) return { outcome: "interrupted", changed: false };
    if (now() - began >= timeout.milliseconds) throw new Error(`${sources.keys.owner} keeps changing while it is to become nobody; somebody else gives the worker away at the same time, see who: gvfx lease status`);
    if (await sources.setOwner("nobody", key.index)) break;
    const again = await sources.readKeys();
    if (!again.owner) return { outcome: "no-key" };
    key = again.owner;
  }
  let lastError: Error | undefined;
  while (!signal?.aborted) {
    try {
      const { owner: found, lease } = await sources.readKeys();
      if (found?.value !== "nobody") return { outcome: "set-again", found: found?.value };
      if (lease.session === undefined) return { outcome: "taken", changed, from, tookMs: now() - began };
      lastError = undefined;
    } catch (error) {
      // A change of Consul's leader: the next look may be answered.
      lastError = error as Error;
    }
    if (now() - began >= timeout.milliseconds) return { outcome: "still-held", changed, from, waitedMs: now() - began, lastError };
    await wait(LOOK_EVERY, signal);
  }
  return { outcome: "interrupted", changed };
}
