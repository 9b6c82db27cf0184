import { statSync } from "node:fs";
import { join } from "node:path";
import { Duration } from "../../contracts/units";
import { APPLY_BODY } from "../../constructs/cluster/apply/script";
import { assertPlain } from "../../constructs/cluster/bundle";
import { NodeDouble, NOMAD_PROGRAM } from "./node-double";

const nodes: NodeDouble[] = [];
const double = (name?: string): NodeDouble => {
  const node = new NodeDouble(name);
  nodes.push(node);
  return node;
};
afterAll(() => nodes.forEach((node) => node.remove()));

/** A change of Nomad's configuration, as a deploy would bring it. */
const newConfig = (bundle: string): string => bundle.replace('"min_heartbeat_ttl": "5s"', '"min_heartbeat_ttl": "6s"');
const newCertificate = (bundle: string): string => bundle.replace("CERTIFICATE of", "RENEWED CERTIFICATE of");
const newConsulConfig = (bundle: string): string => bundle.replace('"retry_interval": "10s"', '"retry_interval": "11s"');

describe("first start", () => {
  test.concurrent("starts both agents without waiting for servers that wait for this one", async () => {
    const node = double();
    const { status, restarts, output } = await node.run("start");
    expect([status, restarts]).toEqual([0, ["consul", "nomad"]]);
    expect(output).toContain("server-1: started");
    expect(node.read("etc/nomad.d/agent.json")).toContain('"bootstrap_expect": 3');
    expect(node.read("etc/nomad.d/tls/agent-key.pem")).toBe("SECRET-KEY of server-1\n");
    expect(statSync(join(node.root, "etc/nomad.d/tls/agent-key.pem")).mode & 0o777).toBe(0o600);
    expect(JSON.parse(node.read("etc/consul.d/agent-gossip.json"))).toEqual({ encrypt: "a2V5LWtleS1rZXkta2V5LWtleS1rZXkta2V5LWtleSE=" });
    expect(node.read("etc/consul.d/agent-ca.pem")).toBe("CONSUL AUTHORITY\n");
  });

  test.concurrent("makes the folders of every volume on both app nodes: the data plane may move", async () => {
    const [data, other] = [double("server-1"), double("server-2")];
    expect([(await data.run("start")).status, (await other.run("start")).status]).toEqual([0, 0]);
    const volumes = (node: NodeDouble) => ["gvfx-postgres", "gvfx-objectstore", "gvfx-backup"].filter((volume) => node.has(`srv/gvfx/${volume}`));
    expect([volumes(data), volumes(other)]).toEqual(Array(2).fill(["gvfx-postgres", "gvfx-objectstore", "gvfx-backup"]));
  });

  test.concurrent("a first start that went wrong is done again: nobody is in a cluster yet", async () => {
    const node = double();
    await node.run("start");
    const { status, restarts } = await node.run("start", newConfig);
    expect([status, restarts]).toEqual([0, ["nomad"]]);
  });

  test.concurrent("a server that stopped is started at once, into the cluster that runs without it", async () => {
    const node = await double().settled();
    node.unset("active.nomad");
    const { status, restarts } = await node.run("start");
    expect([status, restarts]).toEqual([0, ["nomad"]]);
  });

  test.concurrent("one that dies after its start is reported there, with where to look", async () => {
    const node = double();
    node.set("broken.nomad");
    const { status, stderr } = await node.run("start");
    expect(status).toBe(1);
    expect(stderr).toMatch(/Nomad did not start\. On this node: journalctl -u nomad/);
  });
});

