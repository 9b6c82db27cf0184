/** Edits a copy of an environment file by path, for tests: "nodes.0.name". */
import type { EnvironmentInput } from "../../environments/schema";

export function edited(input: EnvironmentInput, edits: Readonly<Record<string, unknown>>): unknown {
  const draft = structuredClone(input) as unknown;
  for (const [path, value] of Object.entries(edits)) {
    const parts = path.split(".");
    const last = parts.pop()!;
    const parent = parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], draft) as Record<string, unknown>;
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return draft;
}
