/**
 * Reads one line of documents.jsonl without building objects: is it one JSON object
 * of the notation that `convex export` writes, where is its `_id`, and of which kind
 * is each number. JSON.parse cannot tell: it makes 1 (an int64) and 1.0 (a float)
 * the same, and is too slow for gigabytes.
 */
import { isUtf8 } from "node:buffer";
import { NumberKinds } from "./number-kinds";
import { specialValueProblem } from "./special-values";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [COMMA, COLON, MINUS, PLUS, DOT, ZERO, NINE] = [0x2c, 0x3a, 0x2d, 0x2b, 0x2e, 0x30, 0x39];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const [SPACE, TAB, RETURN, NEWLINE, DOLLAR, UNDERSCORE] = [0x20, 0x09, 0x0d, 0x0a, 0x24, 0x5f];
const [LOWER_E, UPPER_E, LOWER_U] = [0x65, 0x45, 0x75];

/** serde_json, which the import reads with, refuses what is nested deeper. */
const DEEPEST = 127;
const OBJECT = 1;
const ARRAY = 2;

/** Bytes of a string that stand for themselves: all but control characters, the quote and the backslash. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => Number(byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH));
const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => Number('"\\/bfnrt'.includes(String.fromCharCode(byte))));
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => (/^[0-9a-f]$/i.test(String.fromCharCode(byte)) ? parseInt(String.fromCharCode(byte), 16) : 255));
const LITERALS = [Buffer.from("true"), Buffer.from("false"), Buffer.from("null")];
const ID = Buffer.from("_id");
const CREATION_TIME = Buffer.from("_creationTime");

const [FNV_BASE, FNV_PRIME, IN_ARRAY] = [0x811c9dc5 | 0, 0x01000193, 0x5bd1e995];

/** What a number is: as `convex export` writes it, an int64 has no dot and a float always has a dot or an exponent. */
export type NumberKind = "missing" | "int64" | "float" | "other";

export class DocumentScanner {
  /** Where the id's characters are in the window; -1 when the line has no string `_id`. */
  idStart = -1;
  idEnd = -1;
  creationTime: NumberKind = "missing";
  /** What is wrong with the line; undefined when `scan` answered true. */
  problem = "";
  /** Where in the line, from 1. */
  column = 0;
  readonly numbers = new NumberKinds();

  private readonly kinds = new Uint8Array(DEEPEST + 2);
  private readonly paths = new Int32Array(DEEPEST + 2);
  private bytes: Uint8Array = LITERALS[0];
  private at = 0;
  private foreign = false;

  /** @param bytes have a newline at `end` */
  scan(bytes: Buffer, start: number, end: number): boolean {
    [this.bytes, this.at, this.foreign, this.problem] = [bytes, start, false, ""];
    [this.idStart, this.idEnd, this.creationTime] = [-1, -1, "missing"];
    if (!this.document(start, end)) {
      this.column = this.at - start + 1;
      return false;
    }
    if (this.foreign && !isUtf8(bytes.subarray(start, end))) return this.fail("it is not UTF-8 text", start);
    return true;
  }

  private fail(problem: string, at = this.at): false {
    this.problem = problem;
    this.at = at;
    return false;
  }

