/** The cutover's guardian: one small program, delivered with the job, that keeps judging the roll-back triggers. */
import { vaultRole } from "../../contracts/identity";
import { imageReference, type ImageLock } from "../../contracts/images";
import { kvPaths } from "../../contracts/kv";
import { CLUSTER_PORTS, JOBS, serviceName } from "../../contracts/services";
import { Duration, port, Size } from "../../contracts/units";
import { GUARDIAN_LEDGER } from "../../contracts/variables";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS, notOnWitness } from "../nomad/placement";
import { stableJson } from "../nomad/render";
import { Probe, type JobSpec } from "../nomad/spec";
import { serviceUrl } from "./app-environment";
import { guardianSettings } from "./guardian-settings";
import { GUARDIAN_SOURCE } from "./guardian-source";
import { CHECK_INTERVAL, CHECK_TIMEOUT, PRIORITY, RESCHEDULE_WITHOUT_LIMIT, RESTART_THEN_MOVE, SHUTDOWN_DELAY, updatePolicy } from "./policies";
import { secretEnvTemplate } from "./templates";

/** Port of /healthz and /metrics inside the container; Nomad publishes it on a dynamic one. */
export const GUARDIAN_PORT = port(9465);

export function guardianJob(env: Environment, lock: ImageLock): JobSpec {
  const { namespace } = env.nomad;
  const { workerOwner, traffic } = kvPaths(namespace);
  const settings = guardianSettings(env, {
    port: GUARDIAN_PORT,
    api: serviceUrl(env, "api"),
    rlService: serviceUrl(env, "rl-service"),
    keys: { workerOwner, traffic },
    ledger: GUARDIAN_LEDGER,
  });
  return {
    id: JOBS.guardian,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace,
    // With the gateway: what watches the services must not wait for a place behind them.
    priority: PRIORITY.gateway,
    rationale: `a round every ${settings.probeIntervalMs / 1000} s, so that each window holds twice the samples that its trigger needs; kill timeout 10 s: it delivers what waits for at most five`,
    group: {
      kind: "singleton",
      name: "guardian",
      constraints: [notOnWitness()],
      ports: [{ label: "metrics", to: GUARDIAN_PORT }],
      services: [{ name: serviceName("guardian"), port: "metrics", check: Probe.fromHttpGet("/healthz", { interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) }],
      restart: RESTART_THEN_MOVE,
      reschedule: RESCHEDULE_WITHOUT_LIMIT,
      // A second one for a while does no harm: whatever it writes, it writes by check-and-set.
      disconnect: { replace: true, reconcile: "keep_replacement" },
      update: updatePolicy(env),
      shutdownDelay: SHUTDOWN_DELAY,
      tasks: [
        {
          name: "guardian",
          // The backend's image is on the nodes already, and has Bun.
          image: imageReference(env.images.backend, lock.backend),
          command: "bun",
          args: ["/local/guardian.mjs", "/local/settings.json"],
          ports: ["metrics"],
          // The node's own agent, which speaks plain HTTP inside the tailnet.
          env: { CONSUL_HTTP_ADDR: `http://${NODE_TAILNET_ADDRESS}:${CLUSTER_PORTS.consulHttp}` },
          templates: [
            ...Object.entries(GUARDIAN_SOURCE).map(([name, data]) => ({ data, destination: `local/${name}` })),
            { data: `${stableJson(settings, 2)}\n`, destination: "local/settings.json" },
            secretEnvTemplate(env.vault.kvMount, JOBS.guardian, ["API_TOKEN", "ALERT_TOKEN"]),
          ],
          vaultRole: vaultRole(namespace, JOBS.guardian),
          readsConsul: true,
          callsNomad: true,
          // Measured under Bun 1.4: 59 MiB after 60 rounds; what it keeps is bounded by the windows.
          resources: { cpuMhz: 100, memory: Size.mebibytes(128), memoryMax: Size.mebibytes(256) },
          killSignal: "SIGTERM",
          killTimeout: Duration.seconds(10),
          dnsServer: NODE_TAILNET_ADDRESS,
          init: true,
        },
      ],
    },
  };
}
