/** What a name on the command line means: a machine, some machines, the Nomad servers among themselves, or a job. */
import { JOBS, type JobName } from "../../../contracts/services";
import type { Machine } from "../machines";
import { jobNamed } from "../status/tasks";

export type Target =
  | { readonly kind: "machine"; readonly name: string; readonly machine: Machine }
  | { readonly kind: "nomad-servers"; readonly name: string }
  | { readonly kind: "job"; readonly name: JobName };

/** The three Consul servers. */
export const CONSUL = "consul";
/** The Nomad servers' talk with each other; their machines and clients go on. */
export const NOMAD_SERVERS = "nomad-servers";

/** @throws Error that names everything there is, when a name is none of it */
export function targetsOf(names: readonly string[], machines: readonly Machine[]): Target[] {
  const unknown: string[] = [];
  const targets = names.flatMap((name): Target[] => {
    const machine = machines.find((candidate) => candidate.name === name);
    if (machine) return [{ kind: "machine", name, machine }];
    if (name === CONSUL) return machines.filter(({ role }) => role === "consul").map((server) => ({ kind: "machine", name: server.name, machine: server }));
    if (name === NOMAD_SERVERS) return [{ kind: "nomad-servers", name }];
    const job = jobNamed(name);
    if (job) return [{ kind: "job", name: job }];
    unknown.push(name);
    return [];
  });
  if (unknown.length > 0) throw new Error(`nothing in the lab is named ${unknown.join(", ")}, and nothing was done. Machines: ${machines.map(({ name }) => name).join(", ")}. Groups: ${CONSUL}, ${NOMAD_SERVERS}. Jobs: ${Object.values(JOBS).join(", ")}`);
  return targets.filter((target, index) => targets.findIndex(({ name }) => name === target.name) === index);
}
