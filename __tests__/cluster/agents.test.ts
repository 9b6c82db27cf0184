import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleText, nodeBundle } from "../../constructs/cluster/bundle";
import { consulAgentConfig } from "../../constructs/cluster/consul-agent";
import { nomadAgentConfig } from "../../constructs/cluster/nomad-agent";
import { consulUnit, nomadUnit } from "../../constructs/cluster/units";
import { objectstoreJob } from "../../constructs/jobs/objectstore";
import { postgresJob } from "../../constructs/jobs/postgres";
import { LONGEST_CALL } from "../../contracts/http";
import { UNPINNED_IMAGES } from "../../contracts/images";
import { Duration } from "../../contracts/units";
import { cluster, existing, secretsOf } from "./cluster";

const { env, all, server1, server2, witness } = cluster();

interface Client {
  readonly enabled: boolean;
  readonly max_kill_timeout: string;
  readonly host_volume?: unknown;
}

test("Nomad on the data node", () => {
  expect(nomadAgentConfig(env, server1, all)).toEqual({
    name: "server-1", region: "global", datacenter: "dc1", data_dir: "/var/lib/nomad", log_level: "INFO", disable_update_check: true,
    bind_addr: "100.64.0.11",
    addresses: { http: "100.64.0.11 127.0.0.1" },
    advertise: { http: "100.64.0.11", rpc: "100.64.0.11", serf: "100.64.0.11" },
    leave_on_interrupt: false, leave_on_terminate: false,
    acl: { enabled: true },
    tls: { http: true, rpc: true, ca_file: "/etc/nomad.d/tls/ca.pem", cert_file: "/etc/nomad.d/tls/agent.pem", key_file: "/etc/nomad.d/tls/agent-key.pem", verify_server_hostname: true, verify_https_client: false },
    rpc: { keep_alive_interval: "1s", connection_write_timeout: "2s" },
    server: {
      enabled: true, bootstrap_expect: 3,
      server_join: { retry_join: ["100.64.0.11", "100.64.0.12", "100.64.0.13"], retry_interval: "5s" },
      min_heartbeat_ttl: "5s", heartbeat_grace: "6s", failover_heartbeat_ttl: "31s",
    },
    autopilot: { min_quorum: 3 },
    client: {
      enabled: true, node_class: "app",
      network_interface: '{{ GetAllInterfaces | include "network" "100.64.0.0/10" | attr "name" }}',
      host_network: [{ tailnet: { cidr: "100.64.0.0/10" } }],
      meta: { tailnet_address: "100.64.0.11", node: "server-1" },
      reserved: { cpu: 1000, memory: 1024, disk: 10240 },
      max_kill_timeout: "30m",
      options: { "fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce", "driver.allowlist": "docker" },
      template: { consul_retry: { attempts: 0 }, vault_retry: { attempts: 0 }, nomad_retry: { attempts: 0 } },
      host_volume: [{ "gvfx-postgres": { path: "/srv/gvfx/gvfx-postgres" } }, { "gvfx-objectstore": { path: "/srv/gvfx/gvfx-objectstore" } }, { "gvfx-backup": { path: "/srv/gvfx/gvfx-backup" } }],
    },
    plugin: [{ docker: [{ config: [{ volumes: { enabled: false }, gc: { image_delay: "720h" }, auth: { config: "/etc/nomad.d/registry.json" } }] }] }],
    consul: {
      address: "127.0.0.1:8500", auto_advertise: true, checks_use_advertise: true, server_auto_join: false, client_auto_join: false,
      service_auth_method: "nomad-workloads", task_auth_method: "nomad-workloads",
      service_identity: { aud: ["consul.io"], ttl: "1h" }, task_identity: { aud: ["consul.io"], ttl: "1h" },
    },
    vault: { enabled: true, address: "https://100.64.0.21:8200", jwt_auth_backend_path: "jwt-nomad", default_identity: { aud: ["vault.io"], ttl: "1h" }, ca_file: "/etc/nomad.d/vault-ca.pem" },
    telemetry: { prometheus_metrics: true, publish_allocation_metrics: true, publish_node_metrics: true, disable_hostname: true },
  });
});

test("both app nodes declare the same volumes: the data plane moves when foundation cannot reach the node that it leaves; what is empty there, the jobs refuse", () => {
  const volumes = (node: Parameters<typeof nomadAgentConfig>[1]): unknown => (nomadAgentConfig(env, node, all).client as unknown as Client).host_volume;
  expect(volumes(server2)).toEqual(volumes(server1));
  expect(JSON.stringify([postgresJob(env, UNPINNED_IMAGES), objectstoreJob(env, UNPINNED_IMAGES)])).toMatch(/is empty, and this is not the first boot.*is empty, and this is not the first boot/s);
});

test("the witness votes and runs nothing: no client, no driver, no file of Vault's", () => {
  const config = nomadAgentConfig(env, witness, all);
  expect(config.client).toEqual({ enabled: false });
  expect(config).not.toHaveProperty("plugin");
  expect(config.vault).not.toHaveProperty("ca_file");
  expect(config.server).toEqual(nomadAgentConfig(env, server1, all).server);
});

test("a job may drain as long as the longest call of the app", () => {
  const { max_kill_timeout } = nomadAgentConfig(env, server1, all).client as Client;
  expect(Duration.parse(max_kill_timeout).isLongerThan(LONGEST_CALL)).toBe(true);
});

test.each([
  [{ delivery: "credential-helper", helper: "ecr-login" } as const, { helper: "ecr-login" }],
  [{ delivery: "none" } as const, undefined],
])("registry credentials delivered by %j", (credentials, auth) => {
  const changed = existing((input) => { input.images.registry.credentials = credentials; });
  const [{ docker }] = nomadAgentConfig(changed, server1, all).plugin as { docker: { config: { auth?: unknown }[] }[] }[];
  expect(docker[0].config[0].auth).toEqual(auth);
});

