/** The world, the ledger and the settings of a cutover in earnest: the environment's machines, by the operator's credentials or the lab's own. */
import { setMaxListeners } from "node:events";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { kvPaths } from "../../contracts/kv";
import { STACK_IDS } from "../../contracts/stacks";
import { Duration } from "../../contracts/units";
import { runTimeout } from "../../constructs/jobs/guardian-settings";
import type { Environment } from "../../environments/schema";
import { ConsulKv } from "../clients/consul-kv";
import { NomadVariables } from "../clients/nomad-variables";
import { runScript, type SshTarget } from "../clients/ssh";
import { convexCalls } from "../data/backfill/convex-calls";
import { backfillAccess } from "../data/backfill/access";
import { measureCoverage } from "../data/backfill/measure";
import { selectPairs } from "../data/backfill/select-pairs";
import { convexAddress } from "../data/convex/access";
import { legacyMachine, nodeMachine } from "../data/machines";
import { moveSettings, moveWorld } from "../data/move/access";
import { movesFolder } from "../data/move/journal";
import { checkedSnapshots } from "../data/move/world/checked-snapshots";
import { consulKeys } from "../data/move/world/keys";
import { silentProgress } from "../data/progress";
import { foldChecks, type Checked } from "../acceptance/result";
import { allChecks } from "../doctor/command";
import { createContext } from "../doctor/context";
import { secretsOf, withoutCredentials, type Variables } from "../doctor/credentials";
import { redacted } from "../doctor/report";
import { bounded, runChecks } from "../doctor/runner";
import { withLabHostKeys } from "../lab/access";
import { synthesizeLab, Terraform, type LabStackId } from "../lab/terraform";
import { leaseAccess, leaseCommands } from "../lease/access";
import { doctorLogin, operatorConsul, operatorNomad } from "../operator/access";

import { readGuardian, triggersOf } from "./guardian";
import { NomadLedger } from "./nomad-ledger";
import { cutoverSettings } from "./settings";
import type { CutoverWorld } from "./world";
import { acceptanceGates } from "./world/acceptance";
import { coverageOutcome } from "./world/coverage";
import { dataBack, dataMoveSeen, snapshotKept } from "./world/data-move";
import { exchangeHosts } from "./world/exchange";
import { guardianEntries } from "./world/guardian-entries";
import { overlappingRuns } from "./world/ingestion-runs";
import { legacySide } from "./world/legacy";
import { seeWorkers, type WorkerMachine } from "./world/machines";
import { operatorTerraform, seePlans } from "./world/plans";
import { preflightChecks } from "./world/preflight";
import { gatewayUrls, seeTraffic } from "./world/traffic";
import { workerLease } from "./world/worker-lease";

/** In the order of their dependencies. */
/** Of the machine that a lab runs on: its disk, and whether it resolves public names. A lab may be rehearsed on a slow one without a network. */
const OF_THE_MACHINE_BELOW = /\.(fsync|recursors)$/;
/** As `gvfx doctor` bounds itself: a node that is slow to log in to and slow to write. */
const DOCTOR_LIMIT = Duration.seconds(60);

