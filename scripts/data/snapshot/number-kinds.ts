/**
 * Counts, for each field of a table, how many int64 and how many floats it holds.
 *
 * `convex export` tells the two apart by the dot alone, and says "uniform" instead of
 * a schema. A JSON tool drops the dot of every whole float (1.0 becomes 1) and leaves
 * the others: what remains is a field with int64, with broken floats, and with not a
 * single whole float. A field whose every float was whole shows nothing of it; then
 * only `_creationTime`, which is a float always, gives the tool away.
 */

/** Fields beyond this many, for example names that are data, are not counted: the memory stays flat. */
const MOST_FIELDS = 3_000;
const SLOTS = 8_192;

export interface FieldNumbers {
  /** As "price", "levels[].size". */
  readonly field: string;
  readonly int64: number;
  /** Floats without a fraction: "1.0", "1e20". */
  readonly wholeFloats: number;
  readonly brokenFloats: number;
}

/** Whether a field's numbers look as a JSON tool leaves them. */
export const looksTouched = ({ int64, wholeFloats, brokenFloats }: FieldNumbers): boolean => int64 > 0 && brokenFloats > 0 && wholeFloats === 0;

/** Adds up what was counted apart. */
export function summed(counts: readonly (readonly FieldNumbers[])[]): FieldNumbers[] {
  const fields = new Map<string, FieldNumbers>();
  for (const counted of counts.flat()) {
    const known = fields.get(counted.field);
    fields.set(counted.field, known === undefined ? counted : { field: counted.field, int64: known.int64 + counted.int64, wholeFloats: known.wholeFloats + counted.wholeFloats, brokenFloats: known.brokenFloats + counted.brokenFloats });
  }
  return [...fields.values()];
}

export class NumberKinds {
  private readonly hashes = new Int32Array(SLOTS);
  private readonly used = new Uint8Array(SLOTS);
  private readonly counts = [new Float64Array(SLOTS), new Float64Array(SLOTS), new Float64Array(SLOTS)] as const;
  private readonly names = new Map<number, string>();

  /** @param path the hash of the field's path, `at` where the number begins in the line that begins at `lineStart`: its name is read there once */
  int64(path: number, bytes: Uint8Array, lineStart: number, at: number): void {
    const slot = this.slot(path, bytes, lineStart, at);
    if (slot !== -1) this.counts[0][slot]++;
  }

  float(path: number, whole: boolean, bytes: Uint8Array, lineStart: number, at: number): void {
    const slot = this.slot(path, bytes, lineStart, at);
    if (slot !== -1) this.counts[whole ? 1 : 2][slot]++;
  }

  all(): FieldNumbers[] {
    return [...this.names].map(([slot, field]) => ({ field, int64: this.counts[0][slot], wholeFloats: this.counts[1][slot], brokenFloats: this.counts[2][slot] }));
  }

  private slot(path: number, bytes: Uint8Array, lineStart: number, at: number): number {
    let slot = path & (SLOTS - 1);
    while (this.used[slot] === 1) {
      if (this.hashes[slot] === path) return slot;
      slot = (slot + 1) & (SLOTS - 1);
    }
    if (this.names.size === MOST_FIELDS) return -1;
    this.used[slot] = 1;
    this.hashes[slot] = path;
    this.names.set(slot, fieldAt(Buffer.from(bytes.buffer, bytes.byteOffset + lineStart, at - lineStart).toString("utf8")));
    return slot;
  }
}

/** The path of the value that follows a sound beginning of a document. */
function fieldAt(beginning: string): string {
  const path: string[] = [];
  let key = "";
  let expectsKey = false;
  for (const [token] of beginning.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs)) {
    if (token === "{") {
      path.push("");
      expectsKey = true;
    } else if (token === "[") {
      path.push("[]");
      expectsKey = false;
    } else if (token === "}" || token === "]") {
      path.pop();
      expectsKey = false;
    } else if (token === ",") expectsKey = path.at(-1) !== "[]";
    else if (token === ":") {
      path[path.length - 1] = key;
      expectsKey = false;
    } else if (expectsKey) key = JSON.parse(token) as string;
  }
  return path.reduce((text, part) => (part === "[]" ? `${text}[]` : text === "" ? part : `${text}.${part}`), "");
}
