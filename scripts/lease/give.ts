/**
 * The hand-over of the worker: the owner key changes by check-and-set, the old
 * side sees it within a second and ends, the new side takes the lease. Nothing is
 * started or stopped from here, so that it can be interrupted and repeated at any
 * moment: what is true is in Consul.
 */
import { Duration } from "../../contracts/units";
import { assessLease, sideOf, takenUnderOwner, type Commands, type LeaseStatus } from "./assess";
import { legacyUnderLease } from "./legacy-proof";
import { lookAtLease } from "./look";
import type { LeaseKeys, LeaseSources, OwnerKey, Side } from "./sources";

/** The old side's grace is 20 s, and a session that nobody renews keeps the lease for 20 s and its lock-delay of 12 s; then the new side's next look. */
export const GIVE_TIMEOUT = Duration.seconds(60);
/** Both sides look every second; a look costs Consul's leader one read. */
export const LOOK_EVERY = Duration.ms(250);

/** Nomad's side needs no such guard: its allocation always waits under the lease. */
const BY_HAND = "Nomad's worker ends under the lease. A legacy worker that waits under the lease starts then; one that does not, nobody starts: start it by hand, once the lease was given back (docs/legacy-lease.md)";

export interface GiveOptions {
  readonly commands: Commands;
  /** The caller states that no legacy worker runs outside the lease. Asked for when Nomad is given a worker that legacy does not hold the lease for; without meaning otherwise. */
  readonly legacyWorkerStopped: boolean;
  /** From the change until the new side must have the lease. @default 60 s */
  readonly timeout?: Duration;
  /** Ends the waiting; the key stays as it is then. */
  readonly signal?: AbortSignal;
  /** Told of each thing as it is known. */
  readonly say?: (line: string) => void;
  /** Milliseconds of a clock that only goes forward. @default performance.now */
  readonly now?: () => number;
  /** @default a timer, ended by the signal */
  readonly wait?: (time: Duration, signal?: AbortSignal) => Promise<void>;
}

export type GiveResult =
  /** The new side has it. `changed` is false when the owner was the new side before, by an earlier run. */
  | { readonly outcome: "given"; readonly changed: boolean; readonly from: string; readonly tookMs: number; readonly releasedAfterMs: number | undefined; readonly status: LeaseStatus }
  /** Nothing was to be done. */
  | { readonly outcome: "already"; readonly status: LeaseStatus }
  /** Nothing was changed: the key does not exist, or somebody else gave it to a third at the same moment. */
  | { readonly outcome: "refused"; readonly why: "no-key" | "changed-meanwhile"; readonly found: string | undefined }
  /** Nothing was changed: legacy does not hold the lease, and nobody stated that its worker is stopped. */
  | { readonly outcome: "refused"; readonly why: "legacy-unproven"; readonly found: string; readonly status: LeaseStatus }
  /** The owner is the new side, which did not take the lease in time. */
  | { readonly outcome: "not-taken"; readonly changed: boolean; readonly from: string; readonly waitedMs: number; readonly releasedAfterMs: number | undefined; readonly status: LeaseStatus | undefined; readonly lastError: Error | undefined }
  /** While waiting, somebody gave it to another owner. */
  | { readonly outcome: "taken-back"; readonly from: string; readonly found: string | undefined }
  | { readonly outcome: "interrupted"; readonly changed: boolean; readonly from: string };

/** @throws Error when Consul could not be asked; whether the owner was changed then is in the key */
export async function giveWorker(sources: LeaseSources, to: Side, options: GiveOptions): Promise<GiveResult> {
  const { commands, say = () => undefined, now = () => performance.now() } = options;
  const before = await lookAtLease(sources);
  const { owner } = before;
  if (!owner) return { outcome: "refused", why: "no-key", found: undefined };
  const found = assessLease(before, commands);
  const side = sideOf(owner.value);
  say(`found: may run: ${found.mayRun}; runs: ${found.runs}`);
  if (side === to && found.well) return { outcome: "already", status: found };
  if (options.signal?.aborted) return { outcome: "interrupted", changed: false, from: owner.value };
  // An owner that is nomad already was given so by an earlier run, which was asked this.
  if (to === "nomad" && side !== to && !options.legacyWorkerStopped && !legacyUnderLease(found)) return { outcome: "refused", why: "legacy-unproven", found: owner.value, status: found };
  const began = now();
  if (side === to) say(`the owner is ${to} already; nothing was changed, waiting until it has the lease`);
  else {
    const changed = await change(sources, to, owner);
    if (changed !== true) return changed;
    say(`${sources.keys.owner}: ${owner.value} -> ${to}`);
    if (to === "legacy") say(BY_HAND);
  }
  return waitForHolder(sources, to, { ...options, began, changed: side !== to, from: owner.value, held: before.lease.session });
}

async function change(sources: LeaseSources, to: Side, owner: OwnerKey): Promise<true | GiveResult> {
  let failure: unknown;
  try {
    if (await sources.setOwner(to, owner.index)) return true;
  } catch (error) {
    // It may have been done all the same: the key says.
    failure = error;
  }
  const { owner: found } = await sources.readKeys();
  // Also when another server was asked again after the first one had done it, and refused.
  if (found?.value === to) return true;
  if (failure !== undefined) throw failure;
  return { outcome: "refused", why: "changed-meanwhile", found: found?.value };
}

interface Wait extends GiveOptions {
  readonly began: number;
  readonly changed: boolean;
  readonly from: string;
  /** Session that held the lease before. */
  readonly held: string | undefined;
}

async function waitForHolder(sources: LeaseSources, to: Side, { commands, timeout = GIVE_TIMEOUT, signal, say = () => undefined, now = () => performance.now(), wait = pause, began, changed, from, held }: Wait): Promise<GiveResult> {
  let releasedAfterMs: number | undefined;
  let heldAfterMs: number | undefined;
  let status: LeaseStatus | undefined;
  let lastError: Error | undefined;
  const onKeys = ({ lease }: LeaseKeys): void => {
    if (held !== undefined && releasedAfterMs === undefined && lease.session !== held) {
      releasedAfterMs = now() - began;
      say(`the lease was given back after ${seconds(releasedAfterMs)}`);
    }
  };
  while (!signal?.aborted) {
    try {
      const keys = await sources.readKeys();
      if (keys.owner?.value !== to) return { outcome: "taken-back", from, found: keys.owner?.value };
      onKeys(keys);
      if (takenUnderOwner(keys)) heldAfterMs ??= now() - began;
      // One that never heard of another owner in between kept what it had.
      if (keys.lease.session !== undefined) {
        status = assessLease(await lookAtLease(sources), commands);
        if (status.well) return { outcome: "given", changed, from, tookMs: heldAfterMs ?? now() - began, releasedAfterMs, status };
      }
      lastError = undefined;
    } catch (error) {
      // A change of Consul's leader: the next look may be answered.
      lastError = error as Error;
    }
    if (now() - began >= timeout.milliseconds) return { outcome: "not-taken", changed, from, waitedMs: now() - began, releasedAfterMs, status: await lastLook(sources, commands, status), lastError };
    await wait(LOOK_EVERY, signal);
  }
  return { outcome: "interrupted", changed, from };
}

async function lastLook(sources: LeaseSources, commands: Commands, before: LeaseStatus | undefined): Promise<LeaseStatus | undefined> {
  return lookAtLease(sources).then((seen) => assessLease(seen, commands), () => before);
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Ends early when the signal does. */
export function pause(time: Duration, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, time.milliseconds);
    signal?.addEventListener("abort", end, { once: true });
  });
}
