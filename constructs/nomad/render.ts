/** From a typed job to the JSON that Nomad's API, `nomad job run -json` and the nomad_job resource take. */
import { HOST_NETWORK } from "../../contracts/services";
import { cronEvery } from "../../contracts/schedule";
import type { Duration } from "../../contracts/units";
import type { ApiGroup, ApiJob, ApiPort, ApiService, ApiTask, ApiTemplate } from "./api";
import { runsAtTimes, type DisconnectPolicy, type GroupSpec, type JobSpec, type PortSpec, type ServiceSpec, type TaskSpec, type TemplateSpec } from "./spec";

export function renderJob(job: JobSpec): ApiJob {
  return {
    ID: job.id,
    Name: job.id,
    ...jobType(job.group),
    Region: job.region,
    Namespace: job.namespace,
    Datacenters: [job.datacenter],
    Priority: job.priority,
    Meta: { rationale: job.rationale, ...job.contentHashes },
    TaskGroups: groupsOf(job.group).map(renderGroup),
  };
}

function jobType(group: GroupSpec): Pick<ApiJob, "Type" | "Periodic"> {
  switch (group.kind) {
    case "replicated":
    case "singleton":
      return { Type: "service" };
    case "system":
      return { Type: "system" };
    case "periodic":
      return { Type: "batch", Periodic: every(group.interval) };
    case "sysbatch":
      return { Type: "sysbatch", Periodic: every(group.interval) };
  }
}

function every(interval: Duration): NonNullable<ApiJob["Periodic"]> {
  return { Enabled: true, Specs: [cronEvery(interval)], SpecType: "cron", ProhibitOverlap: true, TimeZone: "UTC" };
}

/** What Nomad runs, restarts and gives up together. */
function groupsOf(group: GroupSpec): readonly GroupSpec[] {
  return group.kind === "sysbatch" ? group.tasks.map((task) => ({ ...group, name: task.name, tasks: [task] as const })) : [group];
}

/** JSON text with sorted keys, so that the order in which a file writes them never makes a difference. */
export function renderJobJson(job: JobSpec, indent?: number): string {
  return stableJson(renderJob(job), indent);
}

export function stableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, v: unknown) => (v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v), indent);
}

function renderGroup(group: GroupSpec): ApiGroup {
  const dynamic = group.ports.filter((p) => p.static === undefined).map(renderPort);
  const reserved = group.ports.filter((p) => p.static !== undefined).map(renderPort);
  return {
    Name: group.name,
    ...cardinality(group),
    Constraints: group.constraints.map((c) => ({ LTarget: c.attribute, Operand: c.operator, RTarget: c.value })),
    Networks: [{ ...(dynamic.length ? { DynamicPorts: dynamic } : {}), ...(reserved.length ? { ReservedPorts: reserved } : {}) }],
    Services: group.services.map(renderService),
    RestartPolicy: { Attempts: group.restart.attempts, Interval: group.restart.interval.nanoseconds, Delay: group.restart.delay.nanoseconds, Mode: group.restart.mode },
    ...movement(group),
    ...replacement(group),
    ...(group.volume ? { Volumes: { [group.volume.name]: { Name: group.volume.name, Type: "host", Source: group.volume.source, ReadOnly: false } } } : {}),
    Tasks: group.tasks.map(renderTask),
  };
}

/** How a new version takes over. What runs at times has no deployment: a new version is the next run. */
function replacement(group: GroupSpec): Pick<ApiGroup, "Update" | "ShutdownDelay"> {
  if (runsAtTimes(group)) return {};
  return {
    Update: {
      MaxParallel: 1,
      HealthCheck: "checks",
      MinHealthyTime: group.update.minHealthyTime.nanoseconds,
      HealthyDeadline: group.update.healthyDeadline.nanoseconds,
      ProgressDeadline: group.update.progressDeadline.nanoseconds,
      AutoRevert: group.update.autoRevert,
      AutoPromote: group.kind === "replicated" && group.canary.autoPromote,
      Canary: group.kind === "replicated" ? group.canary.count : 0,
    },
    ShutdownDelay: group.shutdownDelay.nanoseconds,
  };
}

function cardinality(group: GroupSpec): Pick<ApiGroup, "Count" | "Spreads" | "Scaling" | "Disconnect"> {
  switch (group.kind) {
    case "replicated":
      return { Count: group.count, Spreads: [{ Attribute: "${node.unique.id}", Weight: 100 }] };
    case "singleton":
      return { Count: 1, Scaling: { Min: 1, Max: 1, Enabled: true }, Disconnect: renderDisconnect(group.disconnect) };
    case "system":
      return { Disconnect: renderDisconnect(group.disconnect) };
    case "periodic":
      return { Count: 1 };
    case "sysbatch":
      return {};
  }
}

