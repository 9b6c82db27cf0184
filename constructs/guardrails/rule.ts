/** What a rule is, and how it looks into a job that anybody may have written. */
import type { ApiJob } from "../nomad/api";

/** A part of a job as it was read: of the known shape, but nothing need be there. */
export type Read<T> = T extends readonly (infer E)[] ? readonly Read<E>[] : T extends object ? { readonly [K in keyof T]?: Read<T[K]> } : T;

/** A job as it was read. */
export interface ReadJob extends Omit<Read<ApiJob>, "Type"> {
  /** Nomad takes `service` when it is left out. */
  readonly Type?: string;
}
export type ReadGroup = NonNullable<ReadJob["TaskGroups"]>[number];
export type ReadTask = NonNullable<ReadGroup["Tasks"]>[number];
export type ReadTemplate = NonNullable<ReadTask["Templates"]>[number];

export interface JobRule {
  /** Name under which docs, tests and messages speak of it. */
  readonly id: string;
  readonly rule: string;
  /** The defects that its test plants, by name. */
  readonly defects: readonly string[];
  /** One sentence for each breach: what, why, how to fix. */
  check(job: ReadJob): string[];
}

/** Work that starts at times and ends by itself, on one node or on each: no deployment, nobody who calls it. */
export const isBatch = (job: ReadJob): boolean => job.Type === "batch" || job.Type === "sysbatch";

type Messages = readonly (string | false | undefined)[];

/** What a check says of each group, with the group's name. */
export function groups(job: ReadJob, check: (group: ReadGroup) => Messages): string[] {
  return (job.TaskGroups ?? []).flatMap((group) => check(group).filter((message): message is string => Boolean(message)).map((message) => `group ${group.Name}: ${message}`));
}

/** What a check says of each task, with the names of its group and itself. */
export function tasks(job: ReadJob, check: (task: ReadTask) => Messages): string[] {
  return groups(job, (group) => (group.Tasks ?? []).flatMap((task) => check(task).map((message) => message && `task ${task.Name}: ${message}`)));
}

/** Every text below a value, the names of its fields too. */
export function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(texts);
  return Object.entries(value).flatMap(([key, below]) => [key, ...texts(below)]);
}

/** Names as environment keys are written, wherever they stand in a value: as a field, in an argument, in a script. */
export function keysNamedIn(value: unknown): ReadonlySet<string> {
  return new Set(texts(value).flatMap((text) => text.match(/[A-Z][A-Z0-9_]{2,}/g) ?? []));
}
