/** The world of a move in earnest: the environment's machines, by the operator's credentials or the lab's own. */
import { mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { kvPaths } from "../../../contracts/kv";
import { SECRETS } from "../../../contracts/secrets";
import type { Environment } from "../../../environments/schema";
import { runScript } from "../../clients/ssh";
import { VaultClient } from "../../clients/vault";
import { readCredentials, withoutCredentials, type Variables } from "../../doctor/credentials";
import { labAccess } from "../../lab/access";
import { labMachines, publishedAddress } from "../../lab/machines";
import type { Side } from "../../lease/sources";
import { leaseCommands } from "../../lease/access";
import { operatorConsul } from "../../operator/access";
import { apiAddresses } from "../backfill/access";
import { dataFolder, openSide, type OpenedSide } from "../convex/sides";
import { legacyMachine } from "../machines";
import type { Progress } from "../progress";
import { diffSnapshots } from "../snapshot/diff";
import { TIMESCALE_KEY } from "./app-variables";
import type { MoveSettings } from "./step";
import { Interrupted, type Clock, type Keys, type World } from "./world";
import { announcer } from "./world/announce";
import { legacyApi } from "./world/api";
import { appSource } from "./world/app-source";
import { checkedSnapshots } from "./world/checked-snapshots";
import { convexSide } from "./world/convex-side";
import { importsFromHost } from "./world/host-convex";
import { consulKeys } from "./world/keys";
import { effectiveValues } from "./steps/source";
import { legacyHost } from "./world/ssh-host";
import { timescale } from "./world/timescale";

const API_TOKEN = "API_TOKEN";
const ALERT_TOKEN = "ALERT_TOKEN";

export interface MoveAccess {
  readonly variables: Variables;
  readonly readFile: (path: string) => string;
  /** A checkout of the app to deploy from. */
  readonly checkout: string | undefined;
  /** The app writes int64 and floats with a fraction to one field by itself. */
  readonly acceptMixedNumbers: boolean;
  readonly progress: Progress;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @throws Error when the lab is not up, or a credential is missing */
export async function moveWorld(env: Environment, { variables, readFile, checkout, acceptMixedNumbers, progress, say, signal }: MoveAccess): Promise<World> {
  const machine = legacyMachine(env);
  const quiet = withoutCredentials(variables);
  const run = (script: string): Promise<readonly string[]> => runScript(machine, script, { variables: quiet });
  const { legacy, dataMove } = env;
  const { commands } = legacy;
  const host = legacyHost(
    {
      checkout: legacy.checkout,
      pidFiles: legacy.pidFiles,
      stop: { worker: commands.stopWorker, api: commands.stopApi },
      start: { worker: commands.startWorker, api: commands.startApi ?? commands.start },
      grace: dataMove.stopGrace,
    },
    run,
  );
  /** As the legacy processes have it: the first of their files that sets it. */
  const hostValue = async (key: string): Promise<string | undefined> => (await effectiveValues(host, dataMove, [key]))[key];
  const check = checkedSnapshots({ progress, signal, acceptMixedNumbers });
  const open = (side: Side): Promise<OpenedSide> => openSide(env, side, { variables, signal, say });
  const convex = (opened: OpenedSide): World["source"] => convexSide(opened, { recordFolder: dataFolder(env, "imports"), criticalTables: dataMove.criticalTables, check, progress, say, signal });
  const [legacySide, platformSide] = await Promise.all([open("legacy"), open("nomad")]);
  const vault = vaultSecrets(env, variables, readFile);
  return {
    host,
    api: legacyApi(apiAddresses(env, "legacy")[0], once(() => hostValue(API_TOKEN)), signal),
    source: convex(legacySide),
    target: convex(platformSide),
    importsFromHost: importsFromHost({ checkout: legacy.checkout, adminKey: () => platformSide.instance.access.adminKey(), run }),
    snapshots: {
      validate: check,
      diff: async (a, b) => (await diffSnapshots(a, b, { progress, signal })).filter(({ added, removed, changed }) => added + removed + changed > 0),
      async freeBytes() {
        await mkdir(dataFolder(env), { recursive: true, mode: 0o700 });
        const { bavail, bsize } = await statfs(dataFolder(env));
        return bavail * bsize;
      },
    },
    keys: operatorKeys(env, variables, readFile),
    app: await appSource(dataMove.app, { checkout, cache: join(dataFolder(env), "app.git"), variables: quiet, signal }),
    timescale: dataMove.timescale && timescale({
      named: dataMove.timescale,
      checkout: legacy.checkout,
      sourceUrl: once(() => hostValue(TIMESCALE_KEY)),
      targetUrl: once(async () => {
        const url = await vault(TIMESCALE_KEY);
        if (!url) throw new Error(`Vault has no ${TIMESCALE_KEY}, which the legacy processes would get; write it, or use a token that may read it`);
        return url;
      }),
      run,
    }),
    announce: announcer({ destination: alertDestination(env), environment: env.name, token: async () => variables[ALERT_TOKEN]?.trim() || (await vault(ALERT_TOKEN)), now: () => new Date(), signal }),
    clock: CLOCK,
  };
}

const CLOCK: Clock = {
  now: () => new Date(),
  async wait(ms, signal) {
    try {
      await pause(ms, undefined, { signal });
    } catch {
      throw new Interrupted();
    }
  },
};

/** A first answer is kept: what it says of changes with the move itself. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask().catch((error: unknown) => {
      asked = undefined;
      throw error;
    });
    return asked;
  };
}

/** @throws Error that names the variable */
function operatorKeys(env: Environment, variables: Variables, readFile: (path: string) => string): Keys {
  const { addresses, token, caPem } = operatorConsul(env, variables, readFile);
  return consulKeys(addresses, token, kvPaths(env.nomad.namespace), { ca: caPem });
}

/** Secrets by field; undefined where Vault or its token is not at hand, or has none. */
function vaultSecrets(env: Environment, variables: Variables, readFile: (path: string) => string): (field: string) => Promise<string | undefined> {
  return async (field) => {
    const path = SECRETS.find((secret) => secret.field === field)?.path;
    if (path === undefined) throw new Error(`there is no secret ${field} in contracts/secrets.ts`);
    const { vaultToken, vaultCa } = readCredentials(variables, readFile);
    const endpoint = env.lab ? labAccess(env).vault : vaultToken === undefined ? undefined : { address: env.vault.operatorAddress ?? env.vault.address, token: vaultToken, caPem: vaultCa };
    if (!endpoint) return undefined;
    return (await new VaultClient(endpoint.address, { ca: endpoint.caPem }, endpoint.token).readSecret(env.vault.kvMount, path))?.fields[field];
  };
}

/** In a lab, the double of what receives alerts, by its port on this machine. */
function alertDestination(env: Environment): string {
  if (!env.lab) return env.alerts.destination;
  const { hostname, port } = new URL(env.alerts.destination);
  const machine = labMachines(env, env.lab).find(({ address }) => address === hostname);
  const published = machine && publishedAddress(machine, Number(port));
  return published ? env.alerts.destination.replace(`${hostname}:${port}`, published) : env.alerts.destination;
}

export function moveSettings(env: Environment): MoveSettings {
  const { dataMove, legacy } = env;
  const gvfx = `${env.name === "production" ? "" : `GVFX_ENV=${env.name} `}npm run gvfx --`;
  return {
    ...dataMove,
    convexUrl: dataMove.convexUrl.replace(/\/+$/, ""),
    sourceUrl: legacy.convexUrl,
    hostAddress: legacy.host.tailnetAddress,
    apiStartsAlone: legacy.commands.startApi !== undefined,
    commands: { move: `${gvfx} data move`, resume: `${gvfx} data move --resume`, undo: `${gvfx} data move undo`, giveBack: leaseCommands(env).give("legacy"), adminKey: `${gvfx.replace("npm run", "npm run --silent")} data admin-key` },
  };
}
