/** Times of the worker's lease. environments/singleton says how they hang together. */
import { z } from "zod";
import { authoritySchema } from "./authority";
import { duration, nonEmpty } from "./fields";

export const leaseSchema = z.strictObject({
  /** TTL of the Consul session; Consul ends it at twice that after the last renewal. */
  ttl: duration("10s"),
  /** How long Consul keeps the lock back after a session that ended otherwise than by giving it back. */
  lockDelay: duration("12s"),
  /** Between two renewals, and between two looks at the lease in standby. */
  renewEvery: duration("1s"),
  /** For one request, whichever of the endpoints answers. */
  requestTimeout: duration("3s"),
  /** The next three count from when the last renewal that succeeded was sent. The worker is asked to end: */
  terminateAfter: duration("8s"),
  /** whatever it started is killed: */
  killAfter: duration("9s"),
  /** and all of it is seen dead. */
  deadAfter: duration("10s"),
  /** For the worker to end after an ordered stop. */
  stopGrace: duration("20s"),
  /** Whether Consul's servers are asked when the node's own agent does not answer, so that the worker outlives it. */
  fallback: z.discriminatedUnion("enabled", [
    z.strictObject({
      enabled: z.literal(true),
      /** Of the servers' certificates, where they speak https: it goes into the job, since a container cannot read the node's file. */
      authority: authoritySchema.optional(),
    }),
    z.strictObject({ enabled: z.literal(false), reason: nonEmpty("the servers' API is closed to the nodes") }),
  ]),
});