export interface CutoverAccess {
  readonly variables: Variables;
  readonly readFile: (path: string) => string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @throws Error that names a missing credential, or that the lab is not up */
export function cutoverLedger(env: Environment, { variables, readFile }: Pick<CutoverAccess, "variables" | "readFile">): NomadLedger {
  return new NomadLedger({
    variables: ledgerVariables(env, variables, readFile),
    folder: join(".gvfx", env.name, "cutover"),
    by: `${userInfo().username}@${hostname()}`,
    pid: process.pid,
    alive: (pid) => {
      try {
        process.kill(pid, 0);
        return true;
      } catch (error) {
        // Somebody else's lives too.
        return (error as NodeJS.ErrnoException).code === "EPERM";
      }
    },
  });
}

function ledgerVariables(env: Environment, variables: Variables, readFile: (path: string) => string): NomadVariables {
  return new NomadVariables(operatorNomad(env, variables, readFile), env.nomad.namespace);
}

/** Evidence of the gate "data-move", which a plan of the way forward needs. */
export async function dataMoveVerdict(env: Environment, { variables, readFile }: Pick<CutoverAccess, "variables" | "readFile">): Promise<string> {
  const { addresses, token, caPem } = operatorConsul(env, variables, readFile);
  return (await consulKeys(addresses, token, kvPaths(env.nomad.namespace), { ca: caPem }).evidence()).verdict ?? "none";
}

/** @throws Error that names a missing credential, or that the lab is not up */
export function cutoverWorld(given: Environment, access: CutoverAccess): CutoverWorld {
  const env = withLabHostKeys(given);
  const { variables, readFile, say, signal } = access;
  const settings = cutoverSettings(env);
  const paths = kvPaths(env.nomad.namespace);
  const consul = operatorConsul(env, variables, readFile);
  const kv = new ConsulKv(consul.addresses, consul.token, { ca: consul.caPem });
  const evidence = consulKeys(consul.addresses, consul.token, paths, { ca: consul.caPem });
  const nomad = ledgerVariables(env, variables, readFile);
  const quiet = withoutCredentials(variables);
  const on = (machine: SshTarget): WorkerMachine["run"] => (script) => runScript(machine, script, { variables: quiet, signal });
  const read = async (key: string): Promise<string | undefined> => (await kv.read(key))?.value;
  const { legacy, dataMove } = env;
  const check = checkedSnapshots({ signal, acceptMixedNumbers: true });
  const guardian = async () => readGuardian(await guardianEntries(nomad, new Date(Date.now() - env.cutover.watch.milliseconds - settings.guardianSilentAfter.milliseconds)), { now: new Date(), silentAfter: settings.guardianSilentAfter, triggers: Object.keys(env.cutover.rollback) });
  const legacyHost = legacySide({
    checkout: legacy.checkout,
    pidFiles: legacy.pidFiles,
    stop: { worker: legacy.commands.stopWorker, api: legacy.commands.stopApi },
    start: { worker: legacy.commands.startWorker, api: legacy.commands.startApi ?? legacy.commands.start },
    startFrontend: legacy.commands.startFrontend,
    stopFrontend: legacy.commands.stopFrontend,
    frontendUrl: `http://127.0.0.1:${legacy.ports.frontend}/`,
    grace: dataMove.stopGrace,
    run: on(legacyMachine(given)),
    wait: (ms) => pause(ms, undefined, { signal }),
  });
  const workers = () => seeWorkers({ machines: workerMachines(given).map((machine) => ({ name: machine.name, run: on(machine) })), exchange: exchangeHosts(env.tuning.worker) });
  return {
    legacy: legacyHost,
    lease: workerLease(leaseAccess(env, variables, readFile).sources, leaseCommands(env)),
    async switches() {
      const [owner, traffic, sections] = await Promise.all([paths.workerOwner, paths.traffic, paths.sections].map(read));
      return { owner, traffic, sections };
    },
    setSwitch: (name, to) => kv.set(paths[name], to),
    doctor: async (ended) => {
      const looks = await Promise.all([doctorChecks(env, { variables, readFile, ended }), preflightChecks({ nomad: operatorNomad(env, variables, readFile), servers: env.nodes.length + 1, appNodes: env.nodes.map(({ name }) => name), legacy: legacyHost, seeLegacy: settings.commands.seeLegacyWorker, signal: ended })]);
      return foldChecks(looks.flat(), settings.commands.doctor);
    },
    plans: (ended) => seePlans({ stacks: STACK_IDS, hasChanges: env.lab ? labTerraform(env) : operatorTerraform({ environment: env.name }), signal: ended }),
    convexUrl: dataMove.convexUrl.replace(/\/+$/, ""),
    dataMove: async () => dataMoveSeen(await evidence.evidence(), movesFolder(env.name)),
    snapshotKept: (path) => snapshotKept(path, check),
    ...acceptanceGates(env, { variables, readFile }, settings),
    async coverage(ended) {
      const { data } = await backfillAccess(env, "nomad", variables, ended);
      return coverageOutcome(await measureCoverage(data, { environment: env.name, side: "nomad", pairs: selectPairs(env.markets, { gold: true }), settings: env.coverage, progress: silentProgress, signal: ended }), settings.commands);
    },
    workers,
    async writers() {
      const [seen, overlaps] = await Promise.all([workers(), overlapping(env, signal)]);
      return { ...seen, overlappingRuns: overlaps };
    },
    traffic: (requests, ended) => seeTraffic({ urls: gatewayUrls(env), requests, signal: ended }),
    guardian,
    triggers: async () => triggersOf(await guardian(), settings.guardianSilentAfter, settings.commands.rollBack),
    dataBack: (ended) =>
      dataBack({
        folder: movesFolder(env.name),
        mover: async (journal, folder) => {
          const [start] = journal.entries();
          const world = await moveWorld(given, { variables, readFile, checkout: variables.GVFX_APP_SOURCE?.trim() || undefined, acceptMixedNumbers: start?.event === "start" && start.options.acceptMixedNumbers === true, progress: silentProgress, say, signal: ended });
          return { world, settings: moveSettings(env), journal, folder, progress: silentProgress, say, signal: ended };
        },
        commands: { status: settings.commands.moveStatus, undo: `${settings.commands.move} undo --give-up-new-writes` },
      }),
    recordWatch: (verdict) => kv.set(`${paths.evidence}/watch`, verdict),
    clock: {
      now: () => new Date(),
      wait: async (ms, ended) => {
        await pause(ms, undefined, { signal: ended });
      },
    },
  };
}

/** Every machine that can run a worker, once: legacy may be on one of the app nodes. In a lab it shares the node's address alone, not its processes. */
function workerMachines(env: Environment): SshTarget[] {
  const nodes = env.nodes.map(({ name }) => nodeMachine(env, name));
  return env.legacy.host.node === undefined || env.lab ? [...nodes, legacyMachine(env)] : nodes;
}

async function overlapping(env: Environment, signal: AbortSignal): Promise<string[]> {
  const calls = convexCalls(convexAddress(env, "nomad"), signal);
  return overlappingRuns(calls, { now: Date.now() + (await calls.clockAhead()), window: env.cutover.rollback.duplicateIngestionRuns.window, timeout: runTimeout(env) });
}

async function doctorChecks(env: Environment, { variables, readFile, ended }: Pick<CutoverAccess, "variables" | "readFile"> & { readonly ended: AbortSignal }): Promise<Checked[]> {
  const { credentials, identityFile } = doctorLogin(env, variables, readFile);
  const limit = bounded(DOCTOR_LIMIT);
  const both = AbortSignal.any([limit.signal, ended]);
  setMaxListeners(0, both);
  try {
    const results = await runChecks(allChecks(env).filter(({ id }) => !env.lab || !OF_THE_MACHINE_BELOW.test(id)), createContext(env, credentials, { signal: both, sshVariables: withoutCredentials(variables), identityFile }), { signal: both });
    return results.map((result) => redacted(result, secretsOf(credentials))).map(({ check, outcome }) => ({ id: check.id, title: `${check.target}: ${check.title}`, outcome }));
  } finally {
    limit.release();
    limit.abort();
  }
}

function labTerraform(env: Environment): (stack: string) => Promise<boolean> {
  const terraform = new Terraform(env);
  let synthesized: Promise<void> | undefined;
  return async (stack) => {
    await (synthesized ??= synthesizeLab(env.name));
    return terraform.hasChanges(stack as LabStackId);
  };
}
