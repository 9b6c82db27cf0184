import { readFileSync, writeFileSync } from "node:fs";
import { Duration } from "../../../contracts/units";
import { Breaker } from "../../../scripts/lab/break/breaker";
import { Ledger } from "../../../scripts/lab/break/ledger";
import { partitionScript, quorumScript, uncutScript } from "../../../scripts/lab/break/network";
import { targetsOf } from "../../../scripts/lab/break/targets";
import { breaker, engine, freshLab, ledger, machines, replaceEngine, restarted } from "./break-fixture";
import { EngineDouble } from "./engine-double";

const network = { name: "gvfx-lab", address: "100.127.0.11", prefixLength: 24, gateway: "100.127.0.1" };

freshLab();

describe("a node that loses one cluster alone", () => {
  const scripts = () => engine.calls.filter((call) => call.startsWith("run "));

  test.each([
    ["cut-consul", "GVFX-CUT-CONSUL", "8300:8302", "4646:4648"],
    ["cut-nomad", "GVFX-CUT-NOMAD", "4646:4648", "8300:8302"],
  ] as const)("%s drops that cluster's ports to other machines, and heals by its own chain", async (action, chain, dropped, kept) => {
    await breaker().break(action, ["server-2"]);
    expect(scripts()[0]).toContain(`-o "$device" -p tcp --dport ${dropped} -j DROP`);
    expect(scripts()[0]).toContain(`-A ${chain} -s 100.127.0.1 -j RETURN`);
    expect(scripts()[0]).not.toContain(kept);
    expect(ledger.read()).toMatchObject([{ fault: action, name: "server-2" }]);
    await breaker().heal();
    expect(scripts()[1]).toContain(`iptables -w -X ${chain}`);
    expect(ledger.read()).toEqual([]);
  });

  test.each([["crash-nomad", "nomad"], ["crash-consul", "consul"]] as const)("%s: an agent that is killed stays dead until it is healed", async (action, unit) => {
    await breaker().break(action, ["server-2"]);
    expect(engine.calls.at(-1)).toBe(`exec gvfx-lab-server-2 sh -c systemctl kill --kill-whom main -s SIGKILL ${unit}; systemctl stop ${unit}`);
    await breaker().heal();
    expect(engine.calls.at(-1)).toBe(`exec gvfx-lab-server-2 systemctl start ${unit}`);
    expect(ledger.read()).toEqual([]);
  });

  test("where it means nothing it is refused, and nothing is done", async () => {
    await expect(breaker().break("crash-nomad", ["openbao"])).rejects.toThrow(/openbao runs no Nomad agent.*server-1, server-2, witness/);
    await expect(breaker().break("crash-consul", ["consul-1"])).rejects.toThrow(/consul-1 runs no Consul agent.*server-1, server-2, witness/);
    await expect(breaker().break("crash-consul", ["gvfx-worker"])).rejects.toThrow(/gvfx-worker is a job/);
    await expect(breaker().break("cut-nomad", ["gvfx-api"])).rejects.toThrow(/gvfx-api is a job/);
    expect(ledger.read()).toEqual([]);
  });
});

