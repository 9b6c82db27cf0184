/** The lab of this machine, as a drill needs it. */
import { setTimeout as pause } from "node:timers/promises";
import { JOBS } from "../../contracts/services";
import { kvPaths } from "../../contracts/kv";
import { Duration } from "../../contracts/units";
import type { Environment, Lab } from "../../environments/schema";
import { labAccess } from "../lab/access";
import { labBreaker } from "../lab/break/command";
import type { Breaker } from "../lab/break/breaker";
import { Engine } from "../lab/engine";
import { labMachines, publishedAddress, type Machine } from "../lab/machines";
import { apiToken } from "../lab/outages/sources";
import { labClients, nomadAddresses } from "../lab/status/clients";
import { collectStatus } from "../lab/status/collect";
import { Terraform } from "../lab/terraform";
import { arrange, type Stage } from "./arrange";
import { BetweenRuns } from "./between-runs";
import { DrillClock } from "./clock";
import { DatabaseRecord } from "./database";
import { ExchangeRecord } from "./exchange";
import { giveBack } from "./give-back";
import { KeySwitch } from "./key-switch";
import { LabActs } from "./lab-acts";
import { LabFaults } from "./lab-faults";
import { observeLab } from "./observe";
import { NomadOperator } from "./nomad";
import { Interrupted, type Running, type Scene } from "./scene";
import { PLAIN_JOB, TickRecord } from "./tick-record";
import { TickReader } from "./tick-reader";
import { WorkerJobs } from "./worker-jobs";

/** A lab, and what gives it back as it was. */
export interface OpenedScene {
  readonly scene: Scene;
  /** Heals, removes the plain job, takes back what was changed. Safe to repeat. */
  readonly close: () => Promise<void>;
  /** Version of the container engine. */
  readonly engineVersion: string;
}

const ANSWER_TIMEOUT = Duration.seconds(6);
/** Until a worker is seen to tick, or to be where it should. */
const FIRST_TICKS = Duration.seconds(20);

export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** @default the engine of this machine */
  readonly engine?: Engine;
  /** To be closed at once, whatever state the lab is in. @default false */
  readonly bare?: boolean;
}

/** @throws Error that says what is missing */
export async function openLabScene(env: Environment, lab: Lab, { signal, say, engine = new Engine(), bare = false }: OpenOptions): Promise<OpenedScene> {
  const access = labAccess(env);
  const machines = labMachines(env, lab);
  const nodes = machines.filter(({ role }) => role === "node");
  const clients = labClients(env, lab, access);
  if (!access.nomad || !clients.nomad) throw new Error("the jobs are not deployed, so that there is no worker to drill; bring the lab up with: npm run lab");
  const breaker = labBreaker(env, lab, engine);
  const operator = new NomadOperator(nomadAddresses(machines), env.nomad.namespace, access.nomad.token, { ca: access.nomad.caPem, answerTimeout: ANSWER_TIMEOUT });
  const jobs = new WorkerJobs(env, nodes, engine, clients.nomad, operator);
  const [token, engineVersion] = await Promise.all([apiToken(env, access), engine.text(["version", "--format", "{{.Server.Version}}"])]);

  const [clock, record, between] = [new DrillClock(), new TickRecord(), new BetweenRuns()];
  const reader = new TickReader({ engine, nodes, dataDir: env.nomad.dataDir, record, clock });
  const wait = (time: Duration): Promise<void> => pause(time.milliseconds, undefined, { signal }).catch(() => {
    throw new Interrupted();
  });
  const running = (policy: Running["policy"]): Running[] => record.running(policy, clock.now());
  const workerNode = (): Machine => {
    const [worker] = running("lease");
    const node = nodes.find(({ name }) => name === worker?.node);
    if (!node) throw new Error("no worker with a lease is seen to run, so that nothing can be done to its node");
    return node;
  };
  const consulLeader = async (): Promise<Machine> => {
    for (const { client } of clients.consul.values()) {
      const { leader } = await client.leader();
      const machine = machines.find(({ address }) => leader.startsWith(`${address}:`));
      if (machine) return machine;
    }
    throw new Error("Consul has no leader");
  };
  const nomadLeader = async (): Promise<string> => {
    const leader = (await operator.servers()).find((server) => server.leader);
    if (!leader) throw new Error("Nomad has no leader");
    return leader.name;
  };
  const problems = async (): Promise<string[]> => platformProblems(env, lab, engine, operator, running);

  const surroundings = { workerNode, nomadLeader, consulLeader };
  const faults = new LabFaults(breaker, engine, jobs, surroundings);
  const acts = new LabActs({ jobs, engine, terraform: new Terraform(env), workerNode: () => workerNode().name, dataDir: env.nomad.dataDir, wait, wallAhead: () => record.wallAhead("lease") });
  const stage: Stage = { say, wait, problems, running, jobs, operator, nodes: nodes.map(({ name }) => name), dataNode: env.dataPlane.node, witness: env.witness.name, heartbeat: env.nomad.minHeartbeatTtl.times(2) };
  const traffic = new KeySwitch(access.consul, kvPaths(env.nomad.namespace).traffic);
  const exchange = machines.find(({ role }) => role === "exchange")!;
  const dataNode = nodes.find(({ name }) => name === env.dataPlane.node)!;
  const sources = { clock, record, reader, between, jobs, exchange: new ExchangeRecord(published(exchange, lab.exchange.port)), database: new DatabaseRecord(published(dataNode, env.ports.convex)), gateways: nodes.map((node) => published(node, env.ports.api)), token, say };

  const scene: Scene = {
    now: () => clock.now(),
    wait,
    problems,
    running,
    arrange: (given) => arrange(given, stage),
    observe: () => observeLab(sources),
    perform: async (step, mark) => {
      if ("act" in step) return acts.do(step.act, mark);
      if ("at" in step) return faults.last(step.fault, step.at, mark);
      await faults.happen(step.fault, mark);
      return {};
    },
    healAll: async () => void (await breaker.heal({}, say)),
    restore: async () => {
      if (await jobs.restoreLeased({ versions: false })) say("the platform's worker is as it was deployed");
    },
  };
  const opened = async (): Promise<void> => {
    for (const name of await operator.openClosed(nodes.map((node) => node.name))) say(`${name} takes allocations again`);
  };
  const close = async (): Promise<void> => {
    await reader.close();
    await giveBack([() => breaker.heal({}, say), opened, () => jobs.removePlain(), () => jobs.restoreLeased({ versions: true }), () => traffic.restore()]);
  };

  if (!bare) {
    try {
      await begin(breaker, env, access.consul, traffic, reader, say);
      await opened();
      await seen(reader, record, clock, jobs, wait);
      between.end(clock.now());
    } catch (error) {
      await close().catch((left: Error) => say(left.message));
      throw error;
    }
  }
  return { scene, close, engineVersion: engineVersion.trim() };
}

