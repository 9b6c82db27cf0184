import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duration } from "../../../contracts/units";
import { Breaker } from "../../../scripts/lab/break/breaker";
import { Ledger } from "../../../scripts/lab/break/ledger";
import { Engine } from "../../../scripts/lab/engine";
import type { Machine } from "../../../scripts/lab/machines";
import { request } from "../../../scripts/clients/http";

/** The node's image has iptables and tc; its Python serves files and is told to run nothing else. */
const IMAGE = "gvfx-lab/node:lab";
const PREFIX = `gvfx-try-${process.pid}`;
const hasImage = spawnSync("docker", ["image", "inspect", IMAGE], { stdio: "ignore" }).status === 0;
const describeWithEngine = hasImage ? describe : describe.skip;
const docker = (...args: string[]) => execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

describeWithEngine(`breaking real containers (needs a container engine with the image ${IMAGE})`, () => {
  const names = ["server-1", "server-2", "witness"] as const;
  let folder: string;
  let machines: Machine[];
  let breaker: Breaker;
  const ports = new Map<string, string>();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-try-"));
    docker("network", "create", PREFIX);
    machines = names.map((name) => {
      const container = `${PREFIX}-${name}`;
      // 4647 is a Nomad server's, 8080 stands for everything else.
      docker("run", "--detach", "--init", "--name", container, "--network", PREFIX, "--publish", "127.0.0.1::8080", "--entrypoint", "sh", IMAGE, "-c", "mkdir /empty; cd /empty; python3 -m http.server 4647 & exec python3 -m http.server 8080");
      ports.set(name, docker("port", container, "8080/tcp"));
      return { name, container, address: docker("inspect", "--format", `{{(index .NetworkSettings.Networks "${PREFIX}").IPAddress}}`, container), role: name === "witness" ? "witness" : "node", published: [] };
    });
    breaker = new Breaker({ engine: new Engine(), machines, network: PREFIX, toolImage: IMAGE, jobs: undefined, ledger: new Ledger(join(folder, "broken.json")) });
  });
  afterAll(() => {
    for (const { container } of machines ?? []) docker("rm", "--force", "--volumes", container);
    docker("network", "rm", PREFIX);
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => breaker.heal());

  /** Whether one machine gets an answer of another. */
  const reaches = (from: string, to: string, port: number): boolean => spawnSync("docker", ["exec", `${PREFIX}-${from}`, "curl", "--silent", "--output", "/dev/null", "--max-time", "2", `http://${machines.find(({ name }) => name === to)!.address}:${port}/`]).status === 0;
  /** Whether the operator gets an answer through the published port. */
  const operatorReaches = (name: string): Promise<boolean> => request(`http://${ports.get(name)}/`, { connectTimeout: Duration.seconds(2), answerTimeout: Duration.seconds(2) }).then(({ status }) => status === 200, () => false);
  const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 20_000; !(await what()); ) {
      if (Date.now() > end) throw new Error(`not within 20 s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  beforeAll(() => until(async () => (await Promise.all(names.map(operatorReaches))).every(Boolean) && reaches("server-1", "server-2", 4647)));

  test("a machine that is cut off reaches itself and is reached by the operator alone, until it is healed", async () => {
    await breaker.break("partition", ["server-1"]);
    expect([reaches("server-1", "server-2", 8080), reaches("server-2", "server-1", 8080)]).toEqual([false, false]);
    expect([reaches("server-1", "server-1", 8080), reaches("server-2", "witness", 8080), await operatorReaches("server-1")]).toEqual([true, true, true]);
    await breaker.heal();
    expect([reaches("server-1", "server-2", 8080), reaches("server-2", "server-1", 8080)]).toEqual([true, true]);
    expect(docker("run", "--rm", "--network", `container:${PREFIX}-server-1`, "--cap-add", "NET_ADMIN", "--entrypoint", "iptables", IMAGE, "-S")).toBe("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT");
  });

  test("Nomad servers that are cut from each other are so on their own ports only", async () => {
    await breaker.break("partition", ["nomad-servers"]);
    for (const from of names) {
      for (const to of names) expect([from, to, reaches(from, to, 4647), reaches(from, to, 8080)]).toEqual([from, to, from === to, true]);
    }
    await breaker.heal({ names: ["nomad-servers"] });
    expect(reaches("server-1", "witness", 4647)).toBe(true);
  });

  test("two cuts of one machine are healed one by one", async () => {
    await breaker.break("partition", ["server-1"]);
    await breaker.break("partition", ["nomad-servers"]);
    await breaker.heal({ entries: breaker.ledger.read().filter(({ fault }) => fault === "partition") });
    expect([reaches("server-1", "server-2", 8080), reaches("server-1", "server-2", 4647)]).toEqual([true, false]);
  });

  test("a paused machine answers nobody, and goes on where it was", async () => {
    const [before] = await new Engine().inspect([`${PREFIX}-server-2`]);
    await breaker.break("pause", ["server-2"]);
    expect([reaches("server-1", "server-2", 8080), await operatorReaches("server-2")]).toEqual([false, false]);
    await breaker.heal();
    expect([reaches("server-1", "server-2", 8080), await operatorReaches("server-2")]).toEqual([true, true]);
    expect((await new Engine().inspect([`${PREFIX}-server-2`]))[0].startedAt).toBe(before.startedAt);
  });

  test("a machine that is cut off and then paused is healed of both", async () => {
    await breaker.break("partition", ["server-2"]);
    await breaker.break("pause", ["server-2"]);
    await breaker.heal();
    expect(reaches("server-1", "server-2", 8080)).toBe(true);
    expect(breaker.ledger.read()).toEqual([]);
  });

  test("a killed machine stays away until it is healed, and a restart mends its network", async () => {
    await breaker.break("kill", ["server-2"]);
    expect((await new Engine().inspect([`${PREFIX}-server-2`]))[0].running).toBe(false);
    await breaker.heal();
    ports.set("server-2", docker("port", `${PREFIX}-server-2`, "8080/tcp"));
    await until(() => operatorReaches("server-2"));
    await breaker.break("partition", ["server-2"]);
    await breaker.break("restart", ["server-2"]);
    await until(() => reaches("server-1", "server-2", 8080));
    await breaker.heal();
    expect(breaker.ledger.read()).toEqual([]);
  });

  test("a slow machine is slow by the delay, or the kernel cannot and the message says so", async () => {
    const timed = (): number => Number(docker("exec", `${PREFIX}-server-1`, "curl", "--silent", "--output", "/dev/null", "--write-out", "%{time_connect}", `http://${machines[1].address}:8080/`)) * 1_000;
    const outcome = await breaker.break("slow", ["server-2"], { delay: Duration.ms(300) }).then(() => "slow", (error: Error) => error.message);
    if (outcome !== "slow") {
      expect(outcome).toContain("no sch_netem");
      expect(breaker.ledger.read()).toEqual([]);
      return;
    }
    expect(timed()).toBeGreaterThan(290);
    await breaker.heal();
    expect(timed()).toBeLessThan(290);
  });

  test("a container that is not there is told as such", async () => {
    const absent = new Breaker({ engine: new Engine(), machines: [{ ...machines[0], container: `${PREFIX}-none` }], network: PREFIX, toolImage: IMAGE, jobs: undefined, ledger: breaker.ledger });
    await expect(absent.break("partition", ["server-1"])).rejects.toThrow("npm run lab");
  });
});
