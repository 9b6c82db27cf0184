/** Filters, order and window of data.ts of the app. */
import { compareValues } from "../values/order";
import { stripped } from "../values/document";
import type { Fields, Value } from "../values/value";

export interface Filter {
  readonly field: string;
  readonly op: string;
  readonly value: Value;
}

const isNil = (value: Value | undefined): value is null | undefined => value === null || value === undefined;

function matchesILike(value: Value | undefined, pattern: string): boolean {
  const text = String(value ?? "").toLowerCase();
  const lower = pattern.toLowerCase();
  const [starts, ends] = [lower.startsWith("%"), lower.endsWith("%")];
  const core = lower.replace(/^%/, "").replace(/%$/, "");
  if (starts && ends) return text.includes(core);
  if (starts) return text.endsWith(core);
  return ends ? text.startsWith(core) : text === core;
}

/** As JavaScript compares, in the app's own code. */
function matchesInCode(doc: Fields, { field, op, value }: Filter): boolean {
  const content = doc[field];
  switch (op) {
    case "eq":
      return content === value;
    case "in":
      return Array.isArray(value) && value.some((item) => item === content);
    case "gte":
      return !isNil(content) && !isNil(value) && content >= value;
    case "lte":
      return !isNil(content) && !isNil(value) && content <= value;
    case "ilike":
      return typeof value === "string" && matchesILike(content, value);
    case "is":
      return isNil(value) ? isNil(content) : content === value;
    default:
      return false;
  }
}

/** As Convex's query filters compare, which the app uses when it can: there a missing field is less than everything. */
function matchesInDatabase(doc: Fields, { field, op, value }: Filter): boolean {
  const content = doc[field];
  switch (op) {
    case "eq":
    case "is":
      return compareValues(content, value) === 0;
    case "in":
      return (value as Value[]).some((item) => compareValues(content, item) === 0);
    case "gte":
      return compareValues(content, value) >= 0;
    default:
      return compareValues(content, value) <= 0;
  }
}

function pushedDown({ op, value }: Filter): boolean {
  return ["eq", "gte", "lte", "is"].includes(op) || (op === "in" && Array.isArray(value) && value.length > 0);
}

/** Whether a document passes all of `filters` and, where there are any, one of `orFilters`. */
export function predicate(filters: readonly Filter[], orFilters: readonly Filter[] = []): (doc: Fields) => boolean {
  if (orFilters.length === 0 && filters.every(pushedDown)) return (doc) => filters.every((filter) => matchesInDatabase(doc, filter));
  return (doc) => filters.every((filter) => matchesInCode(doc, filter)) && (orFilters.length === 0 || orFilters.some((filter) => matchesInCode(doc, filter)));
}

/** Equalities with strings, by which a store may narrow its search. */
export function narrowing(filters: readonly Filter[]): [string, string][] {
  return filters.flatMap(({ field, op, value }) => (op === "eq" && typeof value === "string" ? [[field, value] as [string, string]] : []));
}

export function ordered(docs: readonly Fields[], order?: { field: string; direction: "asc" | "desc" }): Fields[] {
  if (!order) return [...docs];
  const direction = order.direction === "desc" ? -1 : 1;
  return [...docs].sort((a, b) => {
    const [left, right] = [a[order.field], b[order.field]];
    if (left === right) return 0;
    if (isNil(left)) return direction;
    if (isNil(right)) return -direction;
    return left > right ? direction : -direction;
  });
}

export function windowed(docs: readonly Fields[], range?: { from: number; to: number }, limit?: number): readonly Fields[] {
  if (range) {
    const start = Math.max(0, range.from);
    return docs.slice(start, Math.max(start, range.to + 1));
  }
  return limit === undefined ? docs : docs.slice(0, Math.max(0, limit));
}

export function selected(doc: Fields, select?: readonly string[]): Fields {
  if (!select || select.length === 0) return stripped(doc);
  return Object.fromEntries(select.map((field) => [field, doc[field]]));
}