test("Consul on a node", () => {
  expect(consulAgentConfig(env, server1)).toEqual({
    node_name: "server-1", datacenter: "dc1", domain: "consul", data_dir: "/var/lib/consul", server: false, log_level: "INFO",
    disable_update_check: true, disable_anonymous_signature: true,
    bind_addr: "100.64.0.11", advertise_addr: "100.64.0.11",
    retry_join: ["100.64.0.21", "100.64.0.22", "100.64.0.23"], retry_interval: "10s",
    leave_on_terminate: false, skip_leave_on_interrupt: true,
    addresses: { http: "127.0.0.1 100.64.0.11", dns: "127.0.0.1 100.64.0.11" },
    ports: { http: 8500, https: -1, dns: 53, grpc: -1, grpc_tls: -1, serf_lan: 8301 },
    recursors: ["100.100.100.100"],
    tls: { defaults: { ca_file: "/etc/consul.d/agent-ca.pem", verify_outgoing: true }, internal_rpc: { verify_server_hostname: true } },
    acl: { enabled: true, default_policy: "deny", down_policy: "extend-cache" },
    telemetry: { prometheus_retention_time: "1m", disable_hostname: true },
  });
});

test("Consul's TLS follows the servers': none without https, a certificate from them where they demand one", () => {
  expect(consulAgentConfig(existing((input) => { input.consul.address = "http://100.64.0.21:8500"; }), server1)).not.toHaveProperty("tls");
  expect(consulAgentConfig(existing((input) => { input.consul.autoEncrypt = true; }), server1)).toMatchObject({ auto_encrypt: { tls: true } });
});

test("no agent leaves the cluster when it is stopped: a restart would end the worker's lease or shrink the quorum", () => {
  for (const node of all) {
    expect(nomadAgentConfig(env, node, all)).toMatchObject({ leave_on_interrupt: false, leave_on_terminate: false });
    expect(consulAgentConfig(env, node)).toMatchObject({ leave_on_terminate: false, skip_leave_on_interrupt: true });
    for (const unit of [nomadUnit(env, node), consulUnit(env, node)]) expect(unit).toContain("KillSignal=SIGINT");
  }
});

test("units wait for the tailnet's address, name their files, and require nothing that may restart", () => {
  const unit = nomadUnit(env, server1);
  expect(unit).toContain("ExecStartPre=/bin/sh -c 'until grep -qwF 100.64.0.11 /proc/net/fib_trie; do sleep 1; done'");
  expect(unit).toContain("ExecStart=/usr/local/bin/nomad agent -config=/etc/nomad.d/agent.json -config=/etc/nomad.d/agent-secrets.json\n");
  expect(unit).toMatch(/^After=.*tailscaled\.service consul\.service docker\.service$/m);
  expect(unit).not.toMatch(/^(Requires|BindsTo)=/m);
  expect(unit).toContain("OOMScoreAdjust=-900");
  expect(unit).toContain("KillMode=process");
  expect(nomadUnit(env, witness)).not.toContain("docker.service");
  expect(consulUnit(env, server1)).toMatch(/User=consul\n[\s\S]*AmbientCapabilities=CAP_NET_BIND_SERVICE/);
});

describe("a bundle", () => {
  const files = nodeBundle(env, server1, all, secretsOf(server1));

  test("keeps secrets in files that root, or the agent's own user, reads", () => {
    for (const file of files) {
      expect([file.path, file.content.includes("SECRET")]).toEqual([file.path, file.sensitive]);
      if (file.sensitive) expect([file.path, file.mode.endsWith("0")]).toEqual([file.path, true]);
    }
    expect(files.filter((f) => f.sensitive).map((f) => f.path)).toEqual(["/etc/consul.d/agent-secrets.json", "/etc/nomad.d/agent-secrets.json", "/var/lib/nomad/server/serf.keyring", "/etc/nomad.d/tls/agent-key.pem"]);
  });

  test("is refused when a file could be taken for the next one", () => {
    expect(() => bundleText([{ ...files[0], content: "a\n@@file nomad 0600 root /etc/passwd\n" }])).toThrow(/consul\.service has a line that begins with "@@file"/);
  });

  test("is refused when Terraform would evaluate what is meant for the node", () => {
    expect(() => bundleText([{ ...files[0], content: "path ${HOME}\n" }])).toThrow(/has "\$\{HOME\}[^"]*", which Terraform would evaluate/);
  });
});

describe("the real programs", () => {
  const folder = mkdtempSync(join(tmpdir(), "agents-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const has = (program: string): boolean => spawnSync(program, ["version"]).status === 0;
  const when = (program: string) => (has(program) ? test : test.skip);
  const write = (name: string, content: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };

  when("nomad")("Nomad accepts every key of every node", () => {
    for (const node of all) {
      const secrets = nodeBundle(env, node, all, secretsOf(node)).find((f) => f.path === "/etc/nomad.d/agent-secrets.json")!;
      const run = spawnSync("nomad", ["config", "validate", write(`${node.name}.json`, nomadAgentConfig(env, node, all)), write(`${node.name}-secrets.json`, JSON.parse(secrets.content))], { encoding: "utf8" });
      expect([node.name, run.status, run.stdout]).toEqual([node.name, 0, expect.stringContaining("Configuration is valid!")]);
    }
  });

  when("consul")("Consul accepts every key of every node", () => {
    for (const node of all) {
      const run = spawnSync("consul", ["validate", write(`consul-${node.name}.json`, consulAgentConfig(env, node))], { encoding: "utf8" });
      expect([node.name, run.status]).toEqual([node.name, 0]);
    }
  });
});
