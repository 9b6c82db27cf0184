/** The lab's status for people. */
import type { LabStatus } from "./report";
import type { LeaseStatus } from "../../lease/assess";

export function textStatus(status: LabStatus): string {
  const { machines, broken, nomad, consul, vault, gateways, lease, jobs, problems } = status;
  const rows = (list: readonly (readonly string[])[]): string[] => {
    const widths = (list[0] ?? []).map((_, column) => Math.max(...list.map((row) => row[column].length)));
    return list.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()}`);
  };
  return [
    "Machines",
    ...rows(machines.map(({ name, address, state, restarts, health }) => [name, address, health === undefined ? state : `${state}, ${health}`, restarts > 0 ? `restarted ${restarts} times` : "", broken.filter((entry) => entry.name === name).map(({ fault }) => `broken: ${fault}`).join(", ")])),
    "",
    "Cluster",
    ...rows([
      ["Consul", "error" in consul ? consul.error : `leader ${consul.value.leader || "none"}; ${consul.value.servers.map(({ name, healthy }) => `${name} ${healthy ? "healthy" : "not healthy"}`).join(", ")}`],
      ["OpenBao", "error" in vault ? vault.error : vault.value.sealed ? "sealed" : "unsealed"],
      ["Nomad", "error" in nomad ? nomad.error : `leader ${nomad.value.servers.find(({ leader }) => leader)?.name ?? "none"}; ${nomad.value.servers.map(({ name, alive }) => `${name} ${alive ? "alive" : "not alive"}`).join(", ")}`],
      ["clients", "error" in nomad ? "not known" : nomad.value.nodes.map(({ name, status: state, eligible, draining }) => `${name} ${state}${draining ? ", draining" : eligible ? "" : ", takes nothing new"}`).join("; ")],
      ["API", gateways.length === 0 ? "not known" : gateways.map(({ node, problem }) => `through ${node}: ${problem ?? "answers"}`).join("; ")],
      ["worker", "error" in lease ? lease.error : workerLine(lease.value)],
    ]),
    ...(jobs.length === 0 ? [] : ["", "Jobs", ...rows([["job", "kind", "desired", "running", "healthy", "on"], ...jobs.map(({ id, kind, desired, running, healthy, allocations, problem }) => [id, kind, `${desired}`, `${running}`, `${healthy}`, allocations.length === 0 ? (problem ?? (kind === "service" || kind === "system" ? "" : "runs when it is due")) : allocations.map((it) => `${it.node} (${it.id.slice(0, 8)}${it.healthy ? "" : `: ${it.why}`}${it.restarts > 0 ? `, restarted ${it.restarts} times` : ""})`).join("; ")])])]),
    "",
    ...(problems.length === 0 ? ["All is well."] : [`Not well (${problems.length}):`, ...problems.flatMap(({ what, help }) => [`  ${what}`, `      ${help}`])]),
  ].join("\n");
}

/** Owner, holder and phase in one line. */
function workerLine({ owner, holder, verdict, seen: { workers } }: LeaseStatus): string {
  const standsBy = "problem" in workers ? [] : workers.flatMap((worker) => ("state" in worker && worker.state.phase === "standby" ? [worker.node] : []));
  const who = holder ? `${holder.side === "nomad" ? "Nomad's" : (holder.side ?? "somebody's")} session ${holder.session.slice(0, 8)}${holder.worker ? ` on ${holder.worker.node}, ${holder.worker.phase}` : ""}${verdict === "held" ? "" : ` (${verdict})`}` : "nobody";
  return `owner ${owner ?? "not set"}; lease held by ${who}${standsBy.length > 0 ? `; Nomad's stands by on ${standsBy.join(", ")}` : ""}${owner === "legacy" && !holder ? "; a legacy worker without the lease is not seen" : ""}`;
}
