/** Where texts stand so that none covers another, at the narrowest width of the drawing and so at any. */
import { fitted, textWidth } from "../../preview/topology/drawing";
import { LEAST_WIDTH } from "./scale";

/** Between a line and its text, and between two texts, in pixels. */
export const BESIDE = 7;
const AIR = 6;

export type Anchor = "start" | "middle" | "end";

export interface Placed {
  readonly text: string;
  /** The whole, where it had to be cut. */
  readonly whole?: string;
  readonly anchor: Anchor;
  /** 0 is nearest to the lanes. */
  readonly row: number;
}

interface Taken extends Placed {
  readonly x: number;
  readonly left: number;
  readonly right: number;
}

/**
 * Texts of lines that stand at these shares of the width, in rows above the lanes:
 * each beside the top of its own line, so high that no line runs through it.
 */
export function labelRows(events: readonly { readonly share: number; readonly text: string }[]): Placed[] {
  const taken: Taken[] = [];
  const placed = new Map<number, Placed>();
  const fromRight = events.map((event, index) => ({ ...event, index })).sort((a, b) => b.share - a.share || b.index - a.index);
  for (const { share, text, index } of fromRight) {
    const candidates = sides(share * LEAST_WIDTH, text);
    const clear = candidates.flatMap((label) => lowestRow(label, taken, crosses)).sort((a, b) => a.row - b.row)[0];
    // Two at the edges can be in each other's way: then a line runs behind a text, which stands on a halo.
    const chosen = clear ?? lowestRow(candidates[0], taken, () => false)[0];
    taken.push(chosen);
    placed.set(index, chosen);
  }
  return events.map((_event, index) => placed.get(index)!);
}

/** Beside its line, on the side with room: the right one where both have it. */
function sides(x: number, text: string): Omit<Taken, "row">[] {
  const width = textWidth(text, "detail");
  const right = { text, anchor: "start", x, left: x, right: x + BESIDE + width } as const;
  const left = { text, anchor: "end", x, left: x - BESIDE - width, right: x } as const;
  if (right.right <= LEAST_WIDTH) return [right];
  if (left.left >= 0) return [left];
  const room = Math.max(x, LEAST_WIDTH - x) - BESIDE;
  const cut = fitted(text, room, "detail");
  return [x > LEAST_WIDTH / 2 ? { ...left, ...cut, left: 0 } : { ...right, ...cut, right: LEAST_WIDTH }];
}

function lowestRow(label: Omit<Taken, "row">, taken: readonly Taken[], inTheWay: (one: Taken, other: Taken) => boolean): Taken[] {
  for (let row = 0; row <= taken.length; row += 1) {
    const here = { ...label, row };
    if (!taken.some((other) => (other.row === row && covers(here, other)) || inTheWay(here, other) || inTheWay(other, here))) return [here];
  }
  return [];
}

function covers(one: Taken, other: Taken): boolean {
  return one.left < other.right + AIR && other.left < one.right + AIR;
}

/** Whether the line of the one, which comes down from its row, runs through the text of the other. */
function crosses(one: Taken, other: Taken): boolean {
  return one.row > other.row && one.x > other.left - 2 && one.x < other.right + 2;
}

export interface Dimension {
  /** Shares of the width. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export interface PlacedDimension {
  /** Share of the width. */
  readonly at: number;
  /** Pixels from there. */
  readonly shift: number;
  readonly anchor: Anchor;
}

/** Where the texts of dimension lines in one row stand; undefined for one that finds no room. The first have the first choice. */
export function dimensionTexts(dimensions: readonly Dimension[]): (PlacedDimension | undefined)[] {
  const taken: { left: number; right: number }[] = [];
  return dimensions.map(({ from, to, text }) => {
    const width = textWidth(text, "detail");
    const middle = (from + to) / 2;
    const choices: (PlacedDimension & { left: number; right: number })[] = [
      ...((to - from) * LEAST_WIDTH >= width + 2 * AIR + 8 ? [{ at: middle, shift: 0, anchor: "middle" as const, left: middle * LEAST_WIDTH - width / 2, right: middle * LEAST_WIDTH + width / 2 }] : []),
      { at: to, shift: BESIDE, anchor: "start", left: to * LEAST_WIDTH + BESIDE, right: to * LEAST_WIDTH + BESIDE + width },
      { at: from, shift: -BESIDE, anchor: "end", left: from * LEAST_WIDTH - BESIDE - width, right: from * LEAST_WIDTH - BESIDE },
    ];
    const chosen = choices.find(({ left, right }) => left >= 0 && right <= LEAST_WIDTH && !taken.some((other) => left < other.right + AIR && other.left < right + AIR));
    if (!chosen) return undefined;
    taken.push(chosen);
    return { at: chosen.at, shift: chosen.shift, anchor: chosen.anchor };
  });
}
