/** Checks blocks of documents.jsonl. It holds no more than sums, so that several may share a table's blocks, each in a thread. */
import { MultisetDigest } from "./digest";
import { Fingerprint } from "./id-table";
import { linesOf, type Block } from "./lines";
import type { FieldNumbers } from "./number-kinds";
import { LISTED } from "./problems";
import { DocumentScanner } from "./scanner";

export interface LineProblem {
  /** In the block, from 1. */
  readonly line: number;
  readonly what: string;
  /** The same for problems that are counted together. */
  readonly kind: string;
  /** So many more of the kind in this block. */
  more: number;
}

export interface BlockResult {
  readonly lines: number;
  /** Fingerprints of the block's ids: high and low, in turn. */
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly problems: readonly LineProblem[];
}

export interface CheckerTotals {
  readonly sum: Float64Array;
  readonly numbers: readonly FieldNumbers[];
}

/** Of a Convex id: a table number of 1 to 5 bytes, 16 bytes of its own and 2 of check, in base 32. */
const ID = /^[0-9a-z]{31,37}$/;
const [SHORTEST_ID, LONGEST_ID] = [31, 37];

export class LineChecker {
  private readonly digest = new MultisetDigest();
  private readonly scanner = new DocumentScanner();
  private readonly fingerprint = new Fingerprint();
  private ids = new Uint32Array(2 * 4_096);

  check(block: Block): BlockResult {
    const { digest, scanner, fingerprint } = this;
    const { buffer } = block;
    const kinds = new Map<string, LineProblem[]>();
    const problem = (line: number, what: string, kind: string): void => {
      const same = kinds.get(kind);
      if (same === undefined) kinds.set(kind, [{ line, what, kind, more: 0 }]);
      else if (same.length < LISTED) same.push({ line, what, kind, more: 0 });
      else same[LISTED - 1].more++;
    };
    let ids = 0;
    const lines = linesOf(block, (start, end, line) => {
      digest.add(buffer.subarray(start, end));
      if (!scanner.scan(buffer, start, end)) return problem(line, `${scanner.problem} (column ${scanner.column})`, scanner.problem);
      const { idStart, idEnd, creationTime } = scanner;
      if (idStart === -1) problem(line, "the document has no _id, so that an import would give it a new one and break what points to it", "no _id");
      else {
        if (2 * ids === this.ids.length) this.ids = grown(this.ids);
        fingerprint.of(buffer, idStart, idEnd);
        this.ids[2 * ids] = fingerprint.high;
        this.ids[2 * ids++ + 1] = fingerprint.low;
        const length = idEnd - idStart;
        if (length < SHORTEST_ID || length > LONGEST_ID) {
          const id = buffer.toString("utf8", idStart, idEnd);
          if (!ID.test(id)) problem(line, `its _id ${JSON.stringify(id.slice(0, 50))} is no id of Convex`, "no id");
        }
      }
      if (creationTime !== "float") problem(line, CREATION_TIME[creationTime], creationTime);
    });
    return { lines, ids: this.ids.slice(0, 2 * ids), problems: [...kinds.values()].flat() };
  }

  totals(): CheckerTotals {
    return { sum: this.digest.sum(), numbers: this.scanner.numbers.all() };
  }
}

function grown(ids: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * ids.length);
  larger.set(ids);
  return larger;
}

const CREATION_TIME = {
  missing: "the document has no _creationTime, so that an import would give it a new one",
  int64: "its _creationTime has no dot, so that it is an int64: a JSON tool rewrote the file, and turned other floats to int64 as well",
  other: "its _creationTime is no number",
  float: "",
} as const;
