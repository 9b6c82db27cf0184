/** Asks engine, Consul, OpenBao and Nomad at once how they are. What does not answer is part of the answer. */
import { z } from "zod";
import { JOBS } from "../../../contracts/services";
import type { Environment, Lab } from "../../../environments/schema";
import { Duration } from "../../../contracts/units";
import { request } from "../../clients/http";
import type { ConsulClient } from "../../clients/consul";
import { labAccess, stackOutputs, type LabAccess } from "../access";
import { Ledger } from "../break/ledger";
import { Engine, type ContainerState } from "../engine";
import { labMachines, nomadServers, publishedAddress, type Machine } from "../machines";
import { labClients, type LabClients } from "./clients";
import { failingAllocations } from "./checks";
import type { NomadClient } from "./nomad";
import { labLeaseSources, leaseCommands } from "../../lease/access";
import { assessLease } from "../../lease/assess";
import { lookAtLease } from "../../lease/look";
import { labStatus, type JobSeen, type LabSeen, type LabStatus, type MachineStatus, type Seen } from "./report";

/** The gateway itself waits 5 s for a server that is free. */
const GATEWAY_ANSWERS = Duration.seconds(6);

export interface StatusSources {
  /** @default the engine of this machine */
  readonly engine?: Engine;
  /** @default .gvfx/lab/broken.json */
  readonly ledger?: Ledger;
  /** @default that of the states; undefined while the lab is not up */
  readonly access?: LabAccess;
}

/** @throws EngineError when no engine answers */
export async function collectStatus(env: Environment, lab: Lab, { engine = new Engine(), ledger = new Ledger(), access = stackOutputs(env, "lab") && labAccess(env) }: StatusSources = {}): Promise<LabStatus> {
  const machines = labMachines(env, lab);
  const clients = access && labClients(env, lab, access);
  const ofMachine = new Map((await engine.inspect(machines.map(({ container }) => container))).map((state) => [state.name, state]));
  const notUp = { error: "the lab is not up" };
  const [nomad, consul, vault, gateways, lease] = await Promise.all([clients ? nomadSeen(clients.nomad) : notUp, clients && access ? consulSeen(clients, access) : notUp, clients ? seen(async () => clients.vault.health()) : notUp, access?.nomad ? gatewaysSeen(env, machines) : [], access ? seen(async () => assessLease(await lookAtLease(labLeaseSources(env, lab, access, engine)), leaseCommands(env))) : notUp]);
  return labStatus({
    machines: machines.map((machine) => machineStatus(machine, ofMachine.get(machine.container))),
    broken: ledger.read(),
    nomad,
    consul,
    vault,
    gateways,
    lease,
    expected: { namespace: env.nomad.namespace, nomadServers: nomadServers(machines).length, nodes: env.nodes.map(({ name }) => name), consulServers: env.consul.servers.length },
  });
}

async function seen<T>(ask: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    return { error: error instanceof z.ZodError ? "answered something unexpected" : (error as Error).message };
  }
}

function machineStatus({ name, address }: Machine, state: ContainerState | undefined): MachineStatus {
  return { name, address, state: !state ? "missing" : state.paused ? "paused" : state.running ? "running" : "stopped", restarts: state?.restarts ?? 0, health: state?.health };
}

async function gatewaysSeen(env: Environment, machines: readonly Machine[]): Promise<LabSeen["gateways"]> {
  return Promise.all(
    machines.filter(({ role }) => role === "node").map(async (node) => {
      const address = publishedAddress(node, env.ports.api);
      if (!address) return { node: node.name, problem: `port ${env.ports.api} is not published; add it to lab.published of the environment` };
      const answer = await seen(() => request(`http://${address}/health`, { answerTimeout: GATEWAY_ANSWERS }));
      return { node: node.name, problem: "error" in answer ? answer.error : answer.value.status === 200 ? undefined : `GET /health answers ${answer.value.status}` };
    }),
  );
}

async function nomadSeen(client: NomadClient | undefined): Promise<LabSeen["nomad"]> {
  if (!client) return { error: "not deployed" };
  return seen(async () => {
    const [servers, nodes, ids, allocations] = await Promise.all([client.servers(), client.nodes(), client.jobIds(), client.allocations()]);
    const wanted = [...new Set<string>([...Object.values(JOBS), ...ids])];
    const jobs = await Promise.all(wanted.map(async (id): Promise<JobSeen> => ({ id, job: ids.includes(id) ? await client.job(id) : undefined, allocations: allocations.filter(({ jobId }) => jobId === id) })));
    return { servers, nodes, jobs };
  });
}

/** From the first server that answers with a leader; otherwise from the last that answered. */
async function consulSeen({ consul }: LabClients, access: LabAccess): Promise<LabSeen["consul"]> {
  let last: LabSeen["consul"] = { error: "no server is published on loopback" };
  for (const server of consul.values()) {
    const answer = await seen(() => consulState(server, access));
    if ("value" in answer || !("value" in last)) last = answer;
    if ("value" in answer && answer.value.leader) return answer;
  }
  return last;
}

async function consulState({ client, address }: { readonly client: ConsulClient; readonly address: string }, access: LabAccess): Promise<{ leader: string; servers: { name: string; healthy: boolean }[]; failingAllocations: ReadonlySet<string> }> {
  const { leader } = await client.leader();
  if (!leader) return { leader, servers: [], failingAllocations: new Set() };
  const [servers, failing] = await Promise.all([client.servers(), failingAllocations(address, access.consul)]);
  return { leader, servers: servers ?? [], failingAllocations: failing };
}
