/** The sheet on which rows are put one below the other. */
import type { Party } from "../model/flows";
import type { Column } from "./columns";
import type { DrawnCopy } from "./copies";
import { fitted, twoLines, type Box, type Label, type TextStyle } from "./drawing";
import type { Measures } from "./layout";
import type { Anchor } from "./wires";

const LINE = 15;
const ROW_GAP = 14;
/** Height of a box with a name and a line below it. */
const TWO_LINES = 44;
const NAME_ABOVE = 19;

export class Sheet {
  readonly boxes: Box[] = [];
  readonly labels: Label[] = [];
  /** Where wires meet each row, by its party. */
  readonly anchors = new Map<string, Anchor>();
  private y = 2;
  private nodesTop = 0;

  constructor(private readonly measures: Measures, private readonly gutter: number, private readonly columns: readonly Column[]) {}

  get height(): number {
    return Math.ceil(this.y);
  }

  /** Somebody outside the cluster. @param room height that its wires need */
  outsider({ id, kind, label, detail }: Party, note: string, room: number): void {
    const { names, width } = this.measures;
    const height = Math.max(TWO_LINES, room);
    this.named({ id, x: this.gutter, y: this.y, width: names || width - this.gutter - 1, height, style: kind === "people" ? "people" : "outside" }, label, detail);
    if (names) this.note(id, note, this.gutter + names + 16, height);
    this.y += height + 8;
  }

  /** Beside the box, at most two lines. */
  private note(id: string, text: string, x: number, height: number): void {
    const width = this.measures.width - x;
    const box = `note ${id}`;
    const lines = twoLines(text, width - 12, "detail");
    this.boxes.push({ id: box, x, y: this.y, width, height, style: "frame" });
    lines.forEach((line, index) => this.label(box, x + 12, this.y + height / 2 + 4 + (index - (lines.length - 1) / 2) * LINE, width - 12, line, "detail"));
  }

  openNodes(): void {
    this.y += 10;
    this.nodesTop = this.y;
    const beside = this.columns.filter((column) => !column.below);
    beside.forEach((column) => this.head(column));
    this.y += headHeight(beside) + (this.measures.names ? 4 : 12);
  }

  /** A job, or the cluster's own servers, with its copies on the nodes. @param room height that its wires need */
  inside({ id, label, detail }: Party, copies: readonly DrawnCopy[], room: number): void {
    const { names } = this.measures;
    const copyHeight = Math.max(Math.max(...copies.map(({ lines }) => lines.length), 1) * LINE + 13, names ? 0 : room);
    const height = names ? Math.max(TWO_LINES, copyHeight, room) : copyHeight;
    if (names) this.named({ id, x: this.gutter, y: this.y, width: names, height, style: "job" }, label, detail);
    else this.nameAbove(label, detail);
    const left = names ? this.gutter : Math.min(...copies.map(({ from }) => from.x)) + 8;
    this.anchors.set(id, { x: left, top: this.y, bottom: this.y + height });
    copies.forEach((copy, index) => this.copy(`${id} ${index}`, copy, this.y + (height - copyHeight) / 2, copyHeight));
    this.y += height + ROW_GAP;
  }

  private named(box: Box, name: string, detail: string): void {
    const middle = box.y + box.height / 2;
    this.boxes.push(box);
    this.label(box.id, box.x + 12, middle - 4, box.width - 24, name, "name");
    this.label(box.id, box.x + 12, middle + 12, box.width - 24, detail, "detail");
    this.anchors.set(box.id, { x: box.x, top: box.y, bottom: box.y + box.height });
  }

  /** Without the prefix that all jobs share, for which there is no room. */
  private nameAbove(name: string, detail: string): void {
    const [first, second] = this.columns;
    this.label(first.id, first.x + 10, this.y + 12, first.width - 14, name.replace(/^gvfx-/, ""), "name");
    this.label(second.id, second.x + 10, this.y + 12, second.width - 14, detail, "detail");
    this.y += NAME_ABOVE;
  }

  private copy(id: string, { from, to, floating, lines }: DrawnCopy, y: number, height: number): void {
    const x = from.x + 8;
    const width = to.x + to.width - 8 - x;
    this.boxes.push({ id, x, y, width, height, style: floating ? "floating" : "copy" });
    lines.forEach((line, index) => this.label(id, x + width / 2, y + height / 2 + 4 + (index - (lines.length - 1) / 2) * LINE, width - 8, line, "port", "middle"));
  }

  /** Frames of the nodes, now that their height is known, and nodes that have no column. */
  closeNodes(): void {
    const frame = ({ id, x, width, witness }: Column, y: number, height: number): Box => ({ id, x, y, width, height, style: witness ? "witness" : "node" });
    this.boxes.unshift(...this.columns.filter((column) => !column.below).map((column) => frame(column, this.nodesTop, this.y - this.nodesTop)));
    this.y += 10;
    for (const column of this.columns.filter(({ below }) => below)) {
      const height = headHeight([column]) + 6;
      this.boxes.unshift(frame(column, this.y, height));
      this.head(column);
      this.y += height + 10;
    }
    this.y += 8;
  }

  private head({ id, x, width, name, lines }: Column): void {
    this.label(id, x + 12, this.y + 20, width - 20, name, "name");
    lines.forEach((line, index) => this.label(id, x + 12, this.y + 36 + index * LINE, width - 20, line, index === 0 ? "port" : "detail"));
  }

  private label(box: string, x: number, y: number, width: number, text: string, style: TextStyle, anchor: Label["anchor"] = "start"): void {
    this.labels.push({ in: box, x, y, ...fitted(text, width, style), style, anchor });
  }
}

function headHeight(columns: readonly Column[]): number {
  return 28 + Math.max(...columns.map(({ lines }) => lines.length)) * LINE;
}
