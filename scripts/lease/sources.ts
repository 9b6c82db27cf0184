/** What the lease's commands see and change, as an interface: Consul and the workers in earnest, doubles in tests. */
import { WORKER_OWNERS } from "../../contracts/services";

/** Who can run the worker. */
export type Side = Exclude<(typeof WORKER_OWNERS)[number], "nobody">;
export const SIDES = WORKER_OWNERS.filter((owner): owner is Side => owner !== "nobody");

export interface OwnerKey {
  readonly value: string;
  /** Consul's ModifyIndex, for check-and-set. */
  readonly index: number;
  /** Whether nobody has changed it since it was made. */
  readonly untouched: boolean;
}

export interface LeaseKey {
  /** Session that holds it; undefined when it is free. */
  readonly session: string | undefined;
  /** What the holder wrote beside its lock. It may be an earlier one's while nobody holds it. */
  readonly who: string | undefined;
  /** Consul's ModifyIndex: later than the owner's when it was taken under the owner of now. */
  readonly index: number;
}

/** Both keys as the leader had them at one moment. */
export interface LeaseKeys {
  /** Undefined while the key does not exist. */
  readonly owner: OwnerKey | undefined;
  readonly lease: LeaseKey;
}

export interface SessionDetails {
  readonly name: string;
  readonly node: string;
  /** Seconds without renewal after which Consul may end it; it does at twice that. */
  readonly ttlSeconds: number;
  /** Seconds for which nobody can take the lease after the session ended without releasing it. */
  readonly lockDelaySeconds: number;
}

/** An allocation of the worker that Consul's catalog has. */
export interface RegisteredWorker {
  readonly allocation: string;
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly passing: boolean;
}

/** What the lease program in an allocation says of itself on /state. */
export interface WorkerState {
  readonly phase: string;
  /** ISO time at which the phase began. */
  readonly since: string;
  readonly reason: string | null;
  readonly session: string | null;
  /** Until everything is killed, if no renewal succeeds any more. */
  readonly remainingMs: number | null;
  /** PID of the worker itself, as the lease program sees it; null while none runs. */
  readonly childPid: number | null;
}

export interface LeaseSources {
  readonly keys: { readonly owner: string; readonly lease: string };
  /** Both keys in one consistent read. @throws Error when Consul does not say */
  readKeys(): Promise<LeaseKeys>;
  /** "gone": Consul has it no more; "hidden": the token may not read sessions of its node. */
  session(id: string): Promise<SessionDetails | "gone" | "hidden">;
  workers(): Promise<readonly RegisteredWorker[]>;
  /** @throws Error when it cannot be reached from here */
  workerState(worker: RegisteredWorker): Promise<WorkerState>;
  /** Check-and-set. @returns false when the key was changed since `index` */
  setOwner(to: Side | "nobody", index: number): Promise<boolean>;
}