describe("machines", () => {
  test("are those of the environment, with their containers and ports", () => {
    expect(machines.map(({ name }) => name)).toEqual(["server-1", "server-2", "witness", "consul-1", "consul-2", "consul-3", "openbao", "registry", "exchange", "legacy", "device"]);
    expect(machines[0]).toMatchObject({ container: "gvfx-lab-server-1", address: "100.127.0.11", role: "node" });
    expect(machines[0].published).toContainEqual({ port: 4646, on: 14646 });
  });

  test.each([
    ["stop", "stop", "start"],
    ["kill", "kill", "start"],
    ["pause", "pause", "unpause"],
  ] as const)("%s is recorded, and healed by its opposite", async (action, verb, opposite) => {
    await breaker().break(action, ["openbao"]);
    expect(engine.calls).toContain(`${verb} gvfx-lab-openbao`);
    expect(ledger.read()).toMatchObject([{ fault: action, name: "openbao", container: "gvfx-lab-openbao" }]);
    await breaker().heal();
    expect(engine.calls).toContain(`${opposite} gvfx-lab-openbao`);
    expect(ledger.read()).toEqual([]);
  });

  test("a second break of the same kind changes nothing, and a second heal neither", async () => {
    await breaker().break("pause", ["openbao"]);
    const told: string[] = [];
    expect(await breaker().break("pause", ["openbao"], {}, (line) => told.push(line))).toEqual([]);
    expect(told).toEqual(["openbao: paused: is so already"]);
    await breaker().heal();
    const before = engine.calls.length;
    expect(await breaker().heal()).toEqual([]);
    expect(engine.calls).toHaveLength(before);
  });

  test("what was mended by hand is broken again, and recorded once", async () => {
    await breaker().break("pause", ["openbao"]);
    engine.set("gvfx-lab-openbao", { paused: false });
    await breaker().break("pause", ["openbao"]);
    expect(engine.calls.filter((call) => call === "pause gvfx-lab-openbao")).toHaveLength(2);
    expect(ledger.read()).toHaveLength(1);
  });

  test("a machine that was started or removed by hand heals without a command", async () => {
    await breaker().break("stop", ["openbao", "device"]);
    engine.set("gvfx-lab-openbao", { running: true });
    engine.remove("gvfx-lab-device");
    await breaker().heal();
    expect(engine.calls.filter((call) => call.startsWith("start"))).toEqual([]);
    expect(ledger.read()).toEqual([]);
  });

  test("what the engine refuses is not recorded, and what worked is", async () => {
    engine.answers.set("stop gvfx-lab-consul-2", { status: 1, output: "", complaint: "no space left" });
    await expect(breaker().break("stop", ["consul"])).rejects.toThrow(/consul-2: stopped did not work: .*no space left\n.*rest worked and is recorded/s);
    expect(ledger.read().map(({ name }) => name)).toEqual(["consul-1", "consul-3"]);
  });

  test("what cannot be healed stays recorded", async () => {
    await breaker().break("stop", ["openbao"]);
    engine.answers.set("start", { status: 1, output: "", complaint: "port is allocated" });
    await expect(breaker().heal()).rejects.toThrow(/still recorded.*lab heal\n.*port is allocated/s);
    expect(ledger.read()).toHaveLength(1);
  });

  test("consul is all three servers; one of them heals alone, and the group heals the rest", async () => {
    await breaker().break("stop", ["consul"]);
    expect(ledger.read().map(({ name, group }) => [name, group])).toEqual([["consul-1", "consul"], ["consul-2", "consul"], ["consul-3", "consul"]]);
    await breaker().heal({ names: ["consul-2"] });
    expect(ledger.read().map(({ name }) => name)).toEqual(["consul-1", "consul-3"]);
    await breaker().heal({ names: ["consul"] });
    expect(ledger.read()).toEqual([]);
  });

  test("a restart leaves no record", async () => {
    expect(await breaker().break("restart", ["exchange"])).toEqual([]);
    expect(engine.calls).toContain("restart gvfx-lab-exchange");
  });

  test("a machine is started before its network is healed, and a stopped one has no network to heal", async () => {
    await breaker().break("partition", ["server-1"]);
    await breaker().break("pause", ["server-1"]);
    engine.calls.length = 0;
    await breaker().heal();
    expect(engine.calls.findIndex((call) => call.startsWith("unpause"))).toBeLessThan(engine.calls.findIndex((call) => call.startsWith("run")));
    await breaker().break("partition", ["server-1"]);
    engine.set("gvfx-lab-server-1", { running: false });
    engine.calls.length = 0;
    await breaker().heal();
    expect(engine.calls.some((call) => call.startsWith("run"))).toBe(false);
  });
});

