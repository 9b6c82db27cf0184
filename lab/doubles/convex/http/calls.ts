/** POST /api/query, /api/mutation and /api/action. */
import type { Files, PublicFunction } from "../functions/definition";
import { publicFunction } from "../functions/registry";
import { validateArguments } from "../functions/validate";
import type { DocumentStore } from "../store/store";
import { decodeWire, encodeClean, encodeWire, isFields, type Fields, type Value } from "../values/value";

/** Errors of the backend, not of a function: the caller may try again. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

export class Caller {
  /** @param isThere whether a function may be called: its module was deployed, or nobody asks for that */
  constructor(private readonly store: DocumentStore, private readonly files: Files, private readonly isThere: (path: string) => boolean = () => true) {}

  /** Runs a public function by name. @throws what the function throws */
  async call(path: string, args: Fields, kind?: PublicFunction["kind"]): Promise<Value> {
    if (!this.isThere(path)) throw new Error(`Could not find public function for '${path}'. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`);
    const found = publicFunction(path, kind);
    validateArguments(args, found.args);
    if (found.kind === "query") return this.store.query((db) => found.run(db, args, this.files));
    if (found.kind === "mutation") return this.store.mutate(found.tables(args), (db) => found.run(db, args, this.files));
    return found.run(this.files, args);
  }
}

export interface Call {
  readonly path: string;
  readonly args: Fields;
  encode(value: Value): unknown;
}

export class BadCall extends Error {
  override readonly name = "BadCall";
}

/** Reads a call's body: {path, args, format}; args may be an object or a list of one, as ConvexHttpClient sends it. */
export function callFrom(body: unknown): Call {
  if (typeof body !== "object" || body === null) throw new BadCall("the body must be an object with path, args and format");
  const { path, args = {}, format = "json" } = body as { path?: unknown; args?: unknown; format?: unknown };
  if (typeof path !== "string") throw new BadCall('the body has no path: say which function, for example {"path":"e2e:ping","args":{},"format":"json"}');
  if (format !== "json" && format !== "convex_encoded_json") throw new BadCall(`format ${JSON.stringify(format)} is not known: it must be json or convex_encoded_json`);
  const decoded = decodeWire(Array.isArray(args) ? (args[0] ?? {}) : args);
  if (!isFields(decoded)) throw new BadCall("args must be an object");
  return { path, args: decoded, encode: format === "json" ? encodeClean : encodeWire };
}
