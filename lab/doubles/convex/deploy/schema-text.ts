/** Tables and indexes of a pushed schema, found in its text: the double runs nobody's code, the schema's included. */
export interface DeclaredIndex {
  /** `<table>.<index>` */
  readonly name: string;
  readonly fields: readonly string[];
}

export interface DeclaredSchema {
  readonly tables: readonly string[];
  readonly indexes: readonly DeclaredIndex[];
  /** Whether documents are to be checked against it. */
  readonly schemaValidation: boolean;
}

/** The CLI shortens names, and keeps the long one beside: `o(Z, "defineTable")`. */
const SHORTENED = /\b\w+\(([\w$]+), "defineTable"\)/;
/** .index("by_x", ["a", "b"]) or .index("by_x", { fields: ["a"] }) */
const INDEX = /\.index\(\s*(["'])(\w+)\1\s*,\s*(?:\{[^}]*?fields\s*:\s*)?\[([^\]]*)\]/g;

/** @param source a schema's bundle, as the CLI pushes it, or its text. Search and vector indexes are not looked for. */
export function declaredSchema(source: string): DeclaredSchema {
  const [, name = "defineTable"] = SHORTENED.exec(source) ?? [];
  const calls = new RegExp(`["']?(\\w+)["']?\\s*:\\s*${name.replaceAll("$", "\\$")}\\s*\\(`, "g");
  // Convex's own code in the bundle has a schema of system tables.
  const starts = [...source.matchAll(calls)].map((match) => ({ table: match[1], at: match.index })).filter(({ table }) => !table.startsWith("_"));
  const indexes = starts.flatMap(({ table, at }, i) => {
    const text = source.slice(at, starts[i + 1]?.at);
    return [...text.matchAll(INDEX)].map((match) => ({ name: `${table}.${match[2]}`, fields: [...match[3].matchAll(/["']([^"']+)["']/g)].map(([, field]) => field) }));
  });
  // Options follow the tables; before them the bundle has Convex's own code.
  const options = source.slice(starts.at(-1)?.at ?? 0);
  return { tables: starts.map(({ table }) => table), indexes, schemaValidation: !/schemaValidation\s*:\s*(?:false|!1)/.test(options) };
}

export interface IndexChange {
  readonly added: readonly DeclaredIndex[];
  readonly removed: readonly DeclaredIndex[];
  readonly identical: readonly DeclaredIndex[];
}

/** An index whose fields differ is removed and added. */
export function indexChange(before: readonly DeclaredIndex[], after: readonly DeclaredIndex[]): IndexChange {
  const key = ({ name, fields }: DeclaredIndex) => JSON.stringify([name, fields]);
  const [had, has] = [new Set(before.map(key)), new Set(after.map(key))];
  return { added: after.filter((index) => !had.has(key(index))), removed: before.filter((index) => !has.has(key(index))), identical: after.filter((index) => had.has(key(index))) };
}
