/**
 * Convex values, and two of their notations: the wire's ({"$integer": base64})
 * and clean JSON (what `format: "json"` answers). The snapshot's is in text.ts.
 */

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

/** A float as base64 of eight little-endian bytes; the notation of $float. */
export function encodeFloat(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString("base64");
}

/** Turns {"$integer"}, {"$float"} and {"$bytes"} into what they stand for. */
export function unwrap(fields: Fields): Value {
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
