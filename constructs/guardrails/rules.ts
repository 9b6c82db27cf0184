/** The rules that hold for every job, whoever wrote it: they look at the rendered job, not at the construct. */
import { HOST_NETWORK, NODE_CLASS } from "../../contracts/services";
import { knownFields, Misshapen } from "./fields";
import { leasedWorker } from "./lease";
import { groups, isBatch, tasks, type JobRule, type ReadGroup, type ReadJob } from "./rule";
import { secretsFromVault } from "./secrets";
import { ownVariables, singleWorker, workerOnlyEnv } from "./worker";


/** All of it is stated: Nomad fills what is left out with values that nobody chose. */
function incompleteRestart({ RestartPolicy }: ReadGroup): boolean {
  return (["Attempts", "Interval", "Delay", "Mode"] as const).some((field) => RestartPolicy?.[field] === undefined);
}

export const JOB_RULES: readonly JobRule[] = [
  // First: the others rely on the shape that it has found.
  knownFields,
  {
    id: "no-witness",
    rule: "Every task group carries `${node.class} != witness`",
    defects: ["a group without the constraint", "the constraint turned round", "one group of several without the constraint", "the constraint on another attribute"],
    check: (job) =>
      groups(job, (group) => [
        !group.Constraints?.some((c) => c.LTarget === "${node.class}" && c.Operand === "!=" && c.RTarget === NODE_CLASS.witness) &&
          "has no constraint ${node.class} != witness, so it could be placed on the quorum's third voter; add notOnWitness() to its constraints",
      ]),
  },
  singleWorker,
  leasedWorker,
  workerOnlyEnv,
  ownVariables,
  {
    id: "tailnet-ports",
    rule: "Ports are published on host network `tailnet` only",
    defects: ["a port on the default network", "a port on a public network", "the host's network", "a group in the host's network", "a port mapped by Docker", "a privileged task"],
    check: (job) => [
      ...groups(job, (group) =>
        (group.Networks ?? []).flatMap((network) => [...(network.DynamicPorts ?? []), ...(network.ReservedPorts ?? [])]).map(
          (p) => p.HostNetwork !== HOST_NETWORK && `port ${p.Label} is published on ${p.HostNetwork ? `host network "${p.HostNetwork}"` : "the node's default network"}: it could be a public address; use host network "${HOST_NETWORK}"`,
        ),
      ),
      ...groups(job, (group) => (group.Networks ?? []).map((network) => Object.hasOwn(network, "Mode") && "sets a network mode: its tasks could listen on every address of the node; remove it")),
      ...tasks(job, ({ Config = {} }) => [
        Config.network_mode !== undefined && `sets network_mode ${JSON.stringify(Config.network_mode)}: it bypasses the host network; remove it`,
        Config.port_map !== undefined && "uses port_map, which publishes on every address; use ports",
        Config.privileged !== undefined && "is privileged: it could open any port; remove it",
      ]),
    ],
  },
  secretsFromVault,
  {
    id: "pinned-images",
    rule: "Images are pinned by digest; one that is not yet names a digest that no image has, and its deploy is refused",
    defects: ["a mutable tag", "a tag beside a digest", "a tag of an image that is pulled ahead", "no tag at all"],
    check: (job) => tasks(job, (task) => [!/^[^@:]+(:\d+\/[^@:]+)?@sha256:[0-9a-f]{64}$/.test(task.Config?.image ?? "") && `image ${task.Config?.image ?? "(none)"} is not pinned by digest: a tag can be moved to another image; pin it in images.lock.json`]),
  },
  {
    id: "checked-services",
    rule: "Every service has a health check, restart, reschedule and update policy, and a reason for its timings; a periodic job has a restart policy and a reason",
    defects: [
      "a service without health check",
      "a check that outlasts its interval",
      "no service",
      "no restart policy",
      "an empty restart policy",
      "a limit on rescheduling",
      "no reschedule policy",
      "no update policy",
      "no reason for the timings",
      "a job of no stated type without a reschedule policy",
      "a batch job without restart policy",
      "a batch job without a reason for its timings",
      "a batch job on every node without restart policy",
    ],
    check: (job) => [
      ...(job.Meta?.rationale?.trim() ? [] : ["states no reason for its timings; write them into rationale"]),
      ...groups(job, (group) => [
        ...(group.Services ?? []).map((service) => !service.Checks?.length && `service ${service.Name} has no health check: it would be used while it is broken; add a Probe`),
        ...(group.Services ?? []).flatMap((service) => (service.Checks ?? []).map(({ Timeout, Interval }) => !(Timeout && Interval && Timeout < Interval) && `service ${service.Name}: a check's timeout is not shorter than its interval, so checks pile up; shorten it`)),
        incompleteRestart(group) && "has no complete restart policy: Nomad's default gives up after a few attempts; state it",
        !isBatch(job) && !group.Services?.length && "registers no service, so nothing checks it; add one with a Probe",
        !isBatch(job) && Object.keys(group.Update ?? {}).length === 0 && "has no update policy; state one",
        !isBatch(job) && job.Type !== "system" && !group.ReschedulePolicy?.Unlimited && "is not rescheduled without limit: an outage of an hour would leave it down after it; state an unlimited policy",
      ]),
    ],
  },
  {
    id: "quiet-templates",
    rule: "Templates and Vault blocks use change_mode noop",
    defects: ["a template that restarts", "a template that runs a script", "a Vault token that restarts"],
    check: (job) =>
      tasks(job, (task) => [
        task.Vault !== undefined && task.Vault.ChangeMode !== "noop" && `vault change_mode is ${task.Vault.ChangeMode}: a renewed token would restart it at a moment nobody chose; use noop`,
        ...(task.Templates ?? []).map((t) => t.ChangeMode !== "noop" && `template ${t.DestPath} has change_mode ${t.ChangeMode}: rotation is a deliberate, ordered act; use noop`),
      ]),
  },
];

/** Breaches of all rules, each with the rule's name. Of a job that no rule can read, only that it is so. */
export function jobViolations(job: ReadJob): string[] {
  const breaches = (rule: JobRule): string[] => rule.check(job).map((message) => `[${rule.id}] ${job.ID}: ${message}`);
  try {
    return JOB_RULES.flatMap(breaches);
  } catch (error) {
    if (error instanceof Misshapen) return [`[${knownFields.id}] ${job.ID}: ${error.message}`];
    throw error;
  }
}
