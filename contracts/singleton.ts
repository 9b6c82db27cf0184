/**
 * What the one worker rests on besides the environment: times of Consul and Nomad
 * that no setting of ours changes, each with where it was read, and the platform's
 * own promises. environments/singleton puts them together.
 */
import { LONGEST_CALL } from "./http";
import { Duration } from "./units";

/** Room that every inequality must leave: for clocks, a loaded machine and what was not thought of. */
export const LEAST_MARGIN = Duration.seconds(1);

/** Consul refuses a session with less (agent/consul/config.go, SessionTTLMin). */
export const LEAST_SESSION_TTL = Duration.seconds(10);
/** Consul ends a session that is not renewed at twice its TTL (agent/structs/structs.go, SessionTTLMultiplier; measured: 20.0 to 20.2 s for 10). */
export const SESSION_TTL_MULTIPLE = 2;
/** Consul cuts a longer one down without a word (agent/structs/structs.go, MaxLockDelay; agent/consul/state/session.go). */
export const LONGEST_LOCK_DELAY = Duration.seconds(60);
/** So long a leader that has lost the others may still answer: Raft's leader lease of 500 ms times Consul's multiplier of 5 (agent/consul/config.go, DefaultRaftMultiplier). */
export const STALE_CONSUL_LEADER = Duration.ms(2_500);

/** Longest wait of a Nomad client until it tries again, when there was no leader (client/client.go, getHeartbeatRetryIntv: 15 s and up to as much, or 25 s and up to 5). */
export const LONGEST_HEARTBEAT_RETRY = Duration.seconds(30);
/** Its wait when a heartbeat is overdue (the same function: 1 s and up to 1 s). */
export const OVERDUE_HEARTBEAT_RETRY = Duration.seconds(2);
/** Nomad draws a heartbeat's time at random from the least one to twice that (nomad/heartbeat.go, resetHeartbeatTimer). */
export const HEARTBEAT_TTL_SPREAD = 2;
/** Nomad's servers have a new leader (measured with the start of an allocation: 3.1 s at most, of 2). */
export const NOMAD_ELECTION = Duration.seconds(5);

/** From the moment a replacement may run until it works: placement, container, first rows (lab: 10 s from the kill of a node, its detection included). */
export const WORKER_START = Duration.seconds(5);
/** From the order to kill until everything that the worker started is seen dead: a tick of 100 ms, and room for a busy machine. */
export const KILL_AND_VERIFY = Duration.seconds(1);

/** Nobody trades for longer when a node is lost, Nomad's leader with it or not. */
export const LONGEST_GAP = Duration.seconds(45);

/** What is promised of the drill's cases, besides that two workers never run at once. The ids are those of docs/drill.json. */
export const PROMISES: readonly { readonly id: string; readonly what: string; readonly most: Duration }[] = [
  { id: "hand-over", what: "gap of a planned hand-over: drain, new version, `gvfx lease give`", most: Duration.seconds(5) },
  { id: "node-lost", what: "gap when the worker's node is lost, Nomad's leader with it or not", most: LONGEST_GAP },
  { id: "frozen", what: "overlap when a whole node stands still past its lease, and the worker on it runs before the lease program does", most: Duration.ms(250) },
];

/**
 * Ceiling of a task's kill timeout on every client: 30 s unless it is set, and what
 * a job asks for beyond it is cut off without a word. It must admit a drain as long
 * as the longest call.
 */
export const MAX_KILL_TIMEOUT = LONGEST_CALL.plus(Duration.minutes(10));

/** A renewal is two requests, one after the other; so is giving the lease back: release, then destroy. */
export const REQUESTS_IN_A_ROW = 2;

/** The part of the lease's times that decides how long an ordered stop may take. */
export interface StopTimes {
  readonly stopGrace: Duration;
  readonly requestTimeout: Duration;
}

/** What an ordered stop takes at most: the worker's own end, the kill of what is left, and two requests that give the lease back. */
export function longestStop({ stopGrace, requestTimeout }: StopTimes): Duration {
  return stopGrace.plus(KILL_AND_VERIFY).plus(requestTimeout.times(REQUESTS_IN_A_ROW));
}

/** Killed any sooner, the lease is not given back, and the next worker waits until Consul takes it: half a minute instead of nothing. */
export function workerKillTimeout(lease: StopTimes): Duration {
  return longestStop(lease).plus(LEAST_MARGIN);
}
