/** How the operator's machine gets at a side's api and Convex for a backfill and its proof. */
import { entriesFor } from "../../../contracts/env";
import { Duration } from "../../../contracts/units";
import type { Environment } from "../../../environments/schema";
import { request } from "../../clients/http";
import { VaultClient } from "../../clients/vault";
import type { Variables } from "../../doctor/credentials";
import { labAccess } from "../../lab/access";
import { labMachines, publishedAddress } from "../../lab/machines";
import type { Side } from "../../lease/sources";
import { convexAccess } from "../convex/access";
import { appApi, type AppApi } from "./app-api";
import { convexCalls } from "./convex-calls";
import { convexMarketData } from "./convex-market-data";
import type { MarketData } from "./market-data";

export const TOKEN_VARIABLE = "API_TOKEN";
/** Where API_TOKEN lives in Vault, below the mount (contracts/secrets.ts). */
const TOKEN_PATH = "app/api-token";
/** /health is answered from memory. */
const HEALTH_TIMEOUT = Duration.seconds(5);

export interface BackfillAccess {
  /** @throws Error when no api answers, or the token is missing */
  api(): Promise<AppApi>;
  readonly data: MarketData;
}

/** @throws Error when the lab is not up, or does not publish a port that is needed */
export async function backfillAccess(env: Environment, side: Side, variables: Variables, signal?: AbortSignal): Promise<BackfillAccess> {
  const convex = await convexAccess(env, side, variables);
  return {
    data: convexMarketData(convexCalls(convex.address, signal), () => convex.adminKey()),
    api: async () => {
      const token = await apiToken(env, side, variables);
      return appApi(await answering(apiAddresses(env, side), signal), token);
    },
  };
}

/** Where a side's api may be asked: for Nomad the gateway of either app node. @throws Error when a lab publishes none */
export function apiAddresses(env: Environment, side: Side): string[] {
  const direct = side === "legacy" ? [{ name: "legacy", address: env.legacy.host.tailnetAddress, port: env.legacy.ports.api }] : env.nodes.map(({ name, tailnetAddress }) => ({ name, address: tailnetAddress, port: env.ports.api }));
  if (!env.lab) return direct.map(({ address, port }) => `http://${address}:${port}`);
  const machines = labMachines(env, env.lab);
  const published = direct.flatMap(({ name, port }) => publishedAddress(machines.find((machine) => machine.name === name)!, port) ?? []);
  if (published.length === 0) throw new Error(`the lab publishes port ${direct[0].port} of none of ${direct.map(({ name }) => name).join(", ")}, so that the app's api cannot be reached from here; add it to lab.published in environments/lab.ts and run: npm run lab`);
  return published.map((address) => `http://${address}`);
}

async function answering(addresses: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      const { status } = await request(`${address}/health`, { connectTimeout: HEALTH_TIMEOUT, answerTimeout: HEALTH_TIMEOUT, signal });
      if (status === 200) return address;
      failures.push(`${address} answered ${status}`);
    } catch (error) {
      signal?.throwIfAborted();
      failures.push((error as Error).message);
    }
  }
  throw new Error(`no api of the app answers, so nothing was ingested: ${failures.join("; ")}. Start it (for Nomad: deploy app, and look at the gateway of each node), or choose the other side with --side`);
}

/** An app that is given no API_TOKEN takes every call: legacy may run so. */
export async function apiToken(env: Environment, side: Side, variables: Variables): Promise<string | undefined> {
  const given = variables[TOKEN_VARIABLE]?.trim();
  if (given || side === "legacy") return given || undefined;
  if (!env.lab) throw new Error(`${TOKEN_VARIABLE} is not set, so that the app's api would refuse the call; export the one of Vault's ${env.vault.kvMount}/${TOKEN_PATH}, for example: export ${TOKEN_VARIABLE}="$(vault kv get -mount=${env.vault.kvMount} -field=${TOKEN_VARIABLE} ${TOKEN_PATH})"`);
  const { address, token, caPem } = labAccess(env).vault;
  const secret = await new VaultClient(address, { ca: caPem }, token).readSecret(env.vault.kvMount, TOKEN_PATH);
  const stored = secret?.fields[TOKEN_VARIABLE];
  if (!stored) throw new Error(`the lab's OpenBao has no ${TOKEN_VARIABLE} in ${env.vault.kvMount}/${TOKEN_PATH}; npm run lab writes it`);
  return stored;
}

/** How long the app lets an ingest be before it takes it for dead: as it is deployed, or the app's default. */
export function runTimeout(env: Environment): Duration {
  const key = "INGESTION_RUN_TIMEOUT_MIN";
  const minutes = Number(env.tuning.api[key] ?? entriesFor("api").find((entry) => entry.key === key)?.default ?? "30");
  return Duration.minutes(minutes);
}