describe("a running server", () => {
  test.concurrent("leaves a change to its turn", async () => {
    const node = await double().settled();
    const { status, restarts, output } = await node.run("start", newConfig);
    expect([status, restarts]).toEqual([0, []]);
    expect(output).toContain("changes are for its turn");
    expect(node.read("etc/nomad.d/agent.json")).toContain('"min_heartbeat_ttl": "5s"');
  });

  test.concurrent("is left alone when nothing changed", async () => {
    const node = await double().settled();
    const { status, restarts, output } = await node.run("turn");
    expect([status, restarts]).toEqual([0, []]);
    expect(output).not.toContain("wrote");
  });

  test.concurrent.each([
    ["Nomad's configuration", newConfig, ["nomad"]],
    ["a renewed certificate", newCertificate, ["nomad"]],
    ["Consul's configuration", newConsulConfig, ["consul"]],
  ])("%s restarts only what reads it", async (_, edit, expected) => {
    const node = await double().settled();
    const { status, restarts } = await node.run("turn", edit);
    expect([status, restarts]).toEqual([0, expected]);
    expect((await node.run("turn", edit)).restarts).toEqual([]);
  });

  test.concurrent("a file that somebody changed on the node is put back", async () => {
    const node = await double().settled();
    node.write("etc/nomad.d/agent.json", "{}\n");
    expect((await node.run("turn")).restarts).toEqual(["nomad"]);
  });

  test.concurrent("a run that ended between writing and restarting is completed by the next", async () => {
    const node = await double().settled();
    node.set("broken.nomad");
    expect(await node.run("turn", newConfig)).toMatchObject({ status: 1, restarts: ["nomad"] });
    node.unset("broken.nomad");
    node.set("active.nomad");
    expect(await node.run("turn", newConfig)).toMatchObject({ status: 0, restarts: ["nomad"] });
  });
});

describe("a restart is refused while the cluster could not lose this server", () => {
  test.concurrent.each([
    ["another server is not healthy", (node: NodeDouble) => node.unset("healthy.100.64.0.12"), /not healthy: server-2 \(100\.64\.0\.12\)/],
    ["there is no leader", (node: NodeDouble) => node.unset("leader"), /no leader is known here/],
    ["a server has just joined and is no voter yet", (node: NodeDouble) => node.set("tolerance", "0"), /does not count enough healthy voters yet/],
    ["one of the three was removed", (node: NodeDouble) => node.set("peers.100.64.0.11", '["100.64.0.11:4647","100.64.0.12:4647"]'), /has 2 servers instead of 3/],
  ])("%s", async (_, trouble, message) => {
    const node = await double().settled();
    trouble(node);
    const { status, restarts, stderr } = await node.run("turn", newConfig);
    expect([status, restarts]).toEqual([1, []]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/not restarted, because .* would stop\. The old configuration keeps running here.*deploy again: cdktf deploy foundation/s);
    expect(node.read("etc/nomad.d/agent.json")).toContain('"min_heartbeat_ttl": "5s"');
  });

  test.concurrent("but not for a server that takes no part: it cannot be missed", async () => {
    const node = await double().settled();
    node.unset("peers.100.64.0.11");
    node.unset("healthy.100.64.0.12");
    const { restarts, stderr } = await node.run("turn", newConfig);
    expect(restarts).toEqual(["nomad"]);
    // And the next node is not touched before this one is whole.
    expect(stderr).toMatch(/No further node was touched/);
  });
});

test.concurrent("a turn ends with a failure when the cluster does not become whole", async () => {
  const node = await double().settled();
  node.set("tolerance", "0");
  const { status, stderr } = await node.run("turn");
  expect(status).toBe(1);
  expect(stderr).toMatch(/for 1 s: the leader .* No further node was touched/);
});

test.concurrent("a turn ends with a failure when Consul does not find the server healthy: JWKS would not be found", async () => {
  const node = await double().settled();
  node.unset("consul");
  const { status, stderr } = await node.run("turn");
  expect(status).toBe(1);
  expect(stderr).toMatch(/Consul has not counted this Nomad server as healthy/);
});

test.concurrent("a Consul agent that does not join stops the turn before Nomad is touched", async () => {
  const node = await double().settled();
  node.unset("consul");
  const { status, restarts, stderr } = await node.run("turn", (bundle) => newConfig(newConsulConfig(bundle)));
  expect([status, restarts]).toEqual([1, ["consul"]]);
  expect(stderr).toMatch(/knows no leader 1 s after its start, so Nomad was not touched/);
});

