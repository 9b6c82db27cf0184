/** The rules that hold for every job, whoever wrote it: they look at the rendered job, not at the construct. */
import { ENV_CONTRACT, FORBIDDEN_KEYS, WORKER_ONLY_KEYS } from "../../contracts/env";
import { HOST_NETWORK, JOBS, NODE_CLASS } from "../../contracts/services";
import type { ApiGroup, ApiJob, ApiTask } from "../nomad/api";

export interface JobRule {
  /** Name under which docs, tests and messages speak of it. */
  readonly id: string;
  readonly rule: string;
  /** The defects that its test plants, by name. */
  readonly defects: readonly string[];
  /** One sentence for each breach: what, why, how to fix. */
  check(job: ApiJob): string[];
}

const groups = (job: ApiJob, check: (group: ApiGroup) => (string | false | undefined)[]): string[] =>
  job.TaskGroups.flatMap((group) => check(group).filter((message): message is string => Boolean(message)).map((message) => `group ${group.Name}: ${message}`));

const tasks = (job: ApiJob, check: (task: ApiTask) => (string | false | undefined)[]): string[] =>
  groups(job, (group) => group.Tasks.flatMap((task) => check(task).map((message) => message && `task ${task.Name}: ${message}`)));

const SECRET_KEYS = new Set(ENV_CONTRACT.filter((e) => e.secret).map((e) => e.key));

