/** Makes everything as a case wants it, before anything is measured. */
import { JOBS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Given } from "./case";
import { hasMovableClock, withMovableClock } from "./job-variants";
import type { NomadOperator } from "./nomad";
import type { Policy } from "./result";
import type { Running } from "./scene";
import { PLAIN_JOB } from "./tick-record";
import type { WorkerJobs } from "./worker-jobs";

export interface Stage {
  readonly say: (line: string) => void;
  readonly wait: (time: Duration) => Promise<void>;
  readonly problems: () => Promise<readonly string[]>;
  readonly running: (policy: Policy) => readonly Running[];
  readonly jobs: Pick<WorkerJobs, "leased" | "placePlain" | "allocations" | "current">;
  readonly operator: Pick<NomadOperator, "servers" | "transferLeadership" | "register" | "job" | "close" | "open" | "stopAllocation">;
  /** Names. */
  readonly nodes: readonly string[];
  readonly dataNode: string;
  readonly witness: string;
  /** Longest time between two heartbeats of a node. */
  readonly heartbeat: Duration;
}

/** As long as a lab may take to get well after an outage. */
const WELL_WITHIN = Duration.minutes(3);
/** An allocation with an image that is there already starts in seconds; one that must stop before takes its delay and its kill timeout. */
const PLACED_WITHIN = Duration.seconds(60);
const LED_WITHIN = Duration.seconds(30);

/** @throws Error that says what could not be had in time */
export async function arrange(given: Given, stage: Stage): Promise<void> {
  await untilWell(stage);
  if (given.awayFromData) await leaveDataNode(stage);
  if (given.movableClock) await moveClocks(stage);
  await plainBeside(given, stage);
  if (given.leader) await lead(given.leader, stage);
  await untilWell(stage);
}

async function untilWell(stage: Stage): Promise<void> {
  let problems: readonly string[] = [];
  await within(WELL_WITHIN, stage, async () => (problems = await stage.problems()).length === 0, () => `the lab is not well, so that a case would show nothing: ${problems.join("; ")}; see: npm run gvfx -- lab status`);
}

async function leaveDataNode({ jobs, operator, dataNode, ...stage }: Stage): Promise<void> {
  if (stage.running("lease")[0]?.node !== dataNode) return;
  stage.say(`the worker is moved off ${dataNode}`);
  await operator.close(dataNode);
  try {
    for (const { id } of await jobs.current(JOBS.worker)) await operator.stopAllocation(id);
    await within(PLACED_WITHIN, stage, async () => stage.running("lease").some(({ node }) => node !== dataNode), () => `the worker did not leave ${dataNode}`);
  } finally {
    await operator.open(dataNode);
  }
  await untilWell({ jobs, operator, dataNode, ...stage });
}

async function moveClocks(stage: Stage): Promise<void> {
  const job = await stage.jobs.leased();
  if (hasMovableClock(job)) return;
  stage.say("the worker is deployed with a wall clock that can be moved");
  const before = stage.running("lease")[0]?.instance;
  await stage.operator.register(withMovableClock(job));
  await within(PLACED_WITHIN, stage, async () => stage.running("lease").some(({ instance }) => instance !== before), () => "the worker with a clock that can be moved did not start");
  await untilWell(stage);
}

/** One plain worker, on the node of the other one, as if it had never been restarted. */
async function plainBeside(given: Given, stage: Stage): Promise<void> {
  const movableClock = given.movableClock === true;
  const node = stage.running("lease")[0]?.node;
  if (!node) throw new Error("no worker with a lease is seen to run");
  if (await isInPlace(node, movableClock, stage)) return;
  stage.say(`the plain worker is placed on ${node}`);
  await stage.jobs.placePlain(node);
  const registered = await stage.operator.job(PLAIN_JOB);
  if (movableClock && registered) await stage.operator.register(withMovableClock(registered));
  await within(PLACED_WITHIN, stage, async () => isInPlace(node, movableClock, stage), () => `the plain worker does not run on ${node} alone; see: npm run gvfx -- why ${PLAIN_JOB}`);
}

async function isInPlace(node: string, movableClock: boolean, { jobs, operator, running }: Stage): Promise<boolean> {
  const seen = running("plain");
  if (seen.length !== 1 || seen[0].node !== node) return false;
  const [registered, current] = await Promise.all([operator.job(PLAIN_JOB), jobs.current(PLAIN_JOB)]);
  const fresh = current.length === 1 && current[0].node === node && current[0].tasks.every(({ restarts }) => restarts === 0);
  const prefers = JSON.stringify(registered?.Affinities ?? []).includes(`"${node}"`);
  return fresh && prefers && registered !== undefined && hasMovableClock(registered) === movableClock;
}

async function lead(who: NonNullable<Given["leader"]>, stage: Stage): Promise<void> {
  const node = stage.running("lease")[0]?.node;
  const servers = await stage.operator.servers();
  const wanted = who === "worker-node" ? node : who === "witness" ? stage.witness : undefined;
  const leader = servers.find((server) => server.leader)?.name;
  if (wanted === undefined ? leader !== undefined && leader !== node : leader === wanted) return;
  const target = servers.find(({ name }) => name === (wanted ?? stage.witness));
  if (!target) throw new Error(`no Nomad server is named ${wanted ?? stage.witness}; there are ${servers.map(({ name }) => name).join(", ")}`);
  stage.say(`Nomad's leadership moves to ${target.name}`);
  await stage.operator.transferLeadership(target.id);
  await within(LED_WITHIN, stage, async () => (await stage.operator.servers()).find((server) => server.leader)?.name === target.name, () => `${target.name} did not become Nomad's leader`);
  // A new leader gives every node failover_heartbeat_ttl until it hears from it: a node lost before would be missed half a minute late, and that is another case.
  await stage.wait(stage.heartbeat.plus(Duration.seconds(1)));
}

async function within(time: Duration, { wait }: Pick<Stage, "wait">, holds: () => Promise<boolean>, otherwise: () => string): Promise<void> {
  const end = Date.now() + time.milliseconds;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${otherwise()} (within ${time})`);
    await wait(Duration.ms(500));
  }
}
