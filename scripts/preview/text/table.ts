/** Columns of plain text that fit a width: the widest cells wrap at words. */

export interface TableOptions {
  /** Columns that the whole table may take, the indent included. */
  readonly width: number;
  /** Spaces before each line. @default 2 */
  readonly indent?: number;
  /** Spaces between columns. @default 2 */
  readonly gap?: number;
}

/** A space at which no line is broken; printed as any other. */
export const KEPT_TOGETHER = "\u00a0";

/** Lines of a table; no line ends in a space. */
export function table(rows: readonly (readonly string[])[], { width, indent = 2, gap = 2 }: TableOptions): string[] {
  const widths = columnWidths(rows, width - indent, gap);
  return rows.flatMap((row) => {
    const cells = row.map((cell, column) => wrap(cell, widths[column]));
    const height = Math.max(1, ...cells.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) => (" ".repeat(indent) + cells.map((lines, column) => (lines[line] ?? "").padEnd(widths[column])).join(" ".repeat(gap))).replaceAll(KEPT_TOGETHER, " ").trimEnd());
  });
}

/** Natural widths; while they do not fit, the widest column gives way, but not below its longest word. */
function columnWidths(rows: readonly (readonly string[])[], room: number, gap: number): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const cells = Array.from({ length: columns }, (_, column) => rows.map((row) => row[column] ?? ""));
  const widths = cells.map((column) => Math.max(0, ...column.map((cell) => cell.length)));
  const least = cells.map((column) => Math.max(0, ...column.flatMap((cell) => cell.split(" ").map((word) => word.length))));
  while (widths.reduce((sum, n) => sum + n, 0) + gap * (columns - 1) > room) {
    const shrinkable = widths.map((n, column) => (n > least[column] ? n : 0));
    const widest = Math.max(0, ...shrinkable);
    if (widest === 0) break;
    widths[shrinkable.indexOf(widest)] -= 1;
  }
  return widths;
}

/** Lines of a sentence, indented like a table. */
export function sentence(text: string, { width, indent = 2 }: TableOptions): string[] {
  return table([[text]], { width, indent });
}

/** Lines of at most `width` characters, broken at spaces; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
