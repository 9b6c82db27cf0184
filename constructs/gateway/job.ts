/** The gateway: the app's fixed names and ports, on every app node. */
import { LONGEST_CALL } from "../../contracts/http";
import { imageReference, type ImageLock } from "../../contracts/images";
import { DEFAULT_PORTS, JOBS, serviceName, type GatewayService } from "../../contracts/services";
import { Duration, type Port } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { CHECK_INTERVAL, CHECK_TIMEOUT, PRIORITY, RESTART_FOR_EVER, SHUTDOWN_DELAY, STAYS_WHERE_IT_IS, updatePolicy } from "../jobs/policies";
import { NODE_TAILNET_ADDRESS, notOnWitness } from "../nomad/placement";
import { Probe, type JobSpec } from "../nomad/spec";
import { GATEWAY_HEALTH_PATH, haproxyConfig } from "./haproxy";
import { GATEWAY_SCRIPT, switchesTemplate } from "./switches";

/** HAProxy itself stops after the longest call; ten seconds more, so that it is never killed while it drains. */
const DRAIN = LONGEST_CALL.plus(Duration.seconds(10));

export function gatewayJob(env: Environment, lock: ImageLock): JobSpec {
  const ports: readonly (readonly [GatewayService, Port, Port])[] = [
    ["frontend", DEFAULT_PORTS.frontend, env.ports.frontend],
    ["api", DEFAULT_PORTS.api, env.ports.api],
    ["rl-service", DEFAULT_PORTS.rlService, env.ports.rlService],
  ];
  return {
    id: JOBS.gateway,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace: env.nomad.namespace,
    priority: PRIORITY.gateway,
    rationale: "kill timeout 20 min: draining lasts as long as the longest call; one node at a time, so that one gateway always answers",
    group: {
      kind: "system",
      name: "gateway",
      constraints: [notOnWitness()],
      ports: ports.map(([label, to, host]) => ({ label, to, static: host })),
      services: ports.map(([label]) => ({ name: serviceName(label), port: label, check: Probe.fromHttpGet(GATEWAY_HEALTH_PATH, { interval: CHECK_INTERVAL, timeout: CHECK_TIMEOUT }) })),
      nodes: env.nodes.length,
      // A gateway that drains holds its ports: stopped after every gap in the network, it would be away as long as the longest call.
      disconnect: STAYS_WHERE_IT_IS,
      restart: RESTART_FOR_EVER,
      update: updatePolicy(env),
      shutdownDelay: SHUTDOWN_DELAY,
      tasks: [
        {
          name: "haproxy",
          image: imageReference(env.images.haproxy, lock.haproxy),
          entrypoint: ["/bin/bash", "/local/gateway.sh"],
          ports: ports.map(([label]) => label),
          env: { GVFX_DNS: NODE_TAILNET_ADDRESS },
          templates: [
            { data: haproxyConfig(env), destination: "local/haproxy.cfg" },
            { data: GATEWAY_SCRIPT, destination: "local/gateway.sh" },
            // Nothing acts on a change of it: the script looks at it every second.
            { data: switchesTemplate(env.nomad.namespace), destination: "local/switches.map" },
          ],
          readsConsul: true,
          resources: env.resources.gateway,
          // SIGUSR1 stops accepting and lets calls in flight finish.
          killSignal: "SIGUSR1",
          killTimeout: DRAIN,
          dnsServer: NODE_TAILNET_ADDRESS,
        },
      ],
    },
  };
}
