/** Where lanes meet rows. */
import type { Party } from "../model/flows";
import type { WireEnd, Wires } from "./drawing";
import type { Lane } from "./lanes";

/** The side of a row on which wires meet it. */
export interface Anchor {
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
}

/** Room for the point of an arrow, in pixels. */
const ARROW = 4;

export function wiresOf(drawn: readonly Lane[], rows: readonly Party[], anchors: ReadonlyMap<string, Anchor>, laneX: (column: number) => number): Wires[] {
  const ends = new Map<Lane, WireEnd[]>(drawn.map((lane) => [lane, []]));
  const middle = (id: string): number => (anchors.get(id)!.top + anchors.get(id)!.bottom) / 2;
  for (const { id } of rows) {
    const { x, top, bottom } = anchors.get(id)!;
    // Lanes that come from above meet the row above those that go on below, so that wires cross less.
    const pull = (lane: Lane): number => {
      const others = [...lane.callers, ...lane.called].filter((other) => other !== id).map(middle);
      return others.reduce((sum, y) => sum + y, 0) / others.length - middle(id);
    };
    const meeting = drawn.filter((lane) => lane.callers.includes(id) || lane.called.includes(id)).sort((a, b) => pull(a) - pull(b));
    meeting.forEach((lane, index) => {
      const called = lane.called.includes(id);
      ends.get(lane)!.push({ x: called ? x - ARROW : x, y: top + ((index + 1) / (meeting.length + 1)) * (bottom - top), called });
    });
  }
  // Neighbours are told apart by colour: hues follow the lanes from the outside in.
  const fromOutside = [...drawn].sort((a, b) => b.column - a.column);
  return drawn.map((lane) => ({ hue: fromOutside.indexOf(lane), title: lane.title, x: laneX(lane.column), ends: ends.get(lane)! }));
}
