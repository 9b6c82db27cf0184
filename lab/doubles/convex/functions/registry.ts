/** Every public function of the double, by name. */
import { DATA_FUNCTIONS } from "./data";
import type { Functions, PublicFunction } from "./definition";
import { FEED_FUNCTIONS } from "./feeds";
import { PROBE_FUNCTIONS } from "./probe";
import { RUN_FUNCTIONS } from "./runs";
import { STORAGE_FUNCTIONS } from "./storage";

export const FUNCTIONS: Functions = { ...FEED_FUNCTIONS, ...RUN_FUNCTIONS, ...DATA_FUNCTIONS, ...PROBE_FUNCTIONS, ...STORAGE_FUNCTIONS };

/** "mod:fn" and "mod.js:fn" are the same function. */
export function publicFunction(path: string, kind?: PublicFunction["kind"]): PublicFunction {
  const name = path.replace(/\.js:/, ":");
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (!found) throw new Error(`Could not find public function for '${name}'. The Convex double runs no code of its own accord: it has the functions of its FUNCTIONS.md only.`);
  if (kind && found.kind !== kind) throw new Error(`Trying to execute ${name} as ${kind === "query" ? "Query" : kind === "mutation" ? "Mutation" : "Action"}, but it is defined as ${found.kind}.`);
  return found;
}
