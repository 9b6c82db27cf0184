/**
 * The snapshot's text of a value, as the real backend writes and reads it: an
 * int64 and a float differ by the dot alone, fields stand in the order of their
 * names, floats have the notation of Rust's ryu.
 */
import { JsonScanner } from "./scanner";
import { encodeFloat, isFields, unwrap, type Fields, type Value } from "./value";

/** From here down and from there up, floats have an exponent. */
const SMALLEST_PLAIN = 1e-5;
const SMALLEST_WITH_EXPONENT = 1e16;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Of Convex's field names, characters. */
const MAX_NAME_LENGTH = 1024;

/** A float that is neither NaN nor infinite. */
export function floatText(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size !== 0 && (size < SMALLEST_PLAIN || size >= SMALLEST_WITH_EXPONENT)) return value.toExponential().replace("e+", "e");
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** The canonical text: what an export of the value says. */
export function toText(value: Value): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? floatText(value) : `{"$float":"${encodeFloat(value)}"}`;
  if (value instanceof Uint8Array) return `{"$bytes":"${Buffer.from(value).toString("base64")}"}`;
  if (Array.isArray(value)) return `[${value.map(toText).join(",")}]`;
  if (isFields(value)) {
    const names = Object.keys(value).filter((name) => value[name] !== undefined).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${toText(value[name] as Value)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** What is wrong with a field's name, or undefined. */
export function wrongName(name: string): string | undefined {
  if (name.startsWith("$")) return `Field name ${name} starts with '$', which is reserved.`;
  if (!/^[\x20-\x7e]*$/.test(name)) return `Field name ${name} has an invalid character: Field names can only contain non-control ASCII characters`;
  return name.length > MAX_NAME_LENGTH ? `Field name is too long (${name.length} > maximum ${MAX_NAME_LENGTH})` : undefined;
}

/**
 * How numbers and marked values are read: "uniform" loses nothing; "legacy" is
 * what the real import does where generated_schema.jsonl does not say "uniform":
 * every number becomes a float, and a marked value is a field with a bad name.
 */
export type Notation = "uniform" | "legacy";

/** A number's value: no dot and no exponent make an int64 where it fits. */
function number(text: string, notation: Notation): number | bigint {
  if (notation === "legacy" || /[.eE]/.test(text) || text === "-0") return Number(text);
  const whole = BigInt(text);
  return whole >= INT64_MIN && whole <= INT64_MAX ? whole : Number(text);
}

function marked(fields: Fields): Value {
  const value = unwrap(fields);
  if (value === fields) throw new Error(wrongName(Object.keys(fields)[0]));
  if (typeof value === "number" && Number.isFinite(value) && value !== 0) throw new Error(`Float64 ${value} should be encoded as a number`);
  return value;
}

function scan(scanner: JsonScanner, notation: Notation): Value {
  const scalar = scanner.scalar();
  if (scalar) return "value" in scalar ? scalar.value : number(scalar.number, notation);
  if (scanner.next("[")) {
    const list: Value[] = [];
    scanner.elements(() => void list.push(scan(scanner, notation)));
    return list;
  }
  // Without a prototype, "__proto__" is a name like any other.
  const fields = Object.create(null) as Fields;
  let first: string | undefined;
  scanner.members((name) => {
    first ??= name;
    fields[name] = scan(scanner, notation);
  });
  if (notation === "uniform" && first?.startsWith("$")) return marked(fields);
  for (const name of Object.keys(fields)) {
    const wrong = wrongName(name);
    if (wrong) throw new Error(wrong);
  }
  return fields;
}

/** A number without dot or exponent, a marked value or a name that needs care; a match inside a string only costs time. */
const NEEDS_SCANNER = /(?:^|[:[,])\s*-?\d+\s*(?:$|[,}\]])|"(?:\$|__proto__)|\\u[dD]/;

/** Reads a snapshot's text as an import does. @throws what is wrong with it */
export function readText(text: string, notation: Notation): Value {
  const scanner = new JsonScanner(text);
  const value = scan(scanner, notation);
  scanner.end();
  return value;
}

/** Reads canonical text. JSON.parse is some twenty times faster, and right where no int64 can be. */
export function fromText(text: string): Value {
  return NEEDS_SCANNER.test(text) ? readText(text, "uniform") : (JSON.parse(text) as Value);
}
