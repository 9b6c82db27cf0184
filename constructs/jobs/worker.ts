/** The worker: the one process that ingests and trades. Two of them trade twice. */
import { imageReference, type ImageLock } from "../../contracts/images";
import { JOBS, serviceName } from "../../contracts/services";
import { workerKillTimeout } from "../../contracts/singleton";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS, notOnWitness } from "../nomad/placement";
import { Probe, type JobSpec } from "../nomad/spec";
import { appEnv, commandOf } from "./app";
import { appEnvironment } from "./app-environment";
import { CHECK_INTERVAL, CHECK_TIMEOUT, PRIORITY, updatePolicy } from "./policies";
import { variablesHash } from "./templates";
import { LEASE_PORT, leasedCommand, leaseTemplates } from "./worker-lease";

/** At once: that there are never two is the lease's business, and a copy that waits for it costs nothing. Not 0: a program that cannot start would be tried without a pause. */
const AGAIN = Duration.seconds(1);
/** Then it is this node's trouble or the version's: it moves, and a deployment fails and goes back within seconds instead of at its deadline. */
const FAILURES_A_MINUTE = 5;

/**
 * Two layers (docs/worker.md, docs/decisions/0003). Nomad sees to it that somewhere
 * there is one, quickly and without limit; the lease sees to it that only one runs.
 */
export function workerJob(env: Environment, lock: ImageLock): JobSpec {
  const variables = appEnvironment(env, "worker");
  const app = appEnv(env, JOBS.worker, variables);
  const killTimeout = workerKillTimeout(env.lease);
  return {
    id: JOBS.worker,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace: env.nomad.namespace,
    // The first to be placed when a node is lost and room is short; preemption is off everywhere, since a preempted worker is replaced without waiting for it.
    priority: PRIORITY.worker,
    rationale: `started again after ${AGAIN}, after ${FAILURES_A_MINUTE} failures in a minute elsewhere, and so for ever: the lease keeps it single, and a minute without ingestion is a gap; kill timeout ${killTimeout}: the worker's ${env.lease.stopGrace}, the kill and giving the lease back; shutdown delay 1 s: nobody calls it; no stop_on_client_after, no lost_after: both measured worse`,
    contentHashes: { variables: variablesHash(variables) },
    group: {
      kind: "singleton",
      name: "worker",
      constraints: [notOnWitness()],
      ports: [{ label: "metrics", to: LEASE_PORT }],
      // Standing by is healthy: else no deployment would succeed while legacy owns the worker.
      services: [{ name: serviceName("worker"), port: "metrics", check: Probe.fromHttpGet("/healthz", { interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) }],
      restart: { attempts: FAILURES_A_MINUTE, interval: Duration.minutes(1), delay: AGAIN, mode: "fail" },
      // Constant: nothing is gained by waiting longer each time. Five seconds are the least that Nomad takes.
      reschedule: { delay: Duration.seconds(5), delayFunction: "constant" },
      // Replaced as soon as its node is lost: the replacement stands by until the lease is free. The one that comes back later was told to stop, so the replacement is kept.
      disconnect: { replace: true, reconcile: "keep_replacement" },
      update: updatePolicy(env),
      // Nobody calls it, so nobody has to learn that it goes. Not 0, at which Nomad warns; the worker runs on meanwhile, so a second costs no gap.
      shutdownDelay: Duration.seconds(1),
      tasks: [
        {
          name: "worker",
          image: imageReference(env.images.backend, lock.backend),
          ...commandOf(leasedCommand(["bun", "run", "src/jobs/worker.ts"])),
          ports: ["metrics"],
          ...app,
          templates: [...app.templates, ...leaseTemplates(env)],
          // For the token of its role: the lease's key, its sessions, and the owner to read.
          readsConsul: true,
          resources: env.resources.worker,
          killSignal: "SIGTERM",
          killTimeout,
          dnsServer: NODE_TAILNET_ADDRESS,
          // Reaps what the worker leaves behind, so that the lease program finds only what lives.
          init: true,
        },
      ],
    },
  };
}
