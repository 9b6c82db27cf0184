import { clusterNodes, type ClusterNode } from "../../../constructs/cluster/node";
import { consulPaths, nomadPaths } from "../../../constructs/cluster/paths";
import { consulUnit, nomadUnit } from "../../../constructs/cluster/units";
import { loadEnvironment } from "../../../environments/load";
import { describeWithEngine, INNER_IMAGE, NodeContainer } from "./node-container";

// The image may have to be built, packages and all.
jest.setTimeout(600_000);

/** Answers every request on a port with a word; Perl is what Debian's smallest image has. */
const SERVER = String.raw`use Socket; $SIG{TERM} = sub { exit 0 }; socket(S, PF_INET, SOCK_STREAM, 6); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1); bind(S, sockaddr_in(80, INADDR_ANY)) or die; listen(S, 5); while (accept(C, S)) { sysread(C, $b, 4096); print C "HTTP/1.0 200 OK\r\n\r\nhello"; close C }`;

const env = loadEnvironment("lab");

/** Agents of a cluster of one, without the security that foundation gives them: what is tested is what they run on. */
function agents(address: string) {
  const node: ClusterNode = { ...clusterNodes(env, undefined, Object.fromEntries([...env.nodes, env.witness].map(({ name }) => [name, "ssh-ed25519 AAAA"])))[0], address };
  const [consul, nomad] = [consulPaths(env), nomadPaths(env)];
  const both = `127.0.0.1 ${address}`;
  return {
    files: {
      [consul.unit]: consulUnit(env, node),
      [nomad.unit]: nomadUnit(env, node),
      [consul.config]: JSON.stringify({ server: true, bootstrap_expect: 1, data_dir: env.consul.dataDir, bind_addr: address, addresses: { http: both, dns: both }, ports: { dns: 53 }, skip_leave_on_interrupt: true }),
      [nomad.config]: JSON.stringify({
        data_dir: env.nomad.dataDir,
        bind_addr: address,
        addresses: { http: both },
        advertise: { http: address, rpc: address, serf: address },
        server: { enabled: true, bootstrap_expect: 1 },
        client: { enabled: true, network_interface: "eth0", host_network: [{ tailnet: { cidr: "100.64.0.0/10" } }], options: { "driver.allowlist": "docker", "fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce" } },
      }),
      [consul.secrets]: "{}",
      [consul.gossip]: "{}",
      [nomad.secrets]: "{}",
      "/srv/web.json": JSON.stringify({ Job: job() }),
    },
    folders: [env.consul.configDir, env.nomad.configDir, env.consul.dataDir, env.nomad.dataDir],
  };
}

function job() {
  const second = 1_000_000_000;
  return {
    ID: "web",
    TaskGroups: [
      {
        Name: "web",
        Networks: [{ Mode: "host", DynamicPorts: [{ Label: "http", To: 80, HostNetwork: "tailnet" }] }],
        RestartPolicy: { Attempts: 10, Interval: 600 * second, Delay: second, Mode: "delay" },
        Services: [{ Name: "web", PortLabel: "http", Provider: "consul", Checks: [{ Type: "tcp", Interval: second, Timeout: second }] }],
        Tasks: [{ Name: "web", Driver: "docker", Config: { image: INNER_IMAGE, ports: ["http"], command: "perl", args: ["-e", SERVER] }, Resources: { CPU: 50, MemoryMB: 64 } }],
      },
    ],
  };
}

