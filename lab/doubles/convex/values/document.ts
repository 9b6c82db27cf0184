/** Documents as the text they were written or imported with; only what a mutation changes gets new text. */
import { randomBytes } from "node:crypto";
import { JsonScanner } from "./scanner";
import { fromText, toText, type Fields, type Value } from "./value";

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

function joined(parts: Map<string, string>): string {
  return `{${Array.from(parts, ([name, raw]) => `${JSON.stringify(name)}:${raw}`).join(",")}}`;
}

export function newDocument(fields: Fields): StoredDocument {
  const [id, creationTime] = [newId(), newCreationTime()];
  const parts = new Map([["_creationTime", toText(creationTime)], ["_id", JSON.stringify(id)]]);
  for (const name of Object.keys(fields).sort()) {
    const value = fields[name];
    if (value !== undefined && name !== "_id" && name !== "_creationTime") parts.set(name, toText(value));
  }
  return { id, creationTime, text: joined(parts) };
}

/** A line of a snapshot. Text is kept to the letter; an _id or _creationTime that is missing is added. */
export function importedDocument(line: string): StoredDocument {
  const parts = members(line);
  const [id, created] = [parts.get("_id"), parts.get("_creationTime")];
  if (id !== undefined && created !== undefined) return { id: fromText(id) as string, creationTime: Number(fromText(created)), text: line };
  const added = new Map([["_creationTime", created ?? toText(newCreationTime())], ["_id", id ?? JSON.stringify(newId())], ...parts]);
  return { id: fromText(added.get("_id")!) as string, creationTime: Number(fromText(added.get("_creationTime")!)), text: joined(added) };
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
