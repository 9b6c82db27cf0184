/** Convex's order over all values, by which its filters compare. */
import { isFields, type Value } from "./value";

function rank(value: Value | undefined): number {
  if (value === undefined) return 0;
  if (value === null) return 1;
  if (typeof value === "bigint") return 2;
  if (typeof value === "number") return 3;
  if (typeof value === "boolean") return 4;
  if (typeof value === "string") return 5;
  if (value instanceof Uint8Array) return 6;
  return Array.isArray(value) ? 7 : 8;
}

function lists<T>(left: readonly T[], right: readonly T[], compare: (a: T, b: T) => number): number {
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compare(left[i], right[i]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Negative, zero or positive: undefined < null < int64 < float < boolean < string < bytes < list < object. */
export function compareValues(left: Value | undefined, right: Value | undefined): number {
  const byRank = rank(left) - rank(right);
  if (byRank !== 0 || left === undefined || left === null || right === undefined || right === null) return byRank;
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  if (typeof left === "string" && typeof right === "string") return left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right));
  if (Array.isArray(left) && Array.isArray(right)) return lists(left, right, compareValues);
  if (isFields(left) && isFields(right)) {
    const entries = (fields: typeof left) => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
    return lists(entries(left), entries(right), ([a, x], [b, y]) => compareValues(a, b) || compareValues(x, y));
  }
  return left < right ? -1 : left > right ? 1 : 0;
}
