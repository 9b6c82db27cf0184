/** Places nodes, jobs and everybody else: rows are who calls and is called, columns are nodes, lanes are flows. */
import type { PlatformModel } from "../model";
import type { Party } from "../model/flows";
import { columnsOf } from "./columns";
import { copiesOf } from "./copies";
import type { Drawing } from "./drawing";
import { lanes } from "./lanes";
import { noteOf } from "./notes";
import { Sheet } from "./sheet";
import { wiresOf } from "./wires";

/** Measures of a drawing, in pixels. */
export interface Measures {
  readonly width: number;
  /** Distance between lanes. */
  readonly lane: number;
  /** Width of the column with names; 0: names stand above their copies. */
  readonly names: number;
  /** Width of the witness's column; 0: the witness stands below. */
  readonly witness: number;
  /** Distance between wires where they meet a row. */
  readonly wire: number;
}

export const WIDE: Measures = { width: 1120, lane: 16, names: 200, witness: 170, wire: 8 };
/** As wide as a phone's page leaves room for, so that nothing is scaled down. */
export const NARROW: Measures = { width: 358, lane: 7, names: 0, witness: 0, wire: 6 };

/** Room for arrows between the lanes and the rows. */
const ARROWS = 18;

export function layout(model: PlatformModel, measures: Measures): Drawing {
  const rows = ordered(model);
  const drawn = lanes(rows, model.flows);
  const gutter = (Math.max(-1, ...drawn.map((lane) => lane.column)) + 1) * measures.lane + ARROWS;
  const columns = columnsOf(model, measures, gutter + (measures.names ? measures.names + 16 : 0));
  const sheet = new Sheet(measures, gutter, columns);
  const room = (id: string): number => (drawn.filter((lane) => lane.callers.includes(id) || lane.called.includes(id)).length + 1) * measures.wire;

  for (const party of rows.filter(({ kind }) => kind === "people")) sheet.outsider(party, noteOf(model, party), room(party.id));
  sheet.openNodes();
  for (const party of rows.filter(({ kind }) => kind === "job" || kind === "cluster")) sheet.inside(party, copiesOf(model, party, columns), room(party.id));
  sheet.closeNodes();
  for (const party of rows.filter(({ kind }) => kind === "outside")) sheet.outsider(party, noteOf(model, party), room(party.id));

  const { height, boxes, labels, anchors } = sheet;
  return { width: measures.width, height, boxes, labels, wires: wiresOf(drawn, rows, anchors, (column) => gutter - ARROWS + 2 - column * measures.lane) };
}

/** People above, then jobs and the cluster, then what is outside. */
function ordered({ parties }: PlatformModel): Party[] {
  const rank = { people: 0, job: 1, cluster: 2, outside: 3 };
  return [...parties].sort((a, b) => rank[a.kind] - rank[b.kind]);
}
