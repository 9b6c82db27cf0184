/** The few validators that the app's functions declare, with Convex's meaning: objects take no extra field. */
import { isFields, type Value } from "../values/value";

/** What is wrong with a value, or undefined. */
export type Validator = (value: Value | undefined, path: string) => string | undefined;

const kind = (name: string, holds: (value: Value | undefined) => boolean): Validator => (value, path) =>
  holds(value) ? undefined : `Value does not match validator. Path: ${path || "."} Value: ${value === undefined ? "undefined" : printed(value)} Validator: v.${name}()`;

function printed(value: Value): string {
  return JSON.stringify(value, (_name, content: unknown) => (typeof content === "bigint" ? `${content}n` : content)).slice(0, 200);
}

const string = kind("string", (value) => typeof value === "string");
const number = kind("number", (value) => typeof value === "number");
const boolean = kind("boolean", (value) => typeof value === "boolean");
const bytes = kind("bytes", (value) => value instanceof Uint8Array);
const any: Validator = (value, path) => (value === undefined ? `Object is missing the required field \`${path}\`` : undefined);
const literal = (...words: string[]) => kind(`union of ${words.join(", ")}`, (value) => typeof value === "string" && words.includes(value));
const nullable = (inner: Validator): Validator => (value, path) => (value === null ? undefined : inner(value, path));
const optional = (inner: Validator): Validator => (value, path) => (value === undefined ? undefined : inner(value, path));
const array = (inner: Validator): Validator => (value, path) => {
  if (!Array.isArray(value)) return kind("array", () => false)(value, path);
  for (const [i, element] of value.entries()) {
    const wrong = inner(element, `${path}[${i}]`);
    if (wrong) return wrong;
  }
  return undefined;
};
const object = (fields: Readonly<Record<string, Validator>>): Validator => (value, path) => {
  if (!isFields(value)) return kind("object", () => false)(value, path);
  for (const name of Object.keys(value)) {
    if (value[name] !== undefined && !(name in fields)) return `Object contains extra field \`${name}\` that is not in the validator. Path: ${path || "."}`;
  }
  for (const [name, validator] of Object.entries(fields)) {
    const at = `${path}.${name}`;
    const wrong = validator(value[name], at);
    if (wrong) return value[name] === undefined ? `Object is missing the required field \`${name}\`. Path: ${path || "."}` : wrong;
  }
  return undefined;
};

export const v = { string, number, boolean, bytes, any, literal, nullable, optional, array, object };

export class ArgumentValidationError extends Error {
  override readonly name = "ArgumentValidationError";
}

/** @throws ArgumentValidationError with the path of the first thing that is wrong */
export function validateArguments(args: Value, fields: Readonly<Record<string, Validator>>): void {
  const wrong = object(fields)(args, "");
  if (wrong) throw new ArgumentValidationError(wrong);
}