function published(machine: Machine, port: number): string {
  const address = publishedAddress(machine, port);
  if (!address) throw new Error(`port ${port} of ${machine.name} is not published, so that the drill cannot ask it; add it to lab.published of the environment`);
  return `http://${address}`;
}

/** What `lab status` says, a deployment that is under way, and whether exactly one worker with a lease ticks. */
async function platformProblems(env: Environment, lab: Lab, engine: Engine, operator: NomadOperator, running: (policy: "lease") => readonly Running[]): Promise<string[]> {
  const [status, deployment] = await Promise.all([collectStatus(env, lab, { engine }), operator.deployment(JOBS.worker).catch((error: Error) => `not known: ${error.message}`)]);
  const workers = running("lease");
  return [
    ...status.problems.map(({ what }) => what).filter((what) => !what.startsWith(`${PLAIN_JOB}:`)),
    ...(deployment === undefined || ["successful", "failed", "cancelled"].includes(deployment) ? [] : [`${JOBS.worker}: its deployment is ${deployment}`]),
    ...(workers.length === 1 ? [] : [`${workers.length} workers with a lease tick`]),
  ];
}

/** What an earlier drill, or somebody, left; and where users, and so orders, go. */
async function begin(breaker: Breaker, env: Environment, consul: ConstructorParameters<typeof KeySwitch>[0], traffic: KeySwitch, reader: TickReader, say: (line: string) => void): Promise<void> {
  const owner = await new KeySwitch(consul, kvPaths(env.nomad.namespace).workerOwner).value();
  if (owner !== "nomad") throw new Error(`the worker belongs to "${owner ?? "nobody"}", so that Nomad's only stands by and there is nothing to drill; give it to Nomad: npm run gvfx -- lab up --owner nomad`);
  await breaker.heal({}, say);
  await traffic.set("nomad");
  reader.start();
}

/** @throws Error when the worker writes no ticks: it is no double, or not of this version */
async function seen(reader: TickReader, record: TickRecord, clock: DrillClock, jobs: WorkerJobs, wait: (time: Duration) => Promise<void>): Promise<void> {
  await reader.caughtUp();
  for (let waited = 0; record.running("lease", clock.now()).length === 0; waited += 1) {
    if (waited > FIRST_TICKS.seconds) {
      const [worker] = await jobs.current(JOBS.worker);
      throw new Error(`no worker is seen to tick${worker ? `, although ${JOBS.worker} runs on ${worker.node}: it may stand by without the lease, or its image may not be the lab's double of this version` : ""}; see: npm run gvfx -- lab status. A drill needs the double (no GVFX_APP_SOURCE)`);
    }
    await wait(Duration.seconds(1));
  }
}
