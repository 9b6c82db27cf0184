/**
 * Policies as text, the way Nomad, Consul and Vault document them. All three also
 * take JSON, but read it with a parser that cannot tell a label from a field when
 * an object has a single key: Nomad then takes the rules of a variable for those
 * of a namespace.
 */
export type PolicyValue = string | readonly string[];
export interface PolicyTree {
  readonly [key: string]: PolicyValue | PolicyTree | undefined;
}

/**
 * HCL with sorted keys.
 * @param labelled block types that carry a label: `path` makes { path: { a: {…} } } into `path "a" {…}`
 */
export function policyText(tree: PolicyTree, labelled: ReadonlySet<string>): string {
  return `${lines(tree, labelled).join("\n")}\n`;
}

function lines(tree: PolicyTree, labelled: ReadonlySet<string>): string[] {
  return Object.entries(tree)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, value]) => {
      if (value === undefined) return [];
      if (!isTree(value)) return [`${key} = ${typeof value === "string" ? JSON.stringify(value) : `[${value.map((v) => JSON.stringify(v)).join(", ")}]`}`];
      if (!labelled.has(key)) return block(key, value, labelled);
      return Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([label, body]) => block(`${key} ${JSON.stringify(label)}`, body as PolicyTree, labelled));
    });
}

function block(header: string, body: PolicyTree, labelled: ReadonlySet<string>): string[] {
  return [`${header} {`, ...lines(body, labelled).map((line) => `  ${line}`), "}"];
}

function isTree(value: PolicyValue | PolicyTree): value is PolicyTree {
  return typeof value === "object" && !Array.isArray(value);
}
