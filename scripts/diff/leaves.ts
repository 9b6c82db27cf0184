/** Two values compared leaf by leaf, where members of a list are known by their name and not by their place. */
import { isRecord } from "../json";

export interface LeafChange {
  /** Keys from the root; of a list's member its name, "api", or its place, "0". */
  readonly path: readonly string[];
  /** Undefined: not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** What names a member of a list in Nomad's job JSON, the first that it has. */
const NAMES = ["Name", "DestPath", "Label", "ID", "Volume", "Source", "LTarget", "Attribute", "target", "source"] as const;

/**
 * Every leaf that differs, in the order of the keys. A list of texts or numbers is one leaf, as is a member that is
 * new or gone, so that it is said once and whole.
 */
export function changedLeaves(before: unknown, after: unknown, path: readonly string[] = []): LeafChange[] {
  if (same(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].every(isRecord)) return changedLeaves(byName(before), byName(after), path);
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => changedLeaves(before[key], after[key], [...path, key]));
  }
  return [{ path, before, after }];
}

function byName(members: readonly Record<string, unknown>[]): Record<string, unknown> {
  const names = members.map((member, place) => {
    const key = NAMES.find((candidate) => typeof member[candidate] === "string");
    return key === undefined ? String(place) : String(member[key]);
  });
  // Two of one name, two constraints on one attribute say: then by their place.
  return Object.fromEntries(members.map((member, place) => [names.filter((name) => name === names[place]).length > 1 ? `${names[place]} (${names.slice(0, place + 1).filter((name) => name === names[place]).length})` : names[place], member]));
}

/** Whether two values are the same JSON; null is nothing. */
export function same(before: unknown, after: unknown): boolean {
  if ((before ?? undefined) === (after ?? undefined)) return true;
  if (Array.isArray(before) && Array.isArray(after)) return before.length === after.length && before.every((member, place) => same(member, after[place]));
  if (isRecord(before) && isRecord(after)) return [...new Set([...Object.keys(before), ...Object.keys(after)])].every((key) => same(before[key], after[key]));
  return false;
}
