/** Which copies of a job stand in which node's column. */
import { CLUSTER_PORTS } from "../../../contracts/services";
import type { PlatformModel } from "../model";
import { PARTIES, type Party } from "../model/flows";
import type { JobModel, PortModel } from "../model/jobs";
import type { Column } from "./columns";

/** Copies of a job as they are drawn: in one column, or floating over several. */
export interface DrawnCopy {
  readonly from: Column;
  readonly to: Column;
  readonly floating: boolean;
  readonly lines: readonly string[];
}

/** API, RPC and gossip. */
export const NOMAD_PORTS = `${CLUSTER_PORTS.nomadHttp} ${CLUSTER_PORTS.nomadRpc} ${CLUSTER_PORTS.nomadSerf}`;

export function copiesOf(model: PlatformModel, party: Party, columns: readonly Column[]): DrawnCopy[] {
  if (party.id === PARTIES.nomad) return columns.filter((column) => !column.below).map((column) => ({ from: column, to: column, floating: false, lines: [NOMAD_PORTS] }));
  const job = model.jobs.find(({ id }) => id === party.id)!;
  const eligible = columns.filter((column) => job.nodes.includes(column.node));
  const lines = [...(job.kind === "periodic" || job.kind === "sysbatch" ? [job.copies] : []), ...(job.ports.length ? [portsText(job.ports)] : []), ...(job.volume ? ["with its volume"] : [])];
  const each = job.count / eligible.length;
  if (!Number.isInteger(each)) return [{ from: eligible[0], to: eligible[eligible.length - 1], floating: true, lines: [floatingText(job), ...lines] }];
  return eligible.map((column) => ({ from: column, to: column, floating: false, lines: each > 1 ? [`${each} copies`, ...lines] : lines }));
}

function floatingText({ count, nodes }: JobModel): string {
  const where = nodes.length === 2 ? "on either node" : "on any of these nodes";
  return count === 1 ? `one copy, ${where}` : `${count} copies over these nodes`;
}

function portsText(ports: readonly PortModel[]): string {
  const fixed = ports.flatMap(({ node }) => (node === undefined ? [] : [String(node)]));
  const chosen = ports.flatMap(({ node, to }) => (node === undefined ? [`any port → ${to}`] : []));
  return [...fixed, ...chosen].join(" ");
}
