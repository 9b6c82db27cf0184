/** One look at the lease: keys, session and what the workers say. What does not answer is part of what was seen, but for the keys. */
import { z } from "zod";
import type { LeaseKeys, LeaseSources, RegisteredWorker, SessionDetails, WorkerState } from "./sources";

/** A worker, and what it says of itself or why it could not be asked. */
export type WorkerSeen = RegisteredWorker & ({ readonly state: WorkerState } | { readonly problem: string });

export interface LeaseSeen extends LeaseKeys {
  readonly names: LeaseSources["keys"];
  /** Undefined while nobody holds the lease; a text says why it could not be seen. */
  readonly session: SessionDetails | "gone" | "hidden" | { readonly problem: string } | undefined;
  readonly workers: readonly WorkerSeen[] | { readonly problem: string };
}

/** Keys and session are two requests: a hand-over between them is looked at again. */
const LOOKS = 3;

/** @throws Error when the keys cannot be read */
export async function lookAtLease(sources: LeaseSources): Promise<LeaseSeen> {
  for (let left = LOOKS; ; left -= 1) {
    const [keys, workers] = await Promise.all([sources.readKeys(), workersSeen(sources)]);
    const { session: id } = keys.lease;
    const session = id === undefined ? undefined : await orProblem(() => sources.session(id));
    if (session !== "gone" || left === 1) return { names: sources.keys, ...keys, session, workers };
  }
}

async function workersSeen(sources: LeaseSources): Promise<LeaseSeen["workers"]> {
  const registered = await orProblem(() => sources.workers());
  if ("problem" in registered) return registered;
  return Promise.all(
    registered.map(async (worker): Promise<WorkerSeen> => {
      const state = await orProblem(() => sources.workerState(worker));
      return { ...worker, ...("problem" in state ? state : { state }) };
    }),
  );
}

async function orProblem<T>(ask: () => Promise<T>): Promise<T | { readonly problem: string }> {
  try {
    return await ask();
  } catch (error) {
    return { problem: error instanceof z.ZodError ? "answered in a form that is not known" : (error as Error).message };
  }
}
