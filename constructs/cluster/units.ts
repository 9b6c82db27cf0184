/** systemd units of the two agents. */
import { CLUSTER_PORTS } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import type { ClusterNode } from "./node";
import { consulPaths, nomadPaths, PROGRAMS } from "./paths";

/** User that the Consul agent runs as; it answers DNS to the whole tailnet, so it is not root. */
export const CONSUL_USER = "consul";

/** The tailnet may take a while after a cold start; a unit that has waited this long is started again by systemd. */
const ADDRESS_WAIT = Duration.minutes(5);
/** Long enough for the kernel to free ports, short against the heartbeat of five seconds. */
const RESTART_DELAY = Duration.seconds(2);

interface UnitText {
  readonly description: string;
  readonly documentation: string;
  readonly after: readonly string[];
  readonly address: string;
  readonly service: readonly string[];
}

/**
 * Units want what they come after, and do not require it: a restart of Docker or
 * of tailscaled (an upgrade of either) must not take a voter down with it.
 */
function unit(u: UnitText): string {
  return `[Unit]
Description=${u.description}
Documentation=${u.documentation}
Wants=network-online.target ${u.after.join(" ")}
After=network-online.target ${u.after.join(" ")}
# An agent that cannot start is tried for ever: nobody is awake to start it after a cold start.
StartLimitIntervalSec=0

[Service]
# Addresses are literal: started before the tailnet has its address, an agent could not bind.
ExecStartPre=/bin/sh -c 'until grep -qwF ${u.address} /proc/net/fib_trie; do sleep 1; done'
TimeoutStartSec=${ADDRESS_WAIT.seconds}
${u.service.join("\n")}
Restart=on-failure
RestartSec=${RESTART_DELAY.seconds}
LimitNOFILE=65536
TasksMax=infinity

[Install]
WantedBy=multi-user.target
`;
}

export function nomadUnit(env: Environment, node: ClusterNode): string {
  const paths = nomadPaths(env);
  const isClient = node.role === "app";
  return unit({
    description: isClient ? "Nomad agent (server and client)" : "Nomad agent (server)",
    documentation: "https://developer.hashicorp.com/nomad/docs",
    after: ["tailscaled.service", "consul.service", ...(isClient ? ["docker.service"] : [])],
    address: node.address,
    service: [
      // Files by name: a folder would be read whole, and a package's example or the registry's credentials lie there too.
      `ExecStart=${PROGRAMS}/nomad agent -config=${paths.config} -config=${paths.secrets}`,
      "ExecReload=/bin/kill -HUP $MAINPID",
      // SIGINT stops at once and leaves nothing (leave_on_interrupt = false); containers and their log collectors live on.
      "KillSignal=SIGINT",
      "KillMode=process",
      // When memory is short, a task goes before the voter that would replace it.
      "OOMScoreAdjust=-900",
      "LimitNPROC=infinity",
      "Delegate=yes",
    ],
  });
}

export function consulUnit(env: Environment, node: ClusterNode): string {
  const paths = consulPaths(env);
  return unit({
    description: "Consul agent (client)",
    documentation: "https://developer.hashicorp.com/consul/docs",
    after: ["tailscaled.service"],
    address: node.address,
    service: [
      `User=${CONSUL_USER}`,
      `Group=${CONSUL_USER}`,
      `ExecStart=${PROGRAMS}/consul agent -config-file=${paths.config} -config-file=${paths.secrets} -config-file=${paths.gossip}`,
      "ExecReload=/bin/kill -HUP $MAINPID",
      "KillSignal=SIGINT",
      // The worker's lease and every lookup go through it.
      "OOMScoreAdjust=-800",
      `# Port ${CLUSTER_PORTS.dns}, the only one that split DNS speaks.`,
      "AmbientCapabilities=CAP_NET_BIND_SERVICE",
      "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
      "NoNewPrivileges=yes",
      "ProtectSystem=full",
      "ProtectHome=yes",
    ],
  });
}
