/** The nodes as columns of the drawing. */
import type { PlatformModel } from "../model";
import type { NodeModel } from "../model/nodes";
import { NOMAD_PORTS } from "./copies";
import type { Measures } from "./layout";

export interface Column {
  /** Id of its box. */
  readonly id: string;
  readonly node: string;
  readonly name: string;
  readonly lines: readonly string[];
  readonly x: number;
  readonly width: number;
  readonly witness: boolean;
  /** No column, but a box below the others. */
  readonly below: boolean;
}

const GAP = 10;

/** @param left where the first column begins */
export function columnsOf({ nodes }: PlatformModel, { width, witness }: Measures, left: number): Column[] {
  const apps = nodes.filter((node) => node.role === "app");
  const witnesses = nodes.filter((node) => node.role === "witness");
  const room = width - left - 1 - (witness ? witnesses.length * (witness + GAP) : 0);
  const each = (room - GAP * (apps.length - 1)) / apps.length;
  const appColumns = apps.map((node, index) => column(node, left + index * (each + GAP), each, false));
  const witnessColumns = witnesses.map((node, index) => (witness ? column(node, left + room + GAP + index * (witness + GAP), witness, false) : column(node, left, width - left - 1, true)));
  return [...appColumns, ...witnessColumns];
}

function column(node: NodeModel, x: number, width: number, below: boolean): Column {
  const role = node.role === "witness" ? "votes, runs no job" : node.data ? "jobs and data" : "jobs";
  const lines = [node.address ?? "known when made", role, ...(below ? [`Nomad server ${NOMAD_PORTS}`] : [])];
  return { id: `node ${node.name}`, node: node.name, name: node.name, lines, x, width, witness: node.role === "witness", below };
}