describe("the network", () => {
  test("is cut beside the container, in its namespace, with the node's tools", async () => {
    await breaker().break("partition", ["consul-1"]);
    const run = engine.calls.find((call) => call.startsWith("run"))!;
    expect(run).toContain("--network container:gvfx-lab-consul-1 --cap-add NET_ADMIN --entrypoint sh gvfx-lab/node:lab");
    expect(run).toContain("GVFX-PARTITION");
  });

  test("of a cut machine still lets the gateway in, before anything is dropped", () => {
    const rules = partitionScript(network).split("\n").filter((line) => line.includes(" -A "));
    expect(rules).toEqual([
      "iptables -w -A GVFX-PARTITION -s 100.127.0.1 -j RETURN",
      "iptables -w -A GVFX-PARTITION -d 100.127.0.1 -j RETURN",
      'iptables -w -A GVFX-PARTITION -i "$device" -s 100.127.0.11/24 -j DROP',
      'iptables -w -A GVFX-PARTITION -o "$device" -d 100.127.0.11/24 -j DROP',
    ]);
  });

  test("of the Nomad servers is cut on their own ports and between them alone", async () => {
    await breaker().break("partition", ["nomad-servers"]);
    expect(ledger.read().map(({ fault, name, group }) => [fault, name, group])).toEqual([["quorum", "server-1", "nomad-servers"], ["quorum", "server-2", "nomad-servers"], ["quorum", "witness", "nomad-servers"]]);
    const rules = quorumScript(network, ["100.127.0.12", "100.127.0.13"]).split("\n").filter((line) => line.includes(" -A "));
    expect(rules).toHaveLength(16);
    for (const rule of rules) expect(rule).toMatch(/-[sd] 100\.127\.0\.1[23] -p (tcp|udp) --[sd]port 4647:4648 -j DROP$/);
    await breaker().heal({ names: ["nomad-servers"] });
    expect(ledger.read()).toEqual([]);
    expect(engine.calls.filter((call) => call.includes(uncutScript("GVFX-QUORUM")))).toHaveLength(3);
  });

  test("can be slow only where the kernel can, and the message says what to do", async () => {
    engine.answers.set("run", { status: 1, output: "", complaint: "gvfx: no netem" });
    await expect(breaker().break("slow", ["openbao"], { delay: Duration.ms(50) })).rejects.toThrow(/no sch_netem.*modprobe/s);
    expect(engine.calls.some((call) => call.includes("netem delay 50ms"))).toBe(true);
    expect(ledger.read()).toEqual([]);
  });

  test("needs the node's image, and says how to build it", async () => {
    engine.answers.set("run", { status: 125, output: "", complaint: "docker: Error response from daemon: No such image: gvfx-lab/node:lab." });
    await expect(breaker().break("partition", ["openbao"])).rejects.toThrow("node scripts/lab/images.mjs node");
  });
});

describe("jobs", () => {
  test("are killed in their nodes' engines: running tasks only", async () => {
    await breaker().break("kill", ["api"]);
    expect(engine.inside("gvfx-lab-server-1").calls).toEqual(["kill api-aaaaaaaa-1"]);
    expect(engine.inside("gvfx-lab-server-2").calls).toEqual(["kill api-bbbbbbbb-2"]);
    expect(ledger.read()).toEqual([]);
  });

  test("are restarted through Nomad, allocation by allocation", async () => {
    await breaker().break("restart", ["gvfx-api"]);
    expect(restarted).toEqual(["aaaaaaaa-1", "bbbbbbbb-2"]);
  });

  test("stay paused until they are healed", async () => {
    await breaker().break("pause", ["gvfx-api"]);
    expect(ledger.read().map(({ fault, within }) => [fault, within])).toEqual([["task-pause", "gvfx-lab-server-1"], ["task-pause", "gvfx-lab-server-2"]]);
    await breaker().heal({ names: ["api"] });
    expect(engine.inside("gvfx-lab-server-2").calls).toContain("unpause api-bbbbbbbb-2");
    expect(ledger.read()).toEqual([]);
  });

  test.each(["stop", "partition", "slow"] as const)("cannot be broken by %s, and the message says what can", async (action) => {
    await expect(breaker().break(action, ["gvfx-api"])).rejects.toThrow(/Jobs can be killed, paused or restarted/);
  });

  test("that do not run, or before Nomad is there, are told apart", async () => {
    await expect(breaker().break("kill", ["gvfx-worker"])).rejects.toThrow("no task of gvfx-worker runs");
    await expect(new Breaker({ engine, machines, network: "gvfx-lab", toolImage: "x", jobs: undefined, ledger }).break("kill", ["gvfx-worker"])).rejects.toThrow("not deployed");
  });
});

