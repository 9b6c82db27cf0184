/** What the acceptance drills see and do, as an interface: a lab or a cluster in earnest, memory in tests. */
import type { Target } from "./watch";

/** An allocation of one of the platform's jobs that runs, and whose checks pass where it has any. */
export interface Copy {
  readonly id: string;
  readonly job: string;
  readonly node: string;
}

export interface Files {
  /** Stores a text, and returns once it is acknowledged. @returns its id */
  store(content: string): Promise<string>;
  /** Undefined when there is none. */
  fetch(id: string): Promise<string | undefined>;
  remove(id: string): Promise<void>;
}

export interface DrillWorld {
  readonly appNodes: readonly string[];
  /** App node that Postgres, MinIO and Convex are pinned to. */
  readonly dataNode: string;
  /** What users reach, by each gateway. */
  readonly targets: readonly Target[];
  copies(): Promise<readonly Copy[]>;
  /** Node of the worker that holds the lease; undefined while nobody does. */
  workerNode(): Promise<string | undefined>;
  /** Moves everything but system jobs off a node. */
  drain(node: string): Promise<void>;
  /** Lets nothing new on a node; what runs there stays. */
  close(node: string): Promise<void>;
  open(node: string): Promise<void>;
  /** Stops an allocation, which is placed anew. */
  stopCopy(id: string): Promise<void>;
  /** Restarts an allocation's tasks in place. */
  restartCopy(id: string): Promise<void>;
  /** Longest time between two rows that a worker wrote, from a moment (milliseconds since 1970) until now. */
  longestIngestionGap(since: number): Promise<number>;
  readonly files: Files;
  readonly clock: { /** Milliseconds that only go forward. */ now(): number; /** Milliseconds since 1970. */ wall(): number; wait(ms: number): Promise<void> };
}
