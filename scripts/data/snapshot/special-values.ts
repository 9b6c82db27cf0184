/** Values that JSON has no notation for: {"$bytes": base64}, {"$float": base64}, {"$integer": base64}, as Convex writes and reads them. */

const QUOTE = 0x22;
const [SPACE, CLOSE_OBJECT] = [0x20, 0x7d];
/** Of an int64 and of a float, both little-endian. */
const EIGHT = 8;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * What is wrong with an object whose first field begins with $; undefined: nothing.
 * @param value where the field's value begins
 */
export function specialValueProblem(bytes: Uint8Array, keyStart: number, keyEnd: number, value: number): string | undefined {
  const text = (start: number, end: number): string => Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  const name = text(keyStart, keyEnd);
  if (name !== "$bytes" && name !== "$float" && name !== "$integer") return `a field is called ${JSON.stringify(name)}: names with $ are kept for Convex's own notation ($bytes, $float, $integer)`;
  if (bytes[value] !== QUOTE) return `the value of ${name} is not a string`;
  const end = bytes.indexOf(QUOTE, value + 1);
  let after = end + 1;
  while (bytes[after] === SPACE) after++;
  if (end === -1 || bytes[after] !== CLOSE_OBJECT) return `${name} is not the only field of its object`;
  const base64 = text(value + 1, end);
  if (!BASE64.test(base64)) return `the value of ${name} is not base64`;
  if (name === "$bytes") return undefined;
  const decoded = Buffer.from(base64, "base64");
  if (decoded.length !== EIGHT) return `the value of ${name} has ${decoded.length} bytes, and must have ${EIGHT}`;
  const float = name === "$float" ? decoded.readDoubleLE() : NaN;
  return Number.isFinite(float) && float !== 0 ? `the float ${float} is written as $float, which Convex writes and reads for NaN and the infinities only` : undefined;
}