describe("names", () => {
  test("that are none break nothing, and the message has all that are", async () => {
    await expect(breaker().break("stop", ["consul-1", "consul-9"])).rejects.toThrow(/named consul-9, and nothing was done\. Machines: server-1,.*Groups: consul, nomad-servers.*gvfx-worker/);
    expect(engine.calls).toEqual([]);
  });

  test("given twice count once", () => {
    expect(targetsOf(["consul", "consul-1", "gvfx-api", "api"], machines).map(({ name }) => name)).toEqual(["consul-1", "consul-2", "consul-3", "gvfx-api"]);
  });

  test("of the Nomad servers go with partition only", async () => {
    await expect(breaker().break("stop", ["nomad-servers"])).rejects.toThrow("stop server-1 server-2 witness");
  });
});

describe("the ledger", () => {
  test("takes changes of several writers at once", async () => {
    const entry = (n: number) => ({ fault: "stop" as const, name: `m-${n}`, container: `c-${n}`, since: new Date().toISOString() });
    await Promise.all(Array.from({ length: 20 }, (_, n) => new Ledger(ledger.file).add([entry(n)])));
    expect(ledger.read()).toHaveLength(20);
  });

  test("that is not readable is not taken for an empty one", () => {
    writeFileSync(ledger.file, "{}");
    expect(() => ledger.read()).toThrow(/broken\.json cannot be read.*remove it/s);
  });

  test("is written before anything is broken", async () => {
    let seen = "";
    const watched = new (class extends EngineDouble {
      override async call(args: readonly string[]) {
        if (args[0] === "stop") seen = readFileSync(ledger.file, "utf8");
        return super.call(args);
      }
    })(machines.map(({ container }) => container));
    replaceEngine(watched);
    await breaker().break("stop", ["device"]);
    expect(seen).toContain("gvfx-lab-device");
  });
});

describe("a pause that the kernel refuses for a moment", () => {
  /** Refuses so often, for a reason. */
  function refusing(times: number, complaint: string): EngineDouble {
    let left = times;
    return new (class extends EngineDouble {
      override async call(args: readonly string[]) {
        if (args[0] === "pause" && left-- > 0) return { status: 1, output: "", complaint };
        return super.call(args);
      }
    })(machines.map(({ container }) => container));
  }
  const FROZEN = "Error response from daemon: Cannot pause container 6080: OCI runtime pause failed: unable to freeze: unknown";

  test("is asked for again", async () => {
    replaceEngine(refusing(2, FROZEN));
    await breaker().break("pause", ["device"]);
    expect(ledger.read().map(({ fault }) => fault)).toEqual(["pause"]);
  });

  test("planted: not for ever, and not when the engine says something else", async () => {
    replaceEngine(refusing(9, FROZEN));
    await expect(breaker().break("pause", ["device"])).rejects.toThrow("unable to freeze");
    const other = refusing(1, "Error: No such container: gvfx-lab-device");
    replaceEngine(other);
    await expect(breaker().break("pause", ["device"])).rejects.toThrow("No such container");
  });
});
