/**
 * Convex values as an export writes them, and as the API encodes them, read
 * into one form in which they can be compared: an int64 is a bigint, a float
 * a number, bytes an ArrayBuffer. JSON.parse alone would make 1 of 1.0.
 */
import { isArrayBuffer } from "node:util/types";
import { jsonToConvex, type Value } from "convex/values";

export type Fields = Readonly<Record<string, Value | undefined>>;

/** A string, or a number outside of strings. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Marks a number's text. Convex takes no field that begins with a dollar sign, so that none is mistaken. */
const NUMBER = "$gvfx";
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/**
 * One line of documents.jsonl.
 * @throws SyntaxError when it is no JSON object
 */
export function parseExported(line: string): Fields {
  const marked = line.replace(TOKEN, (token) => (token.startsWith('"') ? token : `{"${NUMBER}":"${token}"}`));
  const parsed: unknown = JSON.parse(marked);
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed) || NUMBER in parsed) throw new SyntaxError("the line is no JSON object");
  return exported(parsed) as Fields;
}

function exported(value: unknown): Value {
  if (value === null || typeof value !== "object") return value as Value;
  if (Array.isArray(value)) return value.map(exported);
  const entries = Object.entries(value);
  const [[key, content] = []] = entries;
  if (entries.length === 1 && key === NUMBER) return numeral(content as string);
  // Bytes and special floats look in an export as in the API.
  if (entries.length === 1 && (key === "$bytes" || key === "$float")) return jsonToConvex(value as Parameters<typeof jsonToConvex>[0]);
  return Object.fromEntries(entries.map(([name, field]) => [name, exported(field)]));
}

/** A number without dot and exponent is an int64. As the real import has it, -0 is a float, and so is what an int64 cannot hold. */
function numeral(text: string): Value {
  if (!/^-?\d+$/.test(text) || text === "-0") return Number(text);
  const integer = BigInt(text);
  return integer < INT64.min || integer > INT64.max ? Number(text) : integer;
}

/** Whether two values are the same to Convex: kinds count, -0 is not 0, NaN is NaN, and an absent field is not null. */
export function sameValue(left: Value | undefined, right: Value | undefined): boolean {
  if (Object.is(left, right)) return true;
  if (isArrayBuffer(left) || isArrayBuffer(right)) return isArrayBuffer(left) && isArrayBuffer(right) && Buffer.from(left).equals(Buffer.from(right));
  if (Array.isArray(left) || Array.isArray(right)) return Array.isArray(left) && Array.isArray(right) && left.length === right.length && left.every((item, i) => sameValue(item, right[i]));
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  const [ours, theirs] = [left as Fields, right as Fields];
  const keys = Object.keys(ours);
  return keys.length === Object.keys(theirs).length && keys.every((key) => Object.hasOwn(theirs, key) && sameValue(ours[key], theirs[key]));
}

/** Names of the fields in which two documents differ, sorted. */
export function differingFields(left: Fields, right: Fields): string[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((name) => !sameValue(left[name], right[name])).sort();
}