  private document(start: number, end: number): boolean {
    const { bytes, kinds, paths } = this;
    let depth = 0;
    let path: number = FNV_BASE;
    this.space();
    if (bytes[this.at] !== OPEN_OBJECT) return this.fail(this.at >= end ? "the line is empty" : "it is not a JSON object");
    this.at++;
    kinds[depth] = OBJECT;
    paths[depth] = path;
    let first = true;
    for (;;) {
      // Inside a container, before its next member or its end.
      this.space();
      let byte = bytes[this.at];
      const object = kinds[depth] === OBJECT;
      if (byte === (object ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        // A comma before it is refused where the comma is read.
        this.at++;
        if (depth === 0) break;
        depth--;
        if (!this.afterValue(kinds[depth])) return false;
        first = false;
        continue;
      }
      if (object) {
        const keyStart = this.at + 1;
        if (byte !== QUOTE) return this.fail(this.at >= end ? "the line ends inside of the object" : `a field's name in quotes is expected, not ${shown(byte)}`);
        if (!this.string()) return false;
        const keyEnd = this.at - 1;
        let hash = paths[depth];
        for (let i = keyStart; i < keyEnd; i++) hash = Math.imul(hash ^ bytes[i], FNV_PRIME);
        path = Math.imul(hash ^ 0xff, FNV_PRIME);
        this.space();
        if (bytes[this.at] !== COLON) return this.fail(this.at >= end ? "the line ends inside of the object" : `a colon is expected, not ${shown(bytes[this.at])}`);
        this.at++;
        this.space();
        byte = bytes[this.at];
        if (bytes[keyStart] === DOLLAR && keyEnd > keyStart) {
          const problem = first ? specialValueProblem(bytes, keyStart, keyEnd, this.at) : "a field's name begins with $, which is kept for Convex's own notation";
          if (problem !== undefined) return this.fail(problem, keyStart);
        } else if (depth === 0 && bytes[keyStart] === UNDERSCORE) {
          if (same(bytes, keyStart, keyEnd, ID)) {
            if (this.idStart !== -1) return this.fail("it has two fields _id", keyStart);
            if (byte !== QUOTE) return this.fail("its _id is not a string");
            this.idStart = this.at + 1;
            if (!this.string()) return false;
            this.idEnd = this.at - 1;
            if (!this.afterValue(OBJECT)) return false;
            first = false;
            continue;
          }
          if (same(bytes, keyStart, keyEnd, CREATION_TIME)) {
            if (this.creationTime !== "missing") return this.fail("it has two fields _creationTime", keyStart);
            if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
              const kind = this.number(path, start);
              if (kind === undefined) return false;
              this.creationTime = kind;
              if (!this.afterValue(OBJECT)) return false;
              first = false;
              continue;
            }
            this.creationTime = "other";
          }
        }
      } else {
        path = Math.imul(paths[depth] ^ IN_ARRAY, FNV_PRIME);
      }
      first = false;
      if (byte === QUOTE) {
        if (!this.string()) return false;
      } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
        if (this.number(path, start) === undefined) return false;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (depth === DEEPEST) return this.fail(`it is nested deeper than ${DEEPEST} levels, which the import refuses`);
        kinds[++depth] = byte === OPEN_OBJECT ? OBJECT : ARRAY;
        paths[depth] = path;
        this.at++;
        first = true;
        continue;
      } else {
        const literal = LITERALS.find((word) => same(bytes, this.at, this.at + word.length, word));
        if (literal === undefined) return this.fail(this.at >= end ? "the line ends inside of the object" : `a value is expected, not ${shown(byte)}`);
        this.at += literal.length;
      }
      if (!this.afterValue(kinds[depth])) return false;
    }
    this.space();
    return this.at >= end || this.fail("text follows the object");
  }

  private space(): void {
    const { bytes } = this;
    let { at } = this;
    for (let byte = bytes[at]; byte === SPACE || byte === TAB || byte === RETURN; byte = bytes[at]) at++;
    this.at = at;
  }

  /** A comma and something behind it, or the container's end, which stays unread. */
  private afterValue(kind: number): boolean {
    this.space();
    const { bytes } = this;
    const close = kind === OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
    if (bytes[this.at] === COMMA) {
      this.at++;
      this.space();
      return bytes[this.at] !== close || this.fail("a comma stands before the end of the object or list");
    }
    return bytes[this.at] === close || this.fail(bytes[this.at] === NEWLINE ? "the line ends inside of the object" : `a comma or the end of the ${kind === OBJECT ? "object" : "list"} is expected, not ${shown(bytes[this.at])}`);
  }

  /** From the opening quote to behind the closing one. */
  private string(): boolean {
    const { bytes } = this;
    let at = this.at + 1;
    let high = 0;
    for (;;) {
      let byte = bytes[at];
      while (PLAIN[byte] === 1) {
        high |= byte;
        byte = bytes[++at];
      }
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) return this.fail(byte === NEWLINE ? "the line ends inside of a string" : "a control character stands in a string", at);
      byte = bytes[at + 1];
      if (ESCAPED[byte] === 1) at += 2;
      else if (byte === LOWER_U) {
        const unit = this.unit(at + 2);
        if (unit === -1) return this.fail("a \\u in a string has no four hexadecimal digits behind it", at);
        at += 6;
        if (unit >= 0xdc00 && unit <= 0xdfff) return this.fail("a string has the second half of a surrogate pair alone, which no string of Convex has", at - 6);
        if (unit >= 0xd800 && unit <= 0xdbff) {
          const second = bytes[at] === BACKSLASH && bytes[at + 1] === LOWER_U ? this.unit(at + 2) : -1;
          if (second < 0xdc00 || second > 0xdfff) return this.fail("a string has the first half of a surrogate pair alone, which no string of Convex has", at - 6);
          at += 6;
        }
      } else return this.fail("a backslash in a string stands before what JSON does not escape", at);
    }
    if (high >= 0x80) this.foreign = true;
    this.at = at + 1;
    return true;
  }

  private unit(at: number): number {
    const { bytes } = this;
    const [a, b, c, d] = [HEX[bytes[at]], HEX[bytes[at + 1]], HEX[bytes[at + 2]], HEX[bytes[at + 3]]];
    return (a | b | c | d) > 15 ? -1 : (a << 12) | (b << 8) | (c << 4) | d;
  }

  /** Also counts it. Undefined: it is no number, or none that an export writes. */
  private number(path: number, lineStart: number): "int64" | "float" | undefined {
    const { bytes } = this;
    const start = this.at;
    let at = start;
    const bad = (what: string): undefined => void this.fail(what, start);
    if (bytes[at] === MINUS) at++;
    const digits = at;
    while (bytes[at] >= ZERO && bytes[at] <= NINE) at++;
    const length = at - digits;
    if (length === 0 || (length > 1 && bytes[digits] === ZERO)) return bad("a number is not written as JSON writes it");
    if (bytes[at] !== DOT && bytes[at] !== LOWER_E && bytes[at] !== UPPER_E) {
      if (length >= 19 && !fitsInt64(bytes, start, at)) return bad("a whole number without a dot is no int64: a float that a JSON tool rewrote");
      if (length === 1 && bytes[digits] === ZERO && digits > start) return bad("-0 without a dot is no int64: a float that a JSON tool rewrote");
      this.at = at;
      this.numbers.int64(path, bytes, lineStart, start);
      return "int64";
    }
    let whole = false;
    if (bytes[at] === DOT) {
      const fraction = ++at;
      while (bytes[at] >= ZERO && bytes[at] <= NINE) at++;
      if (at === fraction) return bad("a number has no digit behind its dot");
      whole = at === fraction + 1 && bytes[fraction] === ZERO;
    }
    if (bytes[at] === LOWER_E || bytes[at] === UPPER_E) {
      if (bytes[at] === UPPER_E || bytes[at + 1] === PLUS) return bad("a number has an exponent with E or +, which an export never writes: a JSON tool rewrote it");
      if (bytes[++at] === MINUS) at++;
      const exponent = at;
      while (bytes[at] >= ZERO && bytes[at] <= NINE) at++;
      if (at === exponent) return bad("a number has no digit in its exponent");
      if (!Number.isFinite(Number(Buffer.from(bytes.subarray(start, at)).toString("latin1")))) return bad("a number is larger than any float");
      whole = true;
    } else if (length > 308) return bad("a number is larger than any float");
    this.at = at;
    this.numbers.float(path, whole, bytes, lineStart, start);
    return "float";
  }
}

function same(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
  return true;
}

function fitsInt64(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 20) return false;
  const value = BigInt(Buffer.from(bytes.subarray(start, end)).toString("latin1"));
  return BigInt.asIntN(64, value) === value;
}

const shown = (byte: number): string => (byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `the byte 0x${byte.toString(16).padStart(2, "0")}`);
