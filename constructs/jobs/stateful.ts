/** What the jobs that keep data have in common: one copy, on the data node, restarted there for ever. */
import type { JobName } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { notOnWitness, onNode } from "../nomad/placement";
import type { JobSpec, PortSpec, ServiceSpec, SingletonGroup, TaskSpec } from "../nomad/spec";
import { PRIORITY, RESCHEDULE_WITHOUT_LIMIT, RESTART_FOR_EVER, STAYS_WHERE_IT_IS, updatePolicy } from "./policies";

interface StatefulJob {
  readonly id: JobName;
  readonly name: string;
  readonly rationale: string;
  readonly ports: readonly PortSpec[];
  readonly services: readonly ServiceSpec[];
  readonly volume?: SingletonGroup["volume"];
  readonly tasks: readonly [TaskSpec, ...TaskSpec[]];
}

export function pinnedToData(env: Environment, job: StatefulJob): JobSpec {
  return {
    id: job.id,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace: env.nomad.namespace,
    priority: PRIORITY.dataPlane,
    rationale: job.rationale,
    group: {
      kind: "singleton",
      name: job.name,
      constraints: [notOnWitness(), onNode(env.dataPlane.node)],
      ports: job.ports,
      services: job.services,
      restart: RESTART_FOR_EVER,
      reschedule: RESCHEDULE_WITHOUT_LIMIT,
      disconnect: STAYS_WHERE_IT_IS,
      update: updatePolicy(env),
      // There is nobody to drain to; a second is enough for the name to go before the server does.
      shutdownDelay: Duration.seconds(1),
      ...(job.volume ? { volume: job.volume } : {}),
      tasks: job.tasks,
    },
  };
}
