/** How the operator's machine gets at the lease: the lab's own credentials, or the operator's in variables that the caller passes. */
import { z } from "zod";
import { kvPaths } from "../../contracts/kv";
import { Duration } from "../../contracts/units";
import type { Environment, Lab } from "../../environments/schema";
import { UnexpectedAnswer, json, request } from "../clients/http";
import { readCredentials, type Variables } from "../doctor/credentials";
import { labAccess, type LabAccess } from "../lab/access";
import { Engine } from "../lab/engine";
import { labMachines } from "../lab/machines";
import { labClients } from "../lab/status/clients";
import type { Commands } from "./assess";
import { LeaseConsul } from "./consul";
import { LEGACY_STOPPED } from "./legacy-proof";
import type { LeaseSources, RegisteredWorker, WorkerState } from "./sources";

/** A worker answers from memory; one that is cut off must not hold up the rest. */
const STATE_TIMEOUT = Duration.seconds(3);

/** Everything is on this machine: what takes longer is paused or cut off, and the next server is asked. */
const LAB_ANSWER_TIMEOUT = Duration.seconds(6);

export interface LeaseAccess {
  readonly sources: LeaseSources;
  /** Of Consul, for sentences. */
  readonly address: string;
  /** Where a certificate's authority is taken from, for sentences; the lab has its own. */
  readonly caVariable?: string;
  readonly caGiven: boolean;
}

const stateSchema = z.object({ phase: z.string(), since: z.string(), reason: z.string().nullish(), session: z.string().nullish(), remainingMs: z.number().nullish(), childPid: z.number().nullish() });

/** What /state answers. */
export function workerState(body: unknown): WorkerState {
  const { phase, since, reason = null, session = null, remainingMs = null, childPid = null } = stateSchema.parse(body);
  return { phase, since, reason, session, remainingMs, childPid };
}

/** @throws Error when the lab is not up, or a credential is missing */
export function leaseAccess(env: Environment, variables: Variables, readFile: (path: string) => string): LeaseAccess {
  if (env.lab) return { sources: labLeaseSources(env, env.lab, labAccess(env)), address: env.consul.address, caGiven: true };
  const { consulToken, consulCa } = readCredentials(variables, readFile);
  if (!consulToken) throw new Error(`CONSUL_HTTP_TOKEN is not set, so that Consul would show nothing of the lease; export the cutover operator's token, and CONSUL_CACERT (PEM file) where its certificate is of an own authority; for the lab: GVFX_ENV=lab`);
  const address = consulAddress(env, variables.CONSUL_HTTP_ADDR?.trim());
  const consul = new LeaseConsul([address], consulToken, kvPaths(env.nomad.namespace), { ca: consulCa });
  return { sources: withStates(consul, stateOverTailnet), address, caVariable: "CONSUL_CACERT", caGiven: consulCa !== undefined };
}

/** An operator's own way to Consul, a tunnel say, comes before the environment's. Consul's programs take it without a scheme too. */
function consulAddress(env: Environment, given: string | undefined): string {
  if (!given) return env.consul.address;
  const address = /^https?:\/\//.test(given) ? given : `http://${given}`;
  if (!URL.canParse(address)) throw new Error(`CONSUL_HTTP_ADDR is "${given}", which is no address, so that Consul cannot be asked; correct it, or unset it to use ${env.consul.address} of the environment`);
  return address;
}

/** @param engine in which the machines run */
export function labLeaseSources(env: Environment, lab: Lab, access: LabAccess, engine = new Engine()): LeaseSources {
  const addresses = [...labClients(env, lab, access).consul.values()].map(({ address }) => address);
  const consul = new LeaseConsul(addresses.length > 0 ? addresses : [env.consul.address], access.consul.token, kvPaths(env.nomad.namespace), { ca: access.consul.caPem, answerTimeout: LAB_ANSWER_TIMEOUT });
  const device = labMachines(env, lab).find(({ role }) => role === "device")!;
  // An allocation's port is on the container network alone, which this machine has no way into in Docker Desktop.
  return withStates(consul, async ({ address, port }) => JSON.parse(await engine.text(["exec", device.container, "curl", "--silent", "--show-error", "--fail", "--max-time", `${STATE_TIMEOUT.seconds}`, `http://${address}:${port}/state`])) as unknown);
}

function withStates(consul: LeaseConsul, ask: (worker: RegisteredWorker) => Promise<unknown>): LeaseSources {
  return {
    keys: consul.keys,
    readKeys: () => consul.readKeys(),
    session: (id) => consul.session(id),
    workers: () => consul.workers(),
    setOwner: (to, index) => consul.setOwner(to, index),
    workerState: async (worker) => workerState(await ask(worker)),
  };
}

async function stateOverTailnet({ address, port }: RegisteredWorker): Promise<unknown> {
  const answer = await request(`http://${address}:${port}/state`, { connectTimeout: STATE_TIMEOUT, answerTimeout: STATE_TIMEOUT });
  if (answer.status !== 200) throw new UnexpectedAnswer(answer.status, "the worker's /state");
  return json(answer, "the worker's /state");
}

/** The commands that help, as they are typed for an environment. */
export function leaseCommands(env: Environment): Commands {
  const gvfx = `${env.name === "production" ? "" : `GVFX_ENV=${env.name} `}npm run gvfx --`;
  return {
    status: `${gvfx} lease status`,
    why: env.lab ? "npm run gvfx -- lab logs gvfx-worker" : `${gvfx} why gvfx-worker`,
    deploy: env.lab ? "npm run lab" : "npx cdktf deploy cutover",
    give: (side, stated) => `${gvfx} lease give ${side}${stated ? ` ${LEGACY_STOPPED}` : ""}`,
    seeLegacy: seeLegacy(env),
  };
}

/** By the pid file, and by name: the app's own stop forgets the PID before the worker is gone. The brackets keep the shell that asks out of the answer. */
function seeLegacy({ lab, legacy: { host, checkout, pidFiles } }: Environment): string {
  const ask = `pgrep -aF ${checkout}/${pidFiles.worker} 2>/dev/null; pgrep -af "[j]obs/worker.ts"`;
  return lab ? `npm run gvfx -- lab exec legacy -- sh -c '${ask}'` : `ssh -p ${host.ssh.port} ${host.ssh.user}@${host.ssh.host ?? host.tailnetAddress} '${ask}'`;
}
