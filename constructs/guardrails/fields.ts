/**
 * Which fields a job may have: those that constructs/nomad/render.ts writes. Nomad
 * drops a field that it does not know without a word, and knows many that would open a
 * way round the other rules (the host's network, bind mounts, capabilities, services
 * of a task). To let a field in, add it here, and a rule for what it may hold.
 */
import { groups, type JobRule, type ReadJob } from "./rule";

type Shape =
  | "text"
  | "number"
  | "boolean"
  /** One of these texts. */
  | { readonly oneOf: readonly string[] }
  | { readonly listOf: Shape }
  /** Any names, each with a value of this shape. */
  | { readonly mapOf: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

const fields = (known: Readonly<Record<string, Shape>>): Shape => ({ fields: known });
const listOf = (shape: Shape): Shape => ({ listOf: shape });
const mapOf = (shape: Shape): Shape => ({ mapOf: shape });
const oneOf = (...values: readonly string[]): Shape => ({ oneOf: values });

const PORT = fields({ Label: "text", To: "number", HostNetwork: "text", Value: "number" });
const CHECK = fields({ Name: "text", Type: oneOf("http", "tcp"), Path: "text", PortLabel: "text", Interval: "number", Timeout: "number" });
const SERVICE = fields({ Name: "text", Provider: oneOf("consul"), PortLabel: "text", Tags: listOf("text"), Checks: listOf(CHECK) });
const TEMPLATE = fields({
  EmbeddedTmpl: "text",
  DestPath: "text",
  Envvars: "boolean",
  Perms: "text",
  ErrMissingKey: "boolean",
  ChangeMode: "text",
});
const DOCKER = fields({ image: "text", image_pull_timeout: "text", dns_servers: listOf("text"), entrypoint: listOf("text"), command: "text", args: listOf("text"), ports: listOf("text"), init: "boolean" });

const TASK = fields({
  Name: "text",
  Driver: oneOf("docker"),
  User: oneOf("root"),
  Config: DOCKER,
  Env: mapOf("text"),
  Templates: listOf(TEMPLATE),
  Vault: fields({ Role: "text", ChangeMode: "text", Env: "boolean", DisableFile: "boolean" }),
  Consul: fields({}),
  Identity: fields({ Name: "text", Env: "boolean", File: "boolean" }),
  Resources: fields({ CPU: "number", MemoryMB: "number", MemoryMaxMB: "number" }),
  KillSignal: "text",
  KillTimeout: "number",
  Lifecycle: fields({ Hook: "text", Sidecar: "boolean" }),
  VolumeMounts: listOf(fields({ Volume: "text", Destination: "text", ReadOnly: "boolean" })),
  LogConfig: fields({ MaxFiles: "number", MaxFileSizeMB: "number" }),
});

const GROUP = fields({
  Name: "text",
  Count: "number",
  Constraints: listOf(fields({ LTarget: "text", Operand: "text", RTarget: "text" })),
  Spreads: listOf(fields({ Attribute: "text", Weight: "number" })),
  Scaling: fields({ Min: "number", Max: "number", Enabled: "boolean" }),
  Disconnect: fields({ Replace: "boolean", Reconcile: "text", LostAfter: "number" }),
  Networks: listOf(fields({ DynamicPorts: listOf(PORT), ReservedPorts: listOf(PORT) })),
  Services: listOf(SERVICE),
  RestartPolicy: fields({ Attempts: "number", Interval: "number", Delay: "number", Mode: "text" }),
  ReschedulePolicy: fields({ Attempts: "number", Interval: "number", Delay: "number", DelayFunction: "text", MaxDelay: "number", Unlimited: "boolean" }),
  Migrate: fields({ MaxParallel: "number", HealthCheck: "text", MinHealthyTime: "number", HealthyDeadline: "number" }),
  Update: fields({ MaxParallel: "number", HealthCheck: "text", MinHealthyTime: "number", HealthyDeadline: "number", ProgressDeadline: "number", AutoRevert: "boolean", AutoPromote: "boolean", Canary: "number" }),
  ShutdownDelay: "number",
  Volumes: mapOf(fields({ Name: "text", Type: oneOf("host"), Source: "text", ReadOnly: "boolean" })),
  Tasks: listOf(TASK),
});

export const JOB_FIELDS: Shape = fields({
  ID: "text",
  Name: "text",
  Type: oneOf("service", "system", "batch", "sysbatch"),
  Region: "text",
  Namespace: "text",
  Datacenters: listOf("text"),
  Priority: "number",
  Meta: mapOf("text"),
  Periodic: fields({ Enabled: "boolean", Spec: "text", Specs: listOf("text"), SpecType: "text", ProhibitOverlap: "boolean", TimeZone: "text" }),
  TaskGroups: listOf(GROUP),
});

/** A value that is not of the shape that it must have: the other rules could not read it. */
export class Misshapen extends Error {}

/** Fields that the table does not have, and values that it does not admit. */
function unknown(shape: Shape, value: unknown, where: string): string[] {
  const wrong = (expected: string): Misshapen => new Misshapen(`${where} is ${JSON.stringify(value)?.slice(0, 40)}, not ${expected}: no rule could look into it; make jobs with NomadJob`);
  if (typeof shape === "string") {
    if (typeof value !== (shape === "text" ? "string" : shape)) throw wrong(`a ${shape}`);
    return [];
  }
  if ("oneOf" in shape) return typeof value === "string" && shape.oneOf.includes(value) ? [] : [`${where} is ${JSON.stringify(value)}: the rules are made for ${shape.oneOf.join(", ")}; use that`];
  if ("listOf" in shape) {
    if (!Array.isArray(value)) throw wrong("a list");
    return value.flatMap((item: unknown, index) => unknown(shape.listOf, item, `${where}[${index}]`));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("an object");
  return Object.entries(value).flatMap(([key, below]) => {
    const path = where ? `${where}.${key}` : key;
    if ("mapOf" in shape) return unknown(shape.mapOf, below, path);
    if (Object.hasOwn(shape.fields, key)) return unknown(shape.fields[key], below, path);
    return [`${path} is a field that no job of the platform has: Nomad either drops it without a word, or it opens a way round these rules; remove it, or let it in by constructs/guardrails/fields.ts together with a rule for it`];
  });
}

export const knownFields: JobRule = {
  id: "known-fields",
  rule: "A job has only the fields that the platform's own jobs have, its tasks run in Docker, and each value is of its kind",
  defects: [
    "a field of the job that Nomad does not know",
    "a field in another case, which Nomad takes",
    "a field of the group that Nomad ignores",
    "a network of the host's mode",
    "a network of a task",
    "another driver",
    "a bind mount",
    "an added capability",
    "the host's processes",
    "a device",
    "a task that is privileged",
    "a service of a task",
    "a service in the mesh",
    "a check that runs a script",
    "a template from a file",
    "a volume that is no host volume",
    "a text where a number belongs",
    "no group",
  ],
  check: (job: ReadJob) => [
    ...unknown(JOB_FIELDS, job, ""),
    ...(job.TaskGroups?.length ? [] : ["TaskGroups is empty: there is nothing to run or to check; make jobs with NomadJob"]),
    ...groups(job, (group) => [!group.Tasks?.length && "has no task: there is nothing to run or to check; make jobs with NomadJob"]),
  ],
};