function renderDisconnect({ replace, reconcile, lostAfter }: DisconnectPolicy): NonNullable<ApiGroup["Disconnect"]> {
  return { Replace: replace, Reconcile: reconcile, ...(lostAfter ? { LostAfter: lostAfter.nanoseconds } : {}) };
}

/** What runs on every node is neither rescheduled nor migrated: it has no other node to go to. */
function movement(group: GroupSpec): Pick<ApiGroup, "ReschedulePolicy" | "Migrate"> {
  if (group.kind === "system" || group.kind === "sysbatch") return {};
  // Nomad's default would try once more within a day; without attempts it leaves that to the next run.
  if (group.kind === "periodic") return { ReschedulePolicy: { Attempts: 0, Interval: 0, Delay: 0, DelayFunction: "constant", MaxDelay: 0, Unlimited: false } };
  const { delay, delayFunction, maxDelay } = group.reschedule;
  return {
    ReschedulePolicy: { Attempts: 0, Interval: 0, Delay: delay.nanoseconds, DelayFunction: delayFunction, MaxDelay: (maxDelay ?? delay).nanoseconds, Unlimited: true },
    Migrate: { MaxParallel: 1, HealthCheck: "checks", MinHealthyTime: group.update.minHealthyTime.nanoseconds, HealthyDeadline: group.update.healthyDeadline.nanoseconds },
  };
}

function renderPort(p: PortSpec): ApiPort {
  return { Label: p.label, To: p.to, HostNetwork: HOST_NETWORK, ...(p.static === undefined ? {} : { Value: p.static }) };
}

function renderService(service: ServiceSpec): ApiService {
  const { check } = service;
  return {
    Name: service.name,
    Provider: "consul",
    PortLabel: service.port,
    ...(service.tags?.length ? { Tags: service.tags } : {}),
    Checks: [{ Name: check.path ? `GET ${check.path}` : "TCP connect", Type: check.type, ...(check.path ? { Path: check.path } : {}), PortLabel: service.port, Interval: check.interval.nanoseconds, Timeout: check.timeout.nanoseconds }],
  };
}

function renderTask(task: TaskSpec): ApiTask {
  return {
    Name: task.name,
    Driver: "docker",
    ...(task.user ? { User: task.user } : {}),
    Config: {
      image: task.image,
      ...(task.imagePullTimeout ? { image_pull_timeout: `${task.imagePullTimeout}` } : {}),
      dns_servers: [task.dnsServer],
      ...(task.entrypoint ? { entrypoint: task.entrypoint } : {}),
      ...(task.command ? { command: task.command } : {}),
      ...(task.args ? { args: task.args } : {}),
      ...(task.ports ? { ports: task.ports } : {}),
      ...(task.init ? { init: true } : {}),
    },
    ...(task.env ? { Env: task.env } : {}),
    ...(task.templates?.length ? { Templates: task.templates.map(renderTemplate) } : {}),
    // The token stays out of the task's files, and out of its environment too unless it says that it calls Vault: only its templates use it.
    ...(task.vaultRole ? { Vault: { Role: task.vaultRole, ChangeMode: "noop", Env: task.callsVault ?? false, DisableFile: true } } : {}),
    ...(task.readsConsul ? { Consul: {} } : {}),
    ...(task.callsNomad ? { Identity: { Name: "default", Env: true, File: false } } : {}),
    Resources: { CPU: task.resources.cpuMhz, MemoryMB: task.resources.memory.mib, ...(task.resources.memoryMax ? { MemoryMaxMB: task.resources.memoryMax.mib } : {}) },
    KillSignal: task.killSignal,
    KillTimeout: task.killTimeout.nanoseconds,
    ...(task.hook ? { Lifecycle: { Hook: task.hook, Sidecar: false } } : {}),
    ...(task.mount ? { VolumeMounts: [{ Volume: task.mount.volume, Destination: task.mount.destination, ReadOnly: false }] } : {}),
    LogConfig: { MaxFiles: 5, MaxFileSizeMB: 10 },
  };
}

function renderTemplate(template: TemplateSpec): ApiTemplate {
  return {
    EmbeddedTmpl: template.data,
    DestPath: template.destination,
    Envvars: template.asEnv ?? false,
    Perms: template.perms ?? "0644",
    ErrMissingKey: true,
    // Rotation is a deliberate, ordered act: a change of a secret or a value restarts nothing by itself.
    ChangeMode: "noop",
  };
}
