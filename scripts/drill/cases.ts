/** Every case of the drill with what is expected of the worker with a lease. Of the plain policy nothing is: it is shown beside it. */
import { LONGEST_GAP, PROMISES } from "../../contracts/singleton";
import { Duration } from "../../contracts/units";
import type { DrillCase, Expected } from "./case";
import type { BoundId } from "./result";

/** What the platform promises. */
function promised(id: BoundId): Duration {
  const promise = PROMISES.find((it) => it.id === id);
  if (!promise) throw new Error(`contracts/singleton.ts promises no "${id}", which cases of the drill measure; add it, or give them another bound`);
  return promise.most;
}

/** A planned hand-over: the standby is there already, and waits for the lease alone. */
export const HAND_OVER: Expected = { gap: promised("hand-over"), bound: "hand-over" };
/**
 * The worker runs on, or is handed over. A client that turns to the frozen server and has no connection with it waits in the TLS
 * handshake, which Nomad gives no deadline (helper/tlsutil/config.go, WrapTLSClient; helper/pool/pool.go), for as long as the machine
 * is frozen: its node then counts as disconnected, and is well all the same. Seen once in seven runs.
 */
const HAND_OVER_AT_MOST: Expected = { gap: promised("hand-over"), bound: "hand-over", mayRunOn: true };
/** A node is lost without a word: the lease must run out first, and with it its lock-delay. */
export const NODE_LOST: Expected = { gap: promised("node-lost"), bound: "node-lost" };
/** The worker dies on a node that is well: the lease runs out all the same. */
const WORKER_DIED: Expected = { gap: LONGEST_GAP };
const UNDISTURBED: Expected = { undisturbed: true };
/** Nobody may run for as long as the fault lasts, and perhaps longer; but one comes back. */
const NEVER_TWO: Expected = {};

/** Longer than a lease (twice its TTL) and its lock-delay, 32 s, and than Nomad takes to miss a node, 16 s: whoever does not come back within it has lost the worker. */
const LONG_ENOUGH = Duration.seconds(40);
/** What is asked of two cases. */
const A_MINUTE = Duration.seconds(60);
/** Shorter than the heartbeat's grace, and than the time after which the lease asks the worker to end. */
const SHORT_CUT = Duration.seconds(4);
/** Of which no order came through for all but the second that one may take. */
const CUT_SHOWS = Duration.seconds(3);
/**
 * What a short cut leads to, it does within 6 s of its end: a heartbeat that fell into it is missed after its grace
 * of 6 s, and a lease that was not renewed ends its worker 8 s after the cut began. More, for a busy machine; and
 * what has gone wrong by then is waited for until all is well.
 */
const AFTER_SHORT_CUT = Duration.seconds(10);
/** A client whose agent does not come back is missed 16 s after its last heartbeat at most: twice the least TTL, and the grace. */
const AFTER_AGENT = Duration.seconds(20);
/** As long as Consul's new leader lets a session live that nobody renews: twice its TTL. */
const AFTER_CONSUL_LEADER = Duration.seconds(20);
/** The plain policy's second worker starts, and runs for a while. */
const TWO_FOR = Duration.seconds(15);

const partition = (seconds: number, leader: boolean): DrillCase => ({
  id: `partition-${seconds}${leader ? "-leader" : ""}`,
  title: `worker's node cut off for ${seconds} s${leader ? ", Nomad's leader on it" : ""}`,
  group: "Network",
  given: { leader: leader ? "worker-node" : "other" },
  steps: [{ fault: "partition", at: "worker-node", for: Duration.seconds(seconds) }],
  expect: NODE_LOST,
  ...(seconds >= 90 ? { long: true } : {}),
  ...(seconds === 30 && !leader ? { smoke: true } : {}),
});

