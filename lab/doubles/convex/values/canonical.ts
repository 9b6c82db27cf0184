/**
 * Tells in one pass over its characters whether a line of a snapshot is what an
 * export would say: then it is kept as it is, without reading and writing it anew.
 */
import { floatText, readText, toText, wrongName } from "./text";

const QUOTE = 34;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const BACKSLASH = 92;
const LOWER_E = 101;
/** Integers of fewer digits fit an int64. */
const SAFE_DIGITS = 18;
const NOT = -1;

/** Where a document's own members stand in its text. */
export interface Places {
  id?: readonly [start: number, end: number];
  creationTime?: readonly [start: number, end: number];
}

const digit = (code: number) => code >= ZERO && code <= NINE;

/** @returns the position after the string that begins at `at`, or NOT */
function string(text: string, at: number): number {
  for (let i = at + 1; ; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i + 1;
    // NaN, at the end of the text, is no more than 31 either.
    if (!(code > 31)) return NOT;
    if (code !== BACKSLASH) continue;
    const escaped = text[++i];
    if (escaped === "u") {
      const unit = text.slice(i + 1, i + 5);
      if (!/^00[01][0-9a-f]$/.test(unit) || /^00(?:0[89acd])$/.test(unit)) return NOT;
      i += 4;
    } else if (escaped === undefined || !'"\\bfnrt'.includes(escaped)) return NOT;
  }
}

function number(text: string, at: number): number {
  let end = at;
  let float = false;
  for (; ; end++) {
    const code = text.charCodeAt(end);
    if (digit(code) || code === MINUS) continue;
    if (code !== DOT && code !== LOWER_E) break;
    float = true;
  }
  const token = text.slice(at, end);
  if (float) return floatText(Number(token)) === token ? end : NOT;
  if (!/^(?:0|-?[1-9]\d*)$/.test(token)) return NOT;
  if (token.length <= SAFE_DIGITS) return end;
  return toText(readText(token, "uniform")) === token ? end : NOT;
}

/** {"$bytes":"…"} or {"$float":"…"}; rare, and read to be sure. */
function marked(text: string, at: number): number {
  const [token] = /^\{"\$(?:bytes|float)":"[A-Za-z0-9+/=]*"\}/.exec(text.slice(at, text.indexOf("}", at) + 1)) ?? [];
  try {
    return token !== undefined && toText(readText(token, "uniform")) === token ? at + token.length : NOT;
  } catch {
    return NOT;
  }
}

function members(text: string, at: number, places?: Places): number {
  if (text[at + 1] === "}") return at + 2;
  let last: string | undefined;
  for (let i = at + 1; ; i++) {
    const end = text.charCodeAt(i) === QUOTE ? string(text, i) : NOT;
    if (end === NOT) return NOT;
    const written = text.slice(i + 1, end - 1);
    const name = written.includes("\\") ? (JSON.parse(`"${written}"`) as string) : written;
    if (name.startsWith("$")) return last === undefined ? marked(text, at) : NOT;
    if ((last !== undefined && name <= last) || wrongName(name) !== undefined || text[end] !== ":") return NOT;
    // A document's own fields; only the system's begin with _.
    if (places && name.startsWith("_") && name !== "_id" && name !== "_creationTime") return NOT;
    last = name;
    const after = value(text, end + 1);
    if (after === NOT) return NOT;
    if (places && name === "_id") places.id = [end + 1, after];
    if (places && name === "_creationTime") places.creationTime = [end + 1, after];
    if (text[after] === "}") return after + 1;
    if (text[after] !== ",") return NOT;
    i = after;
  }
}

function elements(text: string, at: number): number {
  if (text[at + 1] === "]") return at + 2;
  for (let i = at + 1; ; i++) {
    i = value(text, i);
    if (i === NOT) return NOT;
    if (text[i] === "]") return i + 1;
    if (text[i] !== ",") return NOT;
  }
}

function value(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === QUOTE) return string(text, at);
  if (digit(code) || code === MINUS) return number(text, at);
  switch (text[at]) {
    case "{":
      return members(text, at);
    case "[":
      return elements(text, at);
    default: {
      const word = ["true", "false", "null"].find((candidate) => text.startsWith(candidate, at));
      return word === undefined ? NOT : at + word.length;
    }
  }
}

/** @returns where its own members stand, when the line is a canonical document */
export function canonicalPlaces(line: string): Places | undefined {
  const places: Places = {};
  return line.startsWith("{") && members(line, 0, places) === line.length ? places : undefined;
}
