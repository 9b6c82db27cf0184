/** What a wide drawing says beside those who are outside the cluster: whom they reach, or who reaches them. */
import type { PlatformModel } from "../model";
import type { Party } from "../model/flows";
import { listed } from "../words";

export function noteOf({ flows, parties }: PlatformModel, { id, kind }: Party): string {
  const names = new Map(parties.map((party) => [party.id, party.label]));
  const calls = kind === "people";
  const byPorts = new Map<string, string[]>();
  for (const { from, to, ports } of flows.filter((flow) => (calls ? flow.from : flow.to) === id)) {
    const key = ports.join(" ");
    byPorts.set(key, [...(byPorts.get(key) ?? []), names.get(calls ? to : from)!]);
  }
  const parts = [...byPorts].map(([ports, others]) => `${listed(others)}${ports ? ` on ${ports}` : ""}`);
  return parts.length ? `${calls ? "may reach" : "reached by"} ${parts.join("; ")}` : "";
}
