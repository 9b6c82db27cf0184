/** docs/reference/contracts.md: names, ports, keys, secrets and variables that services agree on, from contracts/. */
import { appEnvironment } from "../../constructs/jobs/app-environment";
import { ENV_CONTRACT } from "../../contracts/env";
import { LONG_ROUTES, WRITES } from "../../contracts/http";
import { servicesOf, vaultRole } from "../../contracts/identity";
import { kvPaths } from "../../contracts/kv";
import { SECRETS } from "../../contracts/secrets";
import { APP_SERVICES, CLUSTER_PORTS, GATEWAY_SERVICES, JOBS, SECTION_STATES, serviceName, TRAFFIC_TARGETS, WORKER_OWNERS } from "../../contracts/services";
import { CUTOVER_VARIABLES, MARKET_READERS, MARKET_VARIABLE, TUNED_SERVICES, tuningVariable } from "../../contracts/variables";
import { hostVolume, VOLUME_JOBS } from "../../contracts/volumes";
import type { Environment } from "../../environments/schema";

export const CONTRACTS_PAGE = "docs/reference/contracts.md";

/** @param env whose names and values are shown: the production example */
export function contractsPage(env: Environment): string {
  const { namespace } = env.nomad;
  const kv = kvPaths(namespace);
  const specs = new Map(APP_SERVICES.map((service) => [service, appEnvironment(env, service)]));
  const publicPort = { frontend: env.ports.frontend, api: env.ports.api, "rl-service": env.ports.rlService };
  return [
    "# Reference: contracts",
    "",
    "What services, jobs and operators agree on, from `contracts/`, where each of it is written once. Values are those of the production example.",
    "",
    "## Jobs",
    "",
    "| job | services in Consul | Vault role | host volume |",
    "|---|---|---|---|",
    ...Object.values(JOBS).map((job) => `| \`${job}\` | ${codes(servicesOf(job))} | ${SECRETS.some(({ readers }) => readers.includes(job)) ? `\`${vaultRole(namespace, job)}\`` : ""} | ${VOLUME_JOBS.includes(job) ? `\`${hostVolume(job)}\`` : ""} |`),
    "",
    "## What users and services call",
    "",
    "| name | port | |",
    "|---|---|---|",
    ...GATEWAY_SERVICES.map((service) => `| \`${serviceName(service)}.service.${env.consul.domain}\` | ${publicPort[service]} | the gateway on each app node, in front of \`${serviceName(service)}-alloc\` |`),
    `| \`${serviceName("convex")}.service.${env.consul.domain}\` | ${env.ports.convex} | Convex, and its HTTP actions on ${env.ports.convexSite} |`,
    `| \`${serviceName("postgres")}.service.${env.consul.domain}\` | ${env.ports.postgres} | Postgres |`,
    `| \`${serviceName("objectstore")}.service.${env.consul.domain}\` | ${env.ports.objectstore} | MinIO |`,
    "",
    `The cluster's own ports: ${Object.entries(CLUSTER_PORTS).map(([name, port]) => `${name} ${port}`).join(", ")}.`,
    "",
    "### Calls that change something",
    "",
    `The gateway sends each once, and never again: ${GATEWAY_SERVICES.filter((service) => WRITES[service].length > 0).map((service) => `${WRITES[service].length} of ${serviceName(service)}`).join(", ")}. These it waits for longer:`,
    "",
    "| service | call | up to | because |",
    "|---|---|---|---|",
    ...LONG_ROUTES.map(({ service, method, path, timeout, why }) => `| ${service} | \`${method} ${cell(path)}\` | ${timeout.toString()} | ${cell(why)} |`),
    "",
    "## Keys in Consul",
    "",
    "| key | values | |",
    "|---|---|---|",
    `| \`${kv.workerOwner}\` | ${codes(WORKER_OWNERS)} | who may run the worker |`,
    `| \`${kv.workerLease}\` | a session's lock | who does |`,
    `| \`${kv.traffic}\` | ${codes(TRAFFIC_TARGETS)} | where the gateway sends users |`,
    `| \`${kv.sections}\` | ${codes(SECTION_STATES)} | whether the section routes are open |`,
    `| \`${kv.evidence}/…\` | a verdict | what a gate of the cutover rests on |`,
    "",
    "## Nomad variables",
    "",
    "| path | read by |",
    "|---|---|",
    `| \`${MARKET_VARIABLE}\` | ${MARKET_READERS.join(", ")} |`,
    ...TUNED_SERVICES.map((service) => `| \`${tuningVariable(service)}\` | ${service} |`),
    `| \`${CUTOVER_VARIABLES}/…\` | the cutover's ledger |`,
    "",
    "## Secrets",
    "",
    `Below the mount \`${env.vault.kvMount}\`; how they come there and are rotated: [secrets](../secrets.md).`,
    "",
    "| secret | path | read by | comes from | |",
    "|---|---|---|---|---|",
    ...SECRETS.map(({ field, path, readers, origin, required, purpose }) => `| \`${field}\` | \`${path}\` | ${readers.join(", ") || "an operator"} | ${origin}${required ? "" : "; may be left out"} | ${cell(purpose)} |`),
    "",
    "## The app's environment",
    "",
    "Every key of the app's contract, and what each service is given here. A key that a service is not given has the app's own default.",
    "",
    `| key | kind | default | ${APP_SERVICES.join(" | ")} |`,
    `|---|---|---|${APP_SERVICES.map(() => "---|").join("")}`,
    ...ENV_CONTRACT.map((entry) => `| \`${entry.key}\`${entry.required ? ", required" : ""} | ${entry.kind}${entry.secret ? ", secret" : ""} | ${entry.default === null || entry.default === "" ? "" : `\`${cell(entry.default)}\``} | ${APP_SERVICES.map((service) => sourceText(specs.get(service)![entry.key], entry.services.includes(service))).join(" | ")} |`),
    "",
    "This page is made by `npm run docs`.",
    "",
  ].join("\n");
}

function sourceText(source: ReturnType<typeof appEnvironment>[string] | undefined, takes: boolean): string {
  if (!source) return takes ? "default" : "";
  if (source.from === "secret") return "Vault";
  return source.from === "variable" ? "variable" : `\`${cell(source.value)}\``;
}

function codes(values: readonly string[]): string {
  return values.map((value) => `\`${value}\``).join(", ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s+/g, " ");
}