export const CASES: readonly DrillCase[] = [
  { id: "node-killed", title: "worker's node killed", group: "Nodes", given: { leader: "other" }, steps: [{ fault: "kill", at: "worker-node", for: "until replaced" }], expect: NODE_LOST, smoke: true },
  { id: "node-killed-leader", title: "worker's node killed, Nomad's leader with it", group: "Nodes", given: { leader: "worker-node" }, steps: [{ fault: "kill", at: "worker-node", for: "until replaced" }], expect: NODE_LOST },
  { id: "leader-silent", title: "Nomad's leader on another machine falls silent, worker's node healthy", group: "Nodes", given: { leader: "witness" }, steps: [{ fault: "pause", at: "leader", for: Duration.seconds(45) }], expect: HAND_OVER_AT_MOST },
  { id: "node-paused", title: "worker's whole node paused for 60 s, and resumed", group: "Nodes", given: { leader: "other" }, steps: [{ fault: "pause", at: "worker-node", for: A_MINUTE }], expect: { ...NODE_LOST, overlap: promised("frozen") } },

  { id: "cut-short", title: "worker's node cut off for 4 s, less than the heartbeat's grace", group: "Network", steps: [{ fault: "partition", at: "worker-node", for: SHORT_CUT }, { wait: AFTER_SHORT_CUT }], expect: { ...UNDISTURBED, silentFor: CUT_SHOWS }, smoke: true },
  partition(30, false),
  partition(30, true),
  partition(90, false),
  partition(90, true),
  partition(300, false),
  partition(300, true),
  { id: "consul-cut", title: "worker's node cut off from Consul alone", group: "Network", steps: [{ fault: "cut-consul", at: "worker-node", for: LONG_ENOUGH }], expect: NEVER_TWO },
  { id: "nomad-cut", title: "worker's node cut off from Nomad alone", group: "Network", given: { leader: "other" }, steps: [{ fault: "cut-nomad", at: "worker-node", for: LONG_ENOUGH, replaces: true }], expect: HAND_OVER },

  { id: "agent-killed", title: "Nomad agent killed with -9, back after two seconds", group: "Processes", steps: [{ fault: "kill-nomad-agent" }, { wait: AFTER_AGENT }], expect: UNDISTURBED },
  { id: "agent-dead", title: "Nomad agent killed with -9 and dead for 40 s while the container lives", group: "Processes", given: { leader: "other" }, steps: [{ fault: "crash-nomad", at: "worker-node", for: LONG_ENOUGH, replaces: true }], expect: HAND_OVER },
  { id: "consul-agent-dead", title: "Consul agent of worker's node killed with -9 and dead for 40 s", group: "Processes", steps: [{ fault: "crash-consul", at: "worker-node", for: LONG_ENOUGH }], expect: UNDISTURBED },
  { id: "engine-killed", title: "Docker engine of worker's node killed with -9", group: "Processes", steps: [{ fault: "kill-engine", replaces: true }], expect: WORKER_DIED },
  { id: "container-paused", title: "worker's container paused past its lease, and resumed", group: "Processes", steps: [{ fault: "pause", at: "workers", for: Duration.seconds(40) }], expect: NEVER_TWO },
  { id: "wrapper-killed", title: "lease wrapper killed with -9", group: "Processes", steps: [{ fault: "kill-wrapper", replaces: true }], expect: WORKER_DIED, smoke: true },

  { id: "drain", title: "worker's node drained", group: "Operations", given: { awayFromData: true }, steps: [{ act: "drain", replaces: true }], expect: HAND_OVER },
  { id: "redeploy", title: "a new version", group: "Operations", steps: [{ act: "redeploy", replaces: true }], expect: HAND_OVER, smoke: true },
  { id: "bad-redeploy", title: "a new version that crashes, and is reverted", group: "Operations", steps: [{ act: "bad-redeploy" }, { wait: Duration.seconds(10) }], expect: NEVER_TWO },
  { id: "job-restart", title: "job restart", group: "Operations", steps: [{ act: "restart-job", replaces: true }], expect: HAND_OVER },
  { id: "alloc-stop", title: "alloc stop", group: "Operations", steps: [{ act: "stop-allocation", replaces: true }], expect: HAND_OVER },
  { id: "stop-then-run", title: "job stop, then job run at once", group: "Operations", steps: [{ act: "stop-then-run", replaces: true }], expect: HAND_OVER },
  { id: "scale-2", title: "job scale to 2", group: "Operations", steps: [{ act: "scale-to-2", for: TWO_FOR }], expect: { ...UNDISTURBED, refused: true } },
  { id: "count-2", title: "count 2 registered", group: "Operations", steps: [{ act: "register-count-2", for: TWO_FOR }], expect: { ...UNDISTURBED, refused: true } },
  { id: "replaced", title: "Terraform's resource tainted and replaced", group: "Operations", steps: [{ act: "replace", replaces: true }], expect: HAND_OVER },
  { id: "two-deploys", title: "two deploys at once", group: "Operations", steps: [{ act: "deploy-twice", replaces: true }, { wait: Duration.seconds(10) }], expect: HAND_OVER },

  { id: "consul-leader", title: "Consul's leader restarted", group: "Consul", steps: [{ fault: "restart-consul-leader" }, { wait: AFTER_CONSUL_LEADER }], expect: UNDISTURBED },
  { id: "consul-down", title: "all Consul servers down for 60 s", group: "Consul", steps: [{ fault: "stop", at: "consul", for: A_MINUTE }], expect: NEVER_TWO },

  { id: "clock", title: "wall clock of the worker and its wrapper an hour ahead, then an hour behind", group: "Clock", given: { movableClock: true }, steps: [{ act: "clock-jump" }], expect: UNDISTURBED },
];

/** @throws Error that names everything unknown, and all cases */
export function casesNamed(ids: readonly string[]): DrillCase[] {
  const unknown = ids.filter((id) => !CASES.some((it) => it.id === id));
  if (unknown.length > 0) throw new Error(`there is no case named ${unknown.join(", ")}, and nothing was done; the cases are: ${CASES.map(({ id }) => id).join(", ")}`);
  return CASES.filter(({ id }) => ids.includes(id));
}
