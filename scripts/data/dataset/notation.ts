/** Convex values in the notation of a snapshot, to the letter as `convex export` writes them. */

/** number is a float64, bigint an int64. */
export type Value = null | boolean | number | bigint | string | Uint8Array | readonly Value[] | { readonly [field: string]: Value };

export function valueText(value: Value): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return floatText(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Uint8Array) return `{"$bytes":"${Buffer.from(value).toString("base64")}"}`;
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(valueText).join(",")}]`;
  return fieldsText(value as { readonly [field: string]: Value });
}

/** Fields are sorted by name, as Convex keeps them. */
export function fieldsText(fields: { readonly [field: string]: Value }): string {
  const names = Object.keys(fields).sort();
  let text = "{";
  for (const name of names) text += `${text.length > 1 ? "," : ""}${JSON.stringify(name)}:${valueText(fields[name])}`;
  return `${text}}`;
}

/** As Rust's ryu writes a float: always with a dot or an exponent; beyond 16 digits, or below 0.00001, with an exponent. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return `{"$float":"${bytes.toString("base64")}"}`;
  }
  if (Object.is(value, -0)) return "-0.0";
  const plain = String(value);
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-5 && size < 1e16)) {
    // JavaScript writes from 0.000001 on without an exponent: the same digits as ryu within these bounds.
    return plain.includes(".") ? plain : `${plain}.0`;
  }
  return value.toExponential().replace("e+", "e");
}
