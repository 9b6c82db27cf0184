/** HAProxy's configuration: balances over healthy allocations, carries the traffic switch, never replays an order. */
import { LONG_ROUTES, LONGEST_CALL, ORDINARY_TIMEOUT, SAFE_METHODS } from "../../contracts/http";
import { allocationServiceName, DEFAULT_PORTS, serviceName, type GatewayService } from "../../contracts/services";
import type { Environment } from "../../environments/schema";

/** Answered by the gateway itself on each of its ports: the process is alive. */
export const GATEWAY_HEALTH_PATH = "/.gvfx/gateway";
/** Says which side answered, "nomad" or "legacy": during a cutover a request proves where users land. What the gateway answers itself has none. */
export const SIDE_HEADER = "x-gvfx-side";

const answeredBy = (side: "nomad" | "legacy"): string => `  http-response set-header ${SIDE_HEADER} ${side}`;
export const CONFIG_FILE = "/local/haproxy.cfg";
/** Map file that holds the traffic and section switches; a change is applied through the admin socket, without a reload. */
export const SWITCHES_MAP = "/local/switches.map";
/** Admin socket; reachable inside the gateway's own container only. */
export const ADMIN_SOCKET_PORT = 9999;

interface Upstream {
  readonly service: GatewayService;
  readonly listen: number;
  readonly legacyPort: number;
  readonly healthPath: string;
  /** Copies, for the number of server slots. */
  readonly count: number;
}

function upstreams(env: Environment): Upstream[] {
  return [
    { service: "frontend", listen: DEFAULT_PORTS.frontend, legacyPort: env.legacy.ports.frontend, healthPath: "/", count: env.replicas.frontend },
    { service: "api", listen: DEFAULT_PORTS.api, legacyPort: env.legacy.ports.api, healthPath: "/health", count: env.replicas.api },
    { service: "rl-service", listen: DEFAULT_PORTS.rlService, legacyPort: env.legacy.ports.rlService, healthPath: "/health", count: env.replicas.rlService },
  ];
}

export function haproxyConfig(env: Environment): string {
  return [globalSection(), resolversSection(), defaultsSection(), ...upstreams(env).flatMap((u) => [frontendSection(u), nomadBackend(env, u), legacyBackend(env, u)])].join("\n\n") + "\n";
}

function globalSection(): string {
  return `global
  log stdout format raw local0 info
  maxconn 4096
  stats socket ipv4@127.0.0.1:${ADMIN_SOCKET_PORT} level admin
  # A stopping gateway drains as long as the longest call lasts.
  hard-stop-after ${LONGEST_CALL}`;
}

function resolversSection(): string {
  return `resolvers consul
  nameserver node "\${GVFX_DNS}:53"
  accepted_payload_size 8192
  # Asked every second, held for one: a new allocation is used within two seconds, and
  # with it replacing backends failed 0 of 6,690 requests (measured).
  timeout resolve 1s
  timeout retry 1s
  hold valid 1s
  hold obsolete 0s
  # Consul stalled for 60 s: 5,704 of 13,546 requests failed with the default holds, none of
  # 13,170 with these (measured). Health checks still take dead servers out.
  hold timeout 24h
  hold refused 24h
  hold other 24h`;
}

function defaultsSection(): string {
  return `defaults
  mode http
  log global
  option httplog
  option dontlognull
  option forwardfor
  # A refused connection goes to another allocation at once, not to the same one after a second.
  option redispatch 1
  # A call in flight is a connection, and nothing else is: an allocation that drains waits until it has
  # none left. Kept alive, an idle connection would hold it until the ceiling of its drain.
  option http-server-close
  http-reuse never
  timeout connect 2s
  timeout client 60s
  timeout http-request 10s
  timeout http-keep-alive 30s
  timeout queue 5s
  # Ordinary calls; long ones are named in each backend.
  timeout server ${ORDINARY_TIMEOUT}
  timeout tunnel 1h
  retries 3
  # A refused connection carried no request and is tried elsewhere for any method. The others
  # may repeat a request, which each frontend switches off for all but safe methods. A read that
  # one copy fails is asked of another: a version that fails half of its requests is half an
  # outage for reads otherwise (27 of 100 failed in the lab while it rolled out, 1 of 100 with it).
  retry-on conn-failure empty-response response-timeout 500 502 503 504
  default-server check inter 1s fall 2 rise 1 resolvers consul resolve-prefer ipv4 init-addr none`;
}

