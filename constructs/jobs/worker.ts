/** The worker: the one process that ingests and trades. Two of them trade twice. */
import { imageReference, type ImageLock } from "../../contracts/images";
import { JOBS, serviceName } from "../../contracts/services";
import { Duration, port } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS, notOnWitness } from "../nomad/placement";
import { Probe, type JobSpec } from "../nomad/spec";
import { appEnv } from "./app";
import { appEnvironment, WORKER_METRICS_PORT } from "./app-environment";
import { CHECK_INTERVAL, CHECK_TIMEOUT, PRIORITY, SHUTDOWN_DELAY, updatePolicy } from "./policies";
import { variablesHash } from "./templates";

/**
 * Liveness by Nomad: it comes back wherever it can, without limit. Safety, that
 * there are never two, is not Nomad's to give (docs/decisions/0003): until the
 * lease is the entry point, hand-overs are the only moments at which it is sure.
 */
export function workerJob(env: Environment, lock: ImageLock): JobSpec {
  const variables = appEnvironment(env, "worker");
  return {
    id: JOBS.worker,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace: env.nomad.namespace,
    priority: PRIORITY.worker,
    rationale: "priority 90 and no preemption: a preempted worker is replaced without waiting for it; restart for ever after 5 s: a minute without ingestion is a gap; no stop_on_client_after, no lost_after: both measured worse",
    contentHashes: { variables: variablesHash(variables) },
    group: {
      kind: "singleton",
      name: "worker",
      constraints: [notOnWitness()],
      ports: [{ label: "metrics", to: port(WORKER_METRICS_PORT) }],
      services: [{ name: serviceName("worker"), port: "metrics", check: Probe.fromHttpGet("/metrics", { interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) }],
      restart: { attempts: 3, interval: Duration.minutes(1), delay: Duration.seconds(5), mode: "delay" },
      // Constant and short: a minute without ingestion is a gap to heal, and nothing is gained by waiting longer.
      reschedule: { delay: Duration.seconds(5), delayFunction: "constant" },
      // Replaced as soon as its node is lost. The one that comes back later was told to stop, so the replacement is kept.
      disconnect: { replace: true, reconcile: "keep_replacement" },
      update: updatePolicy(env),
      shutdownDelay: SHUTDOWN_DELAY,
      tasks: [
        {
          name: "worker",
          image: imageReference(env.images.backend, lock.backend),
          command: "bun",
          args: ["run", "src/jobs/worker.ts"],
          ports: ["metrics"],
          ...appEnv(env, JOBS.worker, variables),
          resources: env.resources.worker,
          killSignal: "SIGTERM",
          // The next one waits for it, so this bounds a hand-over. The app itself ends at once.
          killTimeout: Duration.seconds(30),
          dnsServer: NODE_TAILNET_ADDRESS,
          init: true,
        },
      ],
    },
  };
}
