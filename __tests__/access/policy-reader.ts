/**
 * Reads the text of a policy back, strictly: a line that is neither a block's
 * header, a field nor a block's end is an error, so that a proof about every rule
 * of a policy cannot overlook one.
 */
export interface PolicyBlock {
  readonly type: string;
  readonly label: string | undefined;
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  readonly blocks: readonly PolicyBlock[];
}

export function readPolicy(text: string): PolicyBlock[] {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const blocks = readBlocks(lines);
  if (lines.length > 0) throw new Error(`left over: ${lines.join(" ")}`);
  return blocks;
}

function readBlocks(lines: string[]): PolicyBlock[] {
  const blocks: PolicyBlock[] = [];
  while (lines.length > 0 && lines[0] !== "}") {
    const header = /^([a-z_]+)(?: ("[^"]*"))? \{$/.exec(lines[0]);
    if (!header) break;
    lines.shift();
    const fields: Record<string, string | readonly string[]> = {};
    const inner: PolicyBlock[] = [];
    while (lines[0] !== "}") {
      const field = /^([a-z_]+) = (.+)$/.exec(lines[0] ?? "");
      if (field) {
        fields[field[1]] = JSON.parse(field[2]) as string | string[];
        lines.shift();
        continue;
      }
      const nested = readBlocks(lines);
      if (nested.length === 0) throw new Error(`not understood: ${lines[0] ?? "the end"}`);
      inner.push(...nested);
    }
    lines.shift();
    blocks.push({ type: header[1], label: header[2] === undefined ? undefined : (JSON.parse(header[2]) as string), fields, blocks: inner });
  }
  return blocks;
}

export function only(blocks: readonly PolicyBlock[], type: string): PolicyBlock {
  const found = blocks.filter((block) => block.type === type);
  if (found.length !== 1) throw new Error(`${found.length} blocks ${type}`);
  return found[0];
}

/** Label and one field of every block of a type. */
export function labelled(blocks: readonly PolicyBlock[], type: string, field: string): Record<string, string | readonly string[]> {
  return Object.fromEntries(blocks.filter((block) => block.type === type).map((block) => [block.label ?? "", block.fields[field]]));
}
