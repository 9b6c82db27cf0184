/** Every decision that an operator makes, as one validated value. */
import { z } from "zod";
import { appNodeSchema, consulSchema, nomadSchema, tailnetSchema, vaultSchema, versionsSchema, vultrSchema, witnessSchema } from "./schema/cluster";
import { coverageSchema } from "./schema/coverage";
import { dataMoveSchema } from "./schema/data-move";
import { label, withExample } from "./schema/fields";
import { labSchema } from "./schema/lab";
import { leaseSchema } from "./schema/lease";
import { alertsSchema, backendSchema, cutoverSchema, legacySchema } from "./schema/operations";
import { dataPlaneSchema, imagesSchema, marketsSchema, portsSchema, replicasSchema, resourcesSchema, rolloutSchema, tuningSchema } from "./schema/platform";

export const environmentSchema = z.strictObject({
  name: label("production"),
  /** Refuse to destroy stateful and singleton resources (prevent_destroy). Off in the lab only. */
  protect: z.boolean(),
  /** Deploying an image without a digest is refused. May be off only where `protect` is. */
  requireImageDigests: z.boolean(),
  versions: versionsSchema,
  /** The two nodes that run the app; each is also a Nomad server. */
  nodes: withExample(z.array(appNodeSchema).length(2, "must be two app nodes: with the witness they are three voters, of which two are a quorum"), [{ name: "server-1" }, { name: "server-2" }]),
  witness: witnessSchema,
  vultr: vultrSchema,
  tailnet: tailnetSchema,
  nomad: nomadSchema,
  lease: leaseSchema,
  consul: consulSchema,
  vault: vaultSchema,
  images: imagesSchema,
  ports: portsSchema,
  replicas: replicasSchema,
  rollout: rolloutSchema,
  resources: resourcesSchema,
  markets: marketsSchema,
  coverage: coverageSchema,
  tuning: tuningSchema,
  dataPlane: dataPlaneSchema,
  backend: backendSchema,
  alerts: alertsSchema,
  legacy: legacySchema,
  dataMove: dataMoveSchema,
  cutover: cutoverSchema,
  /** The machines themselves, where they are containers that LabStack makes. */
  lab: labSchema.optional(),
});

/** A validated environment: durations, sizes and ports are their own types. */
export type Environment = z.output<typeof environmentSchema>;
/** What an environment file writes: durations and sizes as text, ports as numbers. */
export type EnvironmentInput = z.input<typeof environmentSchema>;
/** The lab's section of an environment that has one. */
export type Lab = NonNullable<Environment["lab"]>;
export type AppNode = Environment["nodes"][number];