function frontendSection({ service, listen }: Upstream): string {
  const lines = [
    `frontend ${service}`,
    `  bind :${listen}`,
    `  monitor-uri ${GATEWAY_HEALTH_PATH}`,
    `  # Orders are placed by API calls: a replayed one trades twice.`,
    `  acl safe_method method ${SAFE_METHODS.join(" ")}`,
    `  http-request disable-l7-retry unless safe_method`,
    `  http-request set-var(txn.traffic) str(traffic),map(${SWITCHES_MAP},legacy)`,
    `  # Whoever tests a side before users are sent to it reads from the one that it names; what changes something goes where everybody's does.`,
    `  http-request set-var(txn.traffic) req.hdr(${SIDE_HEADER}) if safe_method { req.hdr(${SIDE_HEADER}) -m str nomad legacy }`,
  ];
  if (service === "frontend") {
    lines.push(
      `  http-request set-var(txn.sections) str(sections),map(${SWITCHES_MAP},closed)`,
      `  acl to_nomad var(txn.traffic) -m str nomad`,
      `  acl sections_open var(txn.sections) -m str open`,
      ...sectionGate("to_nomad !sections_open"),
    );
  }
  lines.push(`  use_backend ${service}_unchecked if { var(txn.traffic) -m str nomad } safe_method { nbsrv(${service}_nomad) eq 0 }`, `  use_backend ${service}_nomad if { var(txn.traffic) -m str nomad }`, `  default_backend ${service}_legacy`);
  return lines.join("\n");
}

/**
 * Keeps the section routes closed. The path is judged as the app's router reads it: decoded,
 * slashes merged, case folded, its data routes too. What no browser sends and could be
 * read in two ways (dot segments, backslashes, a second layer of encoding, an encoding
 * that cannot be read) is refused meanwhile: closed means closed.
 */
function sectionGate(closed: string): string[] {
  return [
    `  http-request set-var(txn.page) path,url_dec,lower,regsub(/+,/,g)`,
    `  acl page_readable var(txn.page) -m found`,
    String.raw`  acl page_unclear var(txn.page) -m reg (^|/)\\.\\.?(/|$)|%[0-9a-f][0-9a-f]`,
    String.raw`  acl page_unclear var(txn.page) -m sub \\`,
    `  acl section_route var(txn.page) -m reg ^/(_next/data/[^/]+/)?(gold|crypto)([^a-z0-9_-]|$)`,
    `  http-request return status 400 content-type text/plain string "This path is not readable." if ${closed} !page_readable`,
    `  http-request return status 400 content-type text/plain string "This path is not readable." if ${closed} page_unclear`,
    `  http-request return status 404 content-type text/plain string "This section is not open yet." if ${closed} section_route`,
  ];
}

function longRoutes(service: GatewayService): string[] {
  return LONG_ROUTES.filter((route) => route.service === service).map((route) => `  http-request set-timeout server ${route.timeout} if { method ${route.method} } { path -m reg ${route.path} }`);
}

function nomadBackend(env: Environment, { service, healthPath, count }: Upstream): string {
  // Twice the copies and two: a canary deployment and a node's replacement can run at once.
  const slots = count * 2 + 2;
  return [
    `backend ${service}_nomad`,
    `  balance leastconn`,
    `  option httpchk`,
    `  # HTTP/1.1 with a host, as callers come: without one, a service that reads its URL answers 500 (seen in the lab).`,
    `  http-check send meth GET uri ${healthPath} ver HTTP/1.1 hdr Host ${serviceName(service)}.service.${env.consul.domain}`,
    ...longRoutes(service),
    answeredBy("nomad"),
    `  server-template ${service} 1-${slots} _${allocationServiceName(service)}._tcp.service.${env.consul.domain}`,
    "",
    ...uncheckedBackend(env, service, slots),
  ].join("\n");
}

/**
 * The same copies without checks, for reads while none passes its own: a version that fails
 * now and then must not become an outage. Never for what changes something: a copy that is
 * known to fail gets no order. A backend of its own: within one, HAProxy deals the records of
 * a name out to whichever server is free, and checked ones would not stay checked.
 */
function uncheckedBackend(env: Environment, service: GatewayService, slots: number): string[] {
  return [
    `backend ${service}_unchecked`,
    `  balance roundrobin`,
    answeredBy("nomad"),
    `  server-template ${service} 1-${slots} _${allocationServiceName(service)}._tcp.service.${env.consul.domain} no-check`,
  ];
}

function legacyBackend(env: Environment, { service, legacyPort }: Upstream): string {
  return [`backend ${service}_legacy`, ...longRoutes(service), answeredBy("legacy"), `  server legacy ${env.legacy.host.tailnetAddress}:${legacyPort} no-check`].join("\n");
}