/** What a secret looks like, whatever its name. */
export const SECRET_PATTERNS: readonly (readonly [string, RegExp])[] = [
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ["a Tailscale key", /\btskey-[a-z]+-[A-Za-z0-9]{8,}/],
  ["a Vault token", /\bhv[sb]\.[A-Za-z0-9_-]{20,}/],
  ["an AWS access key", /\bAKIA[0-9A-Z]{16}\b/],
  ["a password in a URL", /[a-z]+:\/\/[^/\s:@{}"']+:[^/\s:@{}"'$]+@/],
  ["a GitHub token", /\bgh[pousr]_[A-Za-z0-9]{30,}/],
];

export const JOB_RULES: readonly JobRule[] = [
  {
    id: "no-witness",
    rule: "Every task group carries `${node.class} != witness`",
    defects: ["a group without the constraint", "the constraint turned round", "the constraint on another attribute"],
    check: (job) =>
      groups(job, (group) => [
        !group.Constraints.some((c) => c.LTarget === "${node.class}" && c.Operand === "!=" && c.RTarget === NODE_CLASS.witness) &&
          "has no constraint ${node.class} != witness, so it could be placed on the quorum's third voter; add notOnWitness() to its constraints",
      ]),
  },
  {
    id: "single-worker",
    rule: "The worker: count 1, scaling 1 to 1, no canary, no spread, a stated disconnect policy",
    defects: ["count 2", "scaling up to 2", "no scaling block", "a canary", "a spread", "no disconnect policy"],
    check: (job) =>
      job.ID !== JOBS.worker
        ? []
        : [
            ...(job.TaskGroups.length === 1 ? [] : [`has ${job.TaskGroups.length} groups: each would run a worker; keep one`]),
            ...groups(job, (group) => [
              group.Count !== 1 && `count is ${group.Count}: two workers trade twice; use a singleton group`,
              (group.Scaling?.Min !== 1 || group.Scaling.Max !== 1) && "scaling is not bounded from 1 to 1: `nomad job scale` could start a second worker; use a singleton group",
              group.Update.Canary !== 0 && `has ${group.Update.Canary} canaries: a canary runs beside the worker; use a singleton group`,
              Boolean(group.Spreads?.length) && "has a spread: it only makes sense for several copies; use a singleton group",
              !group.Disconnect && "states no disconnect policy: what happens when its node is cut off must be decided, not defaulted; use a singleton group",
            ]),
          ],
  },
  {
    id: "worker-only-env",
    rule: "`BINGX_WS_ENABLED` and scheduler intervals appear in the worker only",
    defects: ["the market data socket in the API", "a scheduler interval in a template of the API"],
    check: (job) => (job.ID === JOBS.worker ? [] : tasks(job, (task) => [...WORKER_ONLY_KEYS].filter((key) => names(task, key)).map((key) => `sets ${key}: the same scheduler would run in a second process; give it to ${JOBS.worker} only`))),
  },
  {
    id: "tailnet-ports",
    rule: "Ports are published on host network `tailnet` only",
    defects: ["a port on the default network", "a port on a public network", "the host's network", "a privileged task"],
    check: (job) => [
      ...groups(job, (group) =>
        group.Networks.flatMap((network) => [...(network.DynamicPorts ?? []), ...(network.ReservedPorts ?? [])]).map(
          (p) => p.HostNetwork !== HOST_NETWORK && `port ${p.Label} is published on ${p.HostNetwork ? `host network "${p.HostNetwork}"` : "the node's default network"}: it could be a public address; use host network "${HOST_NETWORK}"`,
        ),
      ),
      ...tasks(job, (task) => [
        task.Config.network_mode !== undefined && `sets network_mode ${JSON.stringify(task.Config.network_mode)}: it bypasses the host network; remove it`,
        task.Config.port_map !== undefined && "uses port_map, which publishes on every address; use ports",
        task.Config.privileged === true && "is privileged: it could open any port; remove it",
      ]),
    ],
  },
  {
    id: "secrets-from-vault",
    rule: "Secrets are rendered from Vault; `NEXT_PUBLIC_API_TOKEN` is forbidden",
    defects: ["a secret as plain environment", "the forbidden key", "a private key in a template", "a password in a URL"],
    check: (job) =>
      tasks(job, (task) => [
        ...Object.keys(task.Env ?? {}).filter((key) => SECRET_KEYS.has(key)).map((key) => `has the secret ${key} as plain environment: anybody who may read the job reads it; source it from Vault`),
        ...Object.keys(FORBIDDEN_KEYS).filter((key) => names(task, key)).map((key) => `names ${key}, which is forbidden: ${FORBIDDEN_KEYS[key]}; remove it`),
        ...SECRET_PATTERNS.filter(([, pattern]) => pattern.test(JSON.stringify(task))).map(([what]) => `contains what looks like ${what}; put it into Vault and read it by a template`),
      ]),
  },
  {
    id: "pinned-images",
    rule: "Images are pinned by digest",
    defects: ["a mutable tag", "a tag beside a digest", "no tag at all"],
    check: (job) => tasks(job, (task) => [!/^[^@:]+(:\d+\/[^@:]+)?@sha256:[0-9a-f]{64}$/.test(task.Config.image) && `image ${task.Config.image} is not pinned by digest: a tag can be moved to another image; pin it in images.lock.json`]),
  },
  {
    id: "checked-services",
    rule: "Every service has a health check, restart, reschedule and update policy, and a reason for its timings",
    defects: ["a service without health check", "a check that outlasts its interval", "no service", "no restart policy", "a limit on rescheduling", "no reschedule policy", "no reason for the timings"],
    check: (job) => [
      ...(job.Meta.rationale?.trim() ? [] : ["states no reason for its timings; write them into rationale"]),
      ...groups(job, (group) => [
        ...group.Services.map((service) => service.Checks.length === 0 && `service ${service.Name} has no health check: it would be used while it is broken; add a Probe`),
        ...group.Services.flatMap((service) => service.Checks.map((check) => check.Timeout >= check.Interval && `service ${service.Name}: a check's timeout is not shorter than its interval, so checks pile up; shorten it`)),
        group.Services.length === 0 && "registers no service, so nothing checks it; add one with a Probe",
        !group.RestartPolicy && "has no restart policy; state one",
        !group.Update && "has no update policy; state one",
        job.Type === "service" && !group.ReschedulePolicy?.Unlimited && "is not rescheduled without limit: an outage of an hour would leave it down after it; state an unlimited policy",
      ]),
    ],
  },
  {
    id: "quiet-templates",
    rule: "Templates and Vault blocks use change_mode noop; only the gateway's switches act",
    defects: ["a template that restarts", "a script outside the gateway", "a Vault token that restarts"],
    check: (job) =>
      tasks(job, (task) => [
        task.Vault !== undefined && task.Vault.ChangeMode !== "noop" && `vault change_mode is ${task.Vault.ChangeMode}: a renewed token would restart it at a moment nobody chose; use noop`,
        ...(task.Templates ?? []).map((t) => t.ChangeMode !== "noop" && !(t.ChangeMode === "script" && job.ID === JOBS.gateway) && `template ${t.DestPath} has change_mode ${t.ChangeMode}: rotation is a deliberate, ordered act; use noop`),
      ]),
  },
];

/** Whether a task is given a key, as literal environment or by a template. */
function names(task: ApiTask, key: string): boolean {
  const assigned = new RegExp(`(^|[\\s}])${key}=`);
  return Object.hasOwn(task.Env ?? {}, key) || (task.Templates ?? []).some((t) => assigned.test(t.EmbeddedTmpl));
}

/** Breaches of all rules, each with the rule's name. */
export function jobViolations(job: ApiJob): string[] {
  return JOB_RULES.flatMap((rule) => rule.check(job).map((message) => `[${rule.id}] ${job.ID}: ${message}`));
}
