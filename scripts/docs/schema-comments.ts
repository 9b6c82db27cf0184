/** What the environment schema's comments say of each field: read from the sources, so that the reference and they cannot differ. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** Comments of an object's members, found by the names of all its members: that is what a schema knows of itself at run time. */
export type Comments = ReadonlyMap<string, Readonly<Record<string, string>>>;

export function membersKey(names: readonly string[]): string {
  return [...names].sort().join(" ");
}

/** @param root folder of the repository */
export function schemaComments(root: string): Comments {
  const files = ["environments/schema.ts", ...readdirSync(join(root, "environments/schema")).map((file) => `environments/schema/${file}`)];
  const found = new Map<string, Record<string, string>>();
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      if (ts.isObjectLiteralExpression(node)) {
        const members = node.properties.filter(ts.isPropertyAssignment);
        const key = membersKey(members.map(({ name }) => name.getText()));
        const comments = Object.fromEntries(members.flatMap((member) => {
          const text = commentOf(member, source);
          return text === undefined ? [] : [[member.name.getText(), text]];
        }));
        // Of two alike, the first that says something.
        if (Object.keys(comments).length > 0 && !found.has(key)) found.set(key, comments);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

/** The last JSDoc comment before a member, as one line. */
function commentOf(member: ts.PropertyAssignment, source: ts.SourceFile): string | undefined {
  const ranges = ts.getLeadingCommentRanges(source.text, member.getFullStart()) ?? [];
  const text = ranges.map(({ pos, end }) => source.text.slice(pos, end)).filter((comment) => comment.startsWith("/**")).at(-1);
  return text?.replace(/^\/\*\*|\*\/$/g, "").split("\n").map((line) => line.replace(/^\s*\*\s?/, "").trim()).join(" ").trim();
}
