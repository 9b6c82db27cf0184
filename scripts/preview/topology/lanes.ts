/**
 * Flows as lanes beside the rows of a drawing: one vertical line joins callers
 * and called. Lines run apart from each other, so that no number of flows makes
 * a tangle, and flows with the same callers share one.
 */
import type { Flow, Party } from "../model/flows";

export interface Lane {
  readonly callers: readonly string[];
  readonly called: readonly string[];
  /** Distance from the rows, in lanes; 0 is the nearest. */
  readonly column: number;
  readonly title: string;
}

/** @param rows parties from top to bottom; a flow of a party that is not among them is left out */
export function lanes(rows: readonly Party[], flows: readonly Flow[]): Lane[] {
  const row = new Map(rows.map((party, index) => [party.id, index]));
  const drawn = flows.filter((flow) => row.has(flow.from) && row.has(flow.to));
  const people = new Set(rows.filter((party) => party.kind === "people").map((party) => party.id));
  const groups = [...groupsOf(drawn.filter((flow) => people.has(flow.from)), "from"), ...groupsOf(drawn.filter((flow) => !people.has(flow.from)), "callers")];
  const byRow = (ids: Iterable<string>): string[] => [...new Set(ids)].sort((a, b) => row.get(a)! - row.get(b)!);
  const joined = groups.map((group) => ({ callers: byRow(group.map((flow) => flow.from)), called: byRow(group.map((flow) => flow.to)), title: titleOf(group) }));
  return packed(joined, row);
}

/** People have a lane each; what is called by the same callers has one together. */
function groupsOf(flows: readonly Flow[], by: "from" | "callers"): Flow[][] {
  const callersOf = (to: string): string => flows.filter((flow) => flow.to === to).map((flow) => flow.from).sort().join(" ");
  const groups = new Map<string, Flow[]>();
  for (const flow of flows) {
    const key = by === "from" ? flow.from : callersOf(flow.to);
    groups.set(key, [...(groups.get(key) ?? []), flow]);
  }
  return [...groups.values()];
}

function titleOf(group: readonly Flow[]): string {
  return group.map(({ from, to, ports, what }) => `${from} → ${to}${ports.length ? ` ${ports.join(" ")}` : ""}: ${what}`).join("\n");
}

/** Short lanes next to the rows, long ones outside; two share a column where neither passes the other's rows. */
function packed(joined: readonly Omit<Lane, "column">[], row: ReadonlyMap<string, number>): Lane[] {
  const extent = ({ callers, called }: Omit<Lane, "column">): [number, number] => {
    const touched = [...callers, ...called].map((id) => row.get(id)!);
    return [Math.min(...touched), Math.max(...touched)];
  };
  const columns: [number, number][][] = [];
  return joined
    .map((lane) => ({ lane, extent: extent(lane) }))
    .sort((a, b) => a.extent[1] - a.extent[0] - (b.extent[1] - b.extent[0]) || a.extent[0] - b.extent[0])
    .map(({ lane, extent: [top, bottom] }) => {
      const free = columns.findIndex((taken) => taken.every(([from, to]) => bottom < from || top > to));
      const column = free === -1 ? columns.length : free;
      (columns[column] ??= []).push([top, bottom]);
      return { ...lane, column };
    });
}
