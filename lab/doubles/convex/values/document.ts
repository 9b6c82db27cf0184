/** Documents as the text they were written or imported with; only what a mutation changes gets new text. */
import { randomBytes } from "node:crypto";
import { canonicalPlaces } from "./canonical";
import { JsonScanner } from "./scanner";
import { fromText, readText, toText, type Notation } from "./text";
import { isFields, type Fields, type Value } from "./value";

export interface StoredDocument {
  readonly id: string;
  /** Milliseconds since 1970, a float; unique within a process. */
  readonly creationTime: number;
  /** The snapshot's text of the whole document, _id and _creationTime included. */
  readonly text: string;
}

const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";
/** Has the form of Convex's ids (32 characters of Crockford's base 32), without the table number in it. */
export function newId(): string {
  return Array.from(randomBytes(32), (byte) => BASE32[byte & 31]).join("");
}

let last = 0;
/** The smallest step that a float of today's milliseconds can show. */
const STEP = 2 ** -12;
export function newCreationTime(now = Date.now()): number {
  last = now > last ? now : last + STEP;
  return last;
}

/** A document's members by name, each as its text stands. */
export function members(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const scanner = new JsonScanner(text);
  scanner.members((name) => {
    found.set(name, scanner.raw());
  });
  scanner.end();
  return found;
}

/** Fields stand in the order of their names, as an export has them. */
function joined(parts: Map<string, string>): string {
  const names = [...parts.keys()].sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${parts.get(name)!}`).join(",")}}`;
}

export function newDocument(fields: Fields): StoredDocument {
  const [id, creationTime] = [newId(), newCreationTime()];
  return { id, creationTime, text: toText({ ...fields, _creationTime: creationTime, _id: id }) };
}

/**
 * A line of a snapshot, read as the real import reads it: text that is not what
 * an export would say is written anew. An _id or _creationTime that is missing is added.
 * @throws what is wrong with the line
 */
export function importedDocument(line: string, notation: Notation = "uniform"): StoredDocument {
  const places = notation === "uniform" ? canonicalPlaces(line) : undefined;
  if (places?.id && places.creationTime) {
    return identified(fromText(line.slice(...places.id)), fromText(line.slice(...places.creationTime)), line);
  }
  const fields = readText(line, notation);
  if (!isFields(fields)) throw new Error("a document must be an object");
  const wrong = Object.keys(fields).find((name) => name.startsWith("_") && name !== "_id" && name !== "_creationTime");
  if (wrong !== undefined) throw new Error(`Field name ${wrong} starts with an underscore, which is only allowed for system fields like '_id'.`);
  const { _id = newId(), _creationTime = newCreationTime() } = fields;
  return identified(_id, _creationTime, toText({ ...fields, _id, _creationTime }));
}

function identified(id: unknown, creationTime: unknown, text: string): StoredDocument {
  if (typeof id !== "string") throw new Error("InvalidIdError: Provided document ID doesn't match '_id' field, which must be a string");
  // An int64 among them: a JSON tool that dropped the dot of a creation time is found out here.
  if (typeof creationTime !== "number") throw new Error(`InvalidCreationTimeError: Provided creation time doesn't match '_creationTime' field ${String(creationTime)}, which must be a float`);
  return { id, creationTime, text };
}

/** The document with some members set; undefined removes one. The others keep their text. */
export function patched(document: StoredDocument, fields: Fields): StoredDocument {
  const parts = members(document.text);
  for (const [name, value] of Object.entries(fields)) {
    if (name === "_id" || name === "_creationTime") continue;
    if (value === undefined) parts.delete(name);
    else parts.set(name, toText(value));
  }
  return { ...document, text: joined(parts) };
}

export function fieldsOf(document: StoredDocument): Fields {
  return fromText(document.text) as Fields;
}

/** Without _id and _creationTime, as the app's functions answer runs and rows. */
export function stripped(fields: Fields): { [field: string]: Value | undefined } {
  const { _id, _creationTime, ...rest } = fields;
  return rest;
}
