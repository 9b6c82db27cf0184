/** How the operator's machine gets at a side for acceptance: addresses, token, and the data that it has written. */
import { setTimeout as pause } from "node:timers/promises";
import { kvPaths } from "../../contracts/kv";
import { allPairs } from "../../contracts/markets";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { apiAddresses, apiToken, backfillAccess } from "../data/backfill/access";
import { consulKeys } from "../data/move/world/keys";
import type { Variables } from "../doctor/credentials";
import { labMachines, publishedAddress } from "../lab/machines";
import { leaseAccess, leaseCommands } from "../lease/access";
import { assessLease } from "../lease/assess";
import { lookAtLease } from "../lease/look";
import type { Side } from "../lease/sources";
import { operatorConsul } from "../operator/access";
import type { SectionsExpected, SectionsOptions } from "./sections";
import type { SmokeOptions } from "./smoke";

/** The worker flushes its stream every second (BINGX_WS_FLUSH_INTERVAL_MS of the contract), and polls what it does not stream once a minute. */
const APART = Duration.seconds(15);

export interface AcceptanceAccess {
  readonly variables: Variables;
  readonly readFile: (path: string) => string;
  readonly signal: AbortSignal;
}

/** @throws Error when the lab is not up, or a credential is missing */
export async function smokeOptions(env: Environment, side: Side, { variables, readFile, signal }: AcceptanceAccess): Promise<SmokeOptions> {
  const lease = leaseCommands(env);
  const [{ data }, token] = await Promise.all([backfillAccess(env, await convexOf(env, side, { variables, readFile }), variables, signal), apiToken(env, side, variables)]);
  return {
    side,
    apis: apiAddresses(env, side),
    frontends: frontendAddresses(env, side),
    rlServices: rlAddresses(env, side),
    token,
    pairs: env.markets.bingxOverride ?? allPairs(env.markets),
    data,
    maxSilence: env.coverage.maxSilence,
    interval: env.coverage.intervals[0],
    apart: APART,
    workerRuns: async () => assessLease(await lookAtLease(leaseAccess(env, variables, readFile).sources), lease).verdict === "held",
    wait: async (time, ended) => {
      await pause(time.milliseconds, undefined, { signal: ended });
    },
    commands: { why: env.lab ? "npm run gvfx -- lab status" : lease.why.replace(/ gvfx-worker$/, ""), lease: lease.status },
  };
}

/** Whose Convex a side writes into: after the data move legacy has the platform's, as its evidence says. Whoever cannot read that is told of legacy's own. */
async function convexOf(env: Environment, side: Side, { variables, readFile }: Pick<AcceptanceAccess, "variables" | "readFile">): Promise<Side> {
  if (side === "nomad") return side;
  const moved = async (): Promise<boolean> => {
    const { addresses, token, caPem } = operatorConsul(env, variables, readFile);
    return (await consulKeys(addresses, token, kvPaths(env.nomad.namespace), { ca: caPem }).evidence()).verdict === "pass";
  };
  return (await moved().catch(() => false)) ? "nomad" : side;
}

/** @throws Error when the lab is not up, or a credential is missing */
export async function sectionsOptions(env: Environment, expected: SectionsExpected, { variables }: Pick<AcceptanceAccess, "variables">): Promise<SectionsOptions> {
  return { expected, frontends: frontendAddresses(env, "nomad"), apis: apiAddresses(env, "nomad"), token: await apiToken(env, "nomad", variables), catalog: env.markets };
}

/** Where a side's frontend may be asked: for Nomad the gateway of either app node. @throws Error when a lab publishes none */
export function frontendAddresses(env: Environment, side: Side): string[] {
  return addresses(env, side, { what: "the frontend", nomad: env.ports.frontend, legacy: env.legacy.ports.frontend });
}

/** Likewise the RL service. */
export function rlAddresses(env: Environment, side: Side): string[] {
  return addresses(env, side, { what: "the RL service", nomad: env.ports.rlService, legacy: env.legacy.ports.rlService });
}

function addresses(env: Environment, side: Side, { what, nomad, legacy }: { readonly what: string; readonly nomad: number; readonly legacy: number }): string[] {
  const direct = side === "legacy" ? [{ name: "legacy", address: env.legacy.host.tailnetAddress, port: legacy }] : env.nodes.map(({ name, tailnetAddress }) => ({ name, address: tailnetAddress, port: nomad }));
  if (!env.lab) return direct.map(({ address, port }) => `http://${address}:${port}`);
  const machines = labMachines(env, env.lab);
  const published = direct.flatMap(({ name, port }) => publishedAddress(machines.find((machine) => machine.name === name)!, port) ?? []);
  if (published.length === 0) throw new Error(`the lab publishes port ${direct[0].port} of none of ${direct.map(({ name }) => name).join(", ")}, so that ${what} cannot be reached from here; add it to lab.published in environments/lab.ts and run: npm run lab`);
  return published.map((address) => `http://${address}`);
}