describe("programs", () => {
  test.concurrent("another version is downloaded, checked and put in place; only then is the agent restarted", async () => {
    const node = await double().settled();
    node.set("downloads");
    node.write("usr/local/bin/nomad", NOMAD_PROGRAM.replace("2.0.5", "2.0.4"), 0o755);
    const { status, log, restarts } = await node.run("turn", newConfig);
    expect([status, restarts]).toEqual([0, ["nomad"]]);
    expect(log[0]).toBe("download https://releases.hashicorp.com/nomad/2.0.5/nomad_2.0.5_linux_amd64.zip");
    expect(node.read("usr/local/bin/nomad")).toBe(NOMAD_PROGRAM);
  });

  test.concurrent("an archive with another checksum changes nothing and is deleted", async () => {
    const node = await double().settled();
    node.set("downloads");
    node.set("nomad.zip", "#!/bin/sh\necho 'Nomad v2.0.5 with a surprise'\n");
    node.write("usr/local/bin/nomad", NOMAD_PROGRAM.replace("2.0.5", "2.0.4"), 0o755);
    const { status, restarts, stderr } = await node.run("turn", newConfig);
    expect([status, restarts]).toEqual([1, []]);
    expect(stderr).toMatch(/the archive of nomad 2\.0\.5 has SHA-256 [0-9a-f]{64} instead of [0-9a-f]{64}.*nothing was changed/);
    expect(node.has("var/cache/gvfx-rollout/nomad_2.0.5.zip")).toBe(false);
    expect(node.read("usr/local/bin/nomad")).toContain("2.0.4");
  });

  test.concurrent("a node without a way out is told where to put the archive", async () => {
    const node = double();
    node.write("usr/local/bin/nomad", "", 0o755);
    expect((await node.run("start")).stderr).toMatch(/could not be downloaded.*copy the archive to .*nomad_2\.0\.5\.zip on the node/);
    node.write("var/cache/gvfx-rollout/nomad_2.0.5.zip", NOMAD_PROGRAM);
    expect(await node.run("start")).toMatchObject({ status: 0, restarts: ["consul", "nomad"] });
  });
});

describe("Consul's gossip key", () => {
  test.concurrent("missing: nothing is changed, and the message has the command that brings it", async () => {
    const node = double("witness");
    node.delete("etc/consul.d/gossip.key");
    const { status, restarts, stderr } = await node.run("start");
    expect([status, restarts, node.has("etc/nomad.d")]).toEqual([1, [], false]);
    expect(stderr).toMatch(/gossip\.key is missing.*nothing was changed.*ssh OTHER sudo cat .*gossip\.key \| ssh THIS/);
  });

  test.concurrent.each(["", "not a key", "c2hvcnQ="])("%j is none: nothing is changed", async (content) => {
    const node = double();
    node.write("etc/consul.d/gossip.key", content);
    const { status, restarts, stderr } = await node.run("start");
    expect([status, restarts, node.has("etc/nomad.d")]).toEqual([1, [], false]);
    expect(stderr).toMatch(/does not hold a key of 16, 24 or 32 bytes in base64/);
  });
});

test.concurrent("a restarted server must stay well for as long as autopilot takes to count it", async () => {
  const node = await double().settled();
  const before = Date.now();
  expect((await node.run("turn", newConfig, { stable: Duration.seconds(2) })).status).toBe(0);
  expect(Date.now() - before).toBeGreaterThan(1_000);
});

test.concurrent("no secret is printed, put into a command's arguments, or left where it was unpacked", async () => {
  const node = double();
  const runs = [await node.run("start"), (node.formed(), await node.run("turn", newConfig)), await node.run("turn")];
  const commands = node.read("world/commands");
  for (const secret of ["SECRET", "a2V5LWtleS1"]) {
    for (const { output } of runs) expect(output).not.toContain(secret);
    expect(commands).not.toContain(secret);
  }
  // The token reached curl on standard input.
  expect(node.read("world/asked")).toContain('header = "X-Consul-Token: SECRET-nomad-server-1"');
  expect(node.has(".gvfx-rollout/bundle")).toBe(false);
  expect(APPLY_BODY).not.toMatch(/set -\w*x/);
});

test.concurrent("the script holds no template that Terraform would evaluate", async () => {
  expect(() => assertPlain("the script", APPLY_BODY)).not.toThrow();
  expect(() => assertPlain("the script", "a=${b}")).toThrow(/Terraform would evaluate/);
  expect(() => assertPlain("the script", "curl -w '%{http_code}'")).toThrow(/Terraform would evaluate/);
});