describeWithEngine("a node of the lab", () => {
  const node = new NodeContainer();
  const unit = (name: string, service: string) => node.place(`/etc/systemd/system/${name}.service`, `[Service]\n${service}\n[Install]\nWantedBy=multi-user.target\n`);

  beforeAll(async () => {
    node.start();
    await node.booted();
  });
  afterAll(() => node.remove());

  test("boots its SSH server and its engine, and nothing else", () => {
    expect(node.sh("systemctl is-active ssh docker").out).toBe("active\nactive");
    expect(node.sh("systemctl list-units | wc -l").out).toBe("2");
    expect(node.sh("docker info --format '{{.Driver}} {{.LiveRestoreEnabled}}'").out).toBe("overlay2 false");
    expect(node.sh("docker info --format '{{json .RegistryConfig.InsecureRegistryCIDRs}}'").out).toContain("100.127.0.0/24");
  });

  test("offers the one host key that was placed, and a login by key with an empty environment", () => {
    expect(node.device(`ssh-keyscan ${node.address} 2>/dev/null | cut -d' ' -f2`)).toBe("ecdsa-sha2-nistp256");
    expect(node.ssh("id -un")).toBe("root");
    expect(node.ssh("env | grep -cE \"NOMAD|CONSUL|VAULT|AWS|GVFX\" || true")).toBe("0");
    expect(() => node.device(`ssh -o StrictHostKeyChecking=yes -o BatchMode=yes -i /dev/null -o IdentitiesOnly=yes root@${node.address} true`)).toThrow(/Permission denied \(publickey\)/);
  });

  test("reaps what nobody waits for", async () => {
    node.sh("(sleep 0.2 & sleep 0.3 &)");
    await node.until("no zombie is left", () => node.sh("ps -eo stat,args | grep '^Z' | grep -c sleep").out === "0");
    expect(node.sh("pgrep -c sleep").out).toBe("0");
  });

  test("systemctl's exit codes are systemd's", () => {
    unit("good", "ExecStart=/bin/sleep 1000");
    unit("bad", "ExecStartPre=/bin/false\nExecStart=/bin/sleep 1000");
    expect(node.sh("systemctl daemon-reload").code).toBe(0);
    const codes = ["start good", "restart good", "is-active --quiet good", "enable --quiet good bad", "restart bad", "is-active --quiet bad", "status bad", "start absent", "stop good", "is-active good"].map((line) => [line, node.sh(`systemctl ${line}`).code]);
    expect(Object.fromEntries(codes)).toEqual({ "start good": 0, "restart good": 0, "is-active --quiet good": 0, "enable --quiet good bad": 0, "restart bad": 1, "is-active --quiet bad": 3, "status bad": 3, "start absent": 5, "stop good": 0, "is-active good": 3 });
    expect(node.sh("journalctl -u bad -n 1").out).toContain("ExecStartPre failed: /bin/false");
    expect(node.sh("systemctl disable bad good && rm /etc/systemd/system/bad.service /etc/systemd/system/good.service && systemctl reset-failed").code).toBe(0);
  });

  test("what is killed comes back", async () => {
    const pid = () => node.sh("pgrep -x dockerd").out;
    const before = pid();
    node.sh("systemctl kill -s KILL --kill-whom main docker");
    await node.until("another dockerd runs", () => node.sh("systemctl is-active docker").out === "active" && pid() !== before);
    expect(node.sh("docker ps").code).toBe(0);
  });

  test("a container in it publishes a port on the node's address, and is paused with the node", () => {
    node.load(INNER_IMAGE);
    node.place("/srv/server.pl", SERVER);
    expect(node.sh(`docker run --detach --name web --publish ${node.address}:8099:80 --volume /srv/server.pl:/server.pl:ro ${INNER_IMAGE} perl /server.pl`).code).toBe(0);
    expect(node.device(`curl --silent --retry 10 --retry-all-errors --retry-delay 1 http://${node.address}:8099/`)).toBe("hello");
    node.pause(true);
    expect(node.fetch(8099)).toBe("");
    node.pause(false);
    expect(node.fetch(8099)).toBe("hello");
  });

  test.each(["restart", "kill"] as const)("comes back after docker %s, with what was enabled", async (how) => {
    const took = node.restart(how);
    await node.booted();
    // An engine's grace is ten seconds; the container in it that ignores its signal must not use it up.
    expect(took).toBeLessThan(9);
    expect(node.ssh("systemctl is-active ssh docker")).toBe("active\nactive");
    expect(node.sh("docker start web").code).toBe(0);
    expect(node.device(`curl --silent --retry 10 --retry-all-errors --retry-delay 1 http://${node.address}:8099/`)).toBe("hello");
  });

  describe("with the units of foundation and the real agents", () => {
    const port = () => node.device(`dig +short +time=1 +tries=1 SRV web.service.consul @${node.address} | cut -d' ' -f3 || true`);
    const serves = () => /^\d+$/.test(port()) && node.fetch(port()) === "hello";

    beforeAll(() => {
      const { files, folders } = agents(node.address);
      node.sh(`mkdir -p ${folders.join(" ")} && useradd --system --user-group --no-create-home --shell /usr/sbin/nologin consul && chown consul:consul ${env.consul.dataDir}`);
      for (const [path, content] of Object.entries(files)) node.place(path, content);
    });

    test("Consul runs as its own user, answers DNS on port 53, and may write nowhere else", async () => {
      expect(node.sh("systemctl daemon-reload && systemctl enable --quiet consul nomad && systemctl restart consul")).toEqual({ code: 0, out: "" });
      await node.until("Consul answers", () => node.device(`dig +short +time=1 +tries=1 consul.service.consul @${node.address} || true`) === node.address);
      expect(node.sh("ps -o user= -C consul").out).toBe("consul");
      // CAP_NET_BIND_SERVICE is bit 10.
      expect(node.sh("grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/$(pgrep -x consul)/status | tr -d '\\t' | tr '\\n' ' '").out).toBe("CapEff:0000000000000400 CapBnd:0000000000000400 NoNewPrivs:1");
      expect(node.sh("touch /proc/$(pgrep -x consul)/root/etc/x").out).toContain("Read-only file system");
      expect(node.sh("ls /proc/$(pgrep -x consul)/root/root").out).toBe("");
    });

    test("Nomad runs a job in the node's engine, which others reach by its name", async () => {
      expect(node.sh("systemctl restart nomad")).toEqual({ code: 0, out: "" });
      await node.until("Nomad's client is ready", () => node.sh("nomad node status").out.includes("ready"));
      expect(node.sh("nomad job run -json /srv/web.json")).toMatchObject({ code: 0 });
      expect(serves()).toBe(true);
    });

    test("a restart of Nomad leaves its containers alone", () => {
      const containers = node.sh("docker ps --quiet --no-trunc --filter name=web-").out;
      expect(containers).toMatch(/^[0-9a-f]{64}$/);
      expect(node.sh("systemctl restart nomad").code).toBe(0);
      expect(node.sh("docker ps --quiet --no-trunc --filter name=web-").out).toBe(containers);
    });

    test("after a restart of the node the job runs again", async () => {
      node.restart("restart");
      await node.booted();
      await node.until("the job answers by its name", serves);
      expect(node.sh("systemctl is-active consul nomad").out).toBe("active\nactive");
    });
  });
});
