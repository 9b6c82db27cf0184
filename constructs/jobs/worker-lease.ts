/**
 * The worker's lease as the job delivers it: the program, and its settings
 * (runtime/worker-lease/settings.mjs) from the environment. Nomad fills in what only
 * the node knows, its name and address, when it renders the settings.
 */
import { existsSync, readFileSync } from "node:fs";
import { kvPaths } from "../../contracts/kv";
import { CLUSTER_PORTS } from "../../contracts/services";
import { port } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { stableJson } from "../nomad/render";
import type { TemplateSpec } from "../nomad/spec";
import { WORKER_METRICS_PORT } from "./app-environment";
import { WORKER_LEASE_SOURCE } from "./worker-lease-source";

/** Port of the lease program's /healthz, /state and /metrics inside the container; Nomad publishes it on a dynamic one. */
export const LEASE_PORT = port(9464);

export const LEASE_PROGRAM_PATH = "local/worker-lease.mjs";
export const LEASE_SETTINGS_PATH = "local/worker-lease.json";
const TOKEN_PATH = "secrets/consul-token";
const AUTHORITY_PATH = "local/consul-ca.pem";

/** What is run: the lease program, and under it the worker's own command. */
export function leasedCommand(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  return ["bun", `/${LEASE_PROGRAM_PATH}`, `/${LEASE_SETTINGS_PATH}`, "--", ...command];
}

/** The settings, with Nomad's template actions where a node differs from the next. */
export function leaseSettings(env: Environment) {
  const { lease, nomad } = env;
  const { workerOwner, workerLease } = kvPaths(nomad.namespace);
  return {
    owner: "nomad",
    keys: { owner: workerOwner, lease: workerLease },
    // Its name in Consul is its name in Nomad: one bundle gives both.
    node: "{{ env `node.unique.name` }}",
    // The node's own agent, which speaks plain HTTP inside the tailnet.
    agents: [`http://{{ env \`meta.tailnet_address\` }}:${CLUSTER_PORTS.consulHttp}`],
    servers: consulServers(env),
    ...(authorityPem(env) === undefined ? {} : { caFile: `/${AUTHORITY_PATH}` }),
    tokenFile: `/${TOKEN_PATH}`,
    port: LEASE_PORT,
    childMetricsUrl: `http://127.0.0.1:${WORKER_METRICS_PORT}/metrics`,
    // Docker gives the container a PID namespace of its own.
    containment: "container",
    // The worker runs on Bun, which loads it.
    fence: "kernel-timer",
    timing: {
      ttlMs: lease.ttl.milliseconds,
      lockDelayMs: lease.lockDelay.milliseconds,
      renewEveryMs: lease.renewEvery.milliseconds,
      requestTimeoutMs: lease.requestTimeout.milliseconds,
      terminateAfterMs: lease.terminateAfter.milliseconds,
      killAfterMs: lease.killAfter.milliseconds,
      stopGraceMs: lease.stopGrace.milliseconds,
    },
  };
}

export function leaseTemplates(env: Environment): TemplateSpec[] {
  const authority = authorityPem(env);
  return [
    { data: WORKER_LEASE_SOURCE, destination: LEASE_PROGRAM_PATH },
    { data: `${stableJson(leaseSettings(env), 2)}\n`, destination: LEASE_SETTINGS_PATH },
    // Nomad's own file of it (secrets/consul_token) is root's, mode 0640; the image's user is 1000. Only root reaches the folder on the node.
    { data: "{{ env `CONSUL_HTTP_TOKEN` }}\n", destination: TOKEN_PATH, perms: "0644" },
    ...(authority === undefined ? [] : [{ data: authority, destination: AUTHORITY_PATH }]),
  ];
}

/** Consul's servers, by the scheme of their API; none when they are not to be asked, or could not be told from anybody else. */
function consulServers(env: Environment): string[] {
  const { consul, lease } = env;
  const api = new URL(consul.address);
  const https = api.protocol === "https:";
  if (!lease.fallback.enabled || (https && authorityPem(env) === undefined)) return [];
  // The address may be a port that is published elsewhere: then the servers listen where they always do.
  const number = consul.servers.includes(api.hostname) && api.port ? api.port : https ? CLUSTER_PORTS.consulHttps : CLUSTER_PORTS.consulHttp;
  return consul.servers.map((server) => `${api.protocol}//${server}:${number}`);
}

/** PEM of the authority of Consul's servers; undefined when none is given, or a lab has not made its own yet. */
function authorityPem({ lease: { fallback } }: Environment): string | undefined {
  if (!fallback.enabled || !fallback.authority) return undefined;
  if ("pem" in fallback.authority) return fallback.authority.pem;
  return existsSync(fallback.authority.file) ? readFileSync(fallback.authority.file, "utf8") : undefined;
}
