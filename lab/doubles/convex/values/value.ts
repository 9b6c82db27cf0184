/**
 * Convex values, and their three notations: the wire's ({"$integer": base64}),
 * clean JSON (what `format: "json"` answers) and the snapshot's text, in which
 * an int64 and a float differ by the dot alone.
 */
import { JsonScanner } from "./scanner";

/** number is a float64, bigint an int64. */
export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | { [field: string]: Value | undefined };
export type Fields = { [field: string]: Value | undefined };

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

const special = (n: number) => !Number.isFinite(n) || Object.is(n, -0);

/** int64 as base64 of eight little-endian bytes; the notation of $integer and of the sync protocol's timestamps. */
export function encodeInt64(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes.toString("base64");
}

export function decodeInt64(encoded: string): bigint {
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.length !== 8) throw new Error(`$integer: ${JSON.stringify(encoded)} has ${bytes.length} bytes; it must be base64 of 8`);
  return bytes.readBigInt64LE();
}

function encodeFloat(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString("base64");
}

/** Turns {"$integer"}, {"$float"} and {"$bytes"} into what they stand for. */
function unwrap(fields: Fields): Value {
  const names = Object.keys(fields);
  const content = fields[names[0]];
  if (names.length !== 1 || typeof content !== "string") return fields;
  switch (names[0]) {
    case "$integer":
      return decodeInt64(content);
    case "$float":
      return Buffer.from(content, "base64").readDoubleLE();
    case "$bytes":
      return new Uint8Array(Buffer.from(content, "base64"));
    default:
      return fields;
  }
}

/** Reads the wire's notation, as JSON.parse gives it. Every plain number is a float. */
export function decodeWire(json: unknown): Value {
  if (Array.isArray(json)) return json.map(decodeWire);
  if (typeof json !== "object" || json === null) return json as Value;
  const fields: Fields = {};
  for (const [name, value] of Object.entries(json)) fields[name] = decodeWire(value);
  return unwrap(fields);
}

/** For JSON.stringify, in the wire's notation. */
export function encodeWire(value: Value | undefined): unknown {
  if (typeof value === "bigint") return { $integer: encodeInt64(value) };
  if (typeof value === "number") return special(value) ? { $float: encodeFloat(value) } : value;
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(encodeWire);
  if (isFields(value)) return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, encodeWire(content)]));
  return value;
}

/** For JSON.stringify, as `format: "json"` answers: an int64 is a string of digits, bytes are base64. */
export function encodeClean(value: Value | undefined): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return special(value) && !Object.is(value, -0) ? String(value) : value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(encodeClean);
  if (isFields(value)) return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, encodeClean(content)]));
  return value;
}

/** The snapshot's text of a value: a float always has a dot or an exponent, an int64 never. */
export function toText(value: Value): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") {
    if (Object.is(value, -0)) return "-0.0";
    if (!Number.isFinite(value)) return `{"$float":"${encodeFloat(value)}"}`;
    const text = String(value);
    return /[.e]/.test(text) ? text : `${text}.0`;
  }
  if (value instanceof Uint8Array) return `{"$bytes":"${Buffer.from(value).toString("base64")}"}`;
  if (Array.isArray(value)) return `[${value.map(toText).join(",")}]`;
  if (isFields(value)) {
    const parts = Object.entries(value).filter(([, content]) => content !== undefined);
    return `{${parts.map(([name, content]) => `${JSON.stringify(name)}:${toText(content as Value)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

function scan(scanner: JsonScanner): Value {
  const scalar = scanner.scalar();
  if (scalar) {
    if ("value" in scalar) return scalar.value;
    return /[.eE]/.test(scalar.number) ? Number(scalar.number) : BigInt(scalar.number);
  }
  if (scanner.take("[")) {
    const list: Value[] = [];
    if (scanner.take("]")) return list;
    do list.push(scan(scanner));
    while (scanner.take(","));
    scanner.expect("]");
    return list;
  }
  const fields: Fields = {};
  scanner.members((name) => {
    fields[name] = scan(scanner);
  });
  return unwrap(fields);
}

/** A number without dot or exponent, or a marked value; a match inside a string only costs time. */
const NEEDS_SCANNER = /(?:^|[:[,])\s*-?\d+\s*(?:$|[,}\]])|"\$(?:integer|float|bytes)"/;

/** Reads the snapshot's text. JSON.parse is some twenty times faster, and right where no int64 can be. */
export function fromText(text: string): Value {
  if (!NEEDS_SCANNER.test(text)) return JSON.parse(text) as Value;
  const scanner = new JsonScanner(text);
  const value = scan(scanner);
  scanner.end();
  return value;
}
