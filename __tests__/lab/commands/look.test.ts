import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEnvironment } from "../../../environments/load";
import type { LabAccess } from "../../../scripts/lab/access";
import { Engine, EngineError } from "../../../scripts/lab/engine";
import { execArguments } from "../../../scripts/lab/exec";
import { writeLogs } from "../../../scripts/lab/logs";
import { labMachines } from "../../../scripts/lab/machines";
import { entrancesText, shellExports } from "../../../scripts/lab/open";
import type { NomadAllocation, NomadClient } from "../../../scripts/lab/status/nomad";

const env = loadEnvironment("lab");
const lab = env.lab!;
const machines = labMachines(env, lab);
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "gvfx-look-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An engine whose program is a double: a shell script. */
function engineOf(script: string): Engine {
  const program = join(folder, "docker");
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return new Engine([program]);
}

const allocation = (id: string, node: string, more: Partial<NomadAllocation> = {}): NomadAllocation => ({
  id, jobId: "gvfx-api", group: "api", version: 0, node, desired: "run", status: "running", createdAt: 1,
  tasks: [{ name: "api", state: "running", failed: false, restarts: 0, lastEvent: "Started" }], ...more,
});

describe("the engine", () => {
  const reason = (engine: Engine) => engine.text(["ps"]).then(() => "none", (error: EngineError) => [error.reason, error.message]);

  test.each([
    ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "not-running", /Start Docker Desktop.*DOCKER_HOST/s],
    ["permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock", "permission", /usermod -aG docker/],
    ["Error: No such container: x", "no-container", /No such container/],
    ["something else", "failed", /docker ps failed: something else/],
  ])("that says %s is told with what helps", async (complaint, expected, message) => {
    const [why, text] = await reason(engineOf(`echo "${complaint}" >&2; exit 1`));
    expect(why).toBe(expected);
    expect(text).toMatch(message);
  });

  test("whose program is missing says what to install", async () => {
    expect(await reason(new Engine(["no-such-program-at-all"]))).toEqual(["no-program", expect.stringMatching(/no-such-program-at-all is not on PATH.*install/)]);
  });

  test("of a node is told apart from the operator's", async () => {
    const [why, text] = await reason(engineOf('echo "Cannot connect to the Docker daemon" >&2; exit 1').inside("gvfx-lab-server-1"));
    expect([why, text]).toEqual(["not-running", expect.stringMatching(/inside gvfx-lab-server-1 does not answer.*journalctl -u docker/)]);
  });

  test("can be interrupted", async () => {
    const stop = new AbortController();
    const call = engineOf("exec sleep 10").text(["ps"], { signal: stop.signal });
    stop.abort();
    await expect(call).rejects.toThrow("interrupted");
  });

  test("gives lines whole, however they come", async () => {
    const lines: string[] = [];
    expect(await engineOf("printf 'one\\ntw'; sleep 0.1; printf 'o\\nlast'; exit 3").follow([], (line) => lines.push(line))).toBe(3);
    expect(lines).toEqual(["one", "two", "last"]);
  });
});

describe("logs", () => {
  const write = async (name: string, options: object, engine: Engine, nomad?: Partial<NomadClient>) => {
    const lines: string[] = [];
    await writeLogs(name, { follow: false, tail: 7, ...options }, { environment: () => ({ env, lab }), write: (line) => void lines.push(line), engine, nomad: () => nomad as NomadClient | undefined });
    return lines;
  };
  const echo = () => engineOf('echo "$@"');

  test("of a machine are its container's, of a unit the node's journal", async () => {
    expect(await write("consul-2", {}, echo())).toEqual(["logs --tail 7 gvfx-lab-consul-2"]);
    expect(await write("server-1", { unit: "nomad" }, echo())).toEqual(["exec gvfx-lab-server-1 journalctl -u nomad -n 7"]);
    expect(await write("server-1", { unit: "nomad", follow: true }, echo())).toEqual(["exec gvfx-lab-server-1 journalctl -u nomad -n 7 -f"]);
    await expect(write("consul-1", { unit: "nomad" }, echo())).rejects.toThrow("leave --unit out");
  });

  test("of a job come from each of its containers, with where in front", async () => {
    const client = { allocations: async () => [allocation("aaaaaaaa", "server-1"), allocation("bbbbbbbb", "server-2")] };
    expect((await write("api", {}, echo(), client)).sort()).toEqual(["server-1/api | exec gvfx-lab-server-1 docker logs --tail 7 api-aaaaaaaa", "server-2/api | exec gvfx-lab-server-2 docker logs --tail 7 api-bbbbbbbb"]);
  });

  test("of a job begin with its newest failed allocation, which has no container any more", async () => {
    const failed = (id: string, createdAt: number) => allocation(id, "server-1", { status: "failed", createdAt, tasks: [{ name: "api", state: "dead", failed: true, restarts: 2, lastEvent: "Not Restarting: Exceeded allowed attempts" }] });
    const asked: string[] = [];
    const client = { allocations: async () => [failed("cccccccc-old", 1), failed("dddddddd-new", 2)], taskLog: async (id: string, _task: string, stream: string) => (asked.push(`${id} ${stream}`), stream === "stderr" ? "first\nTypeError: x\n" : undefined) };
    expect(await write("gvfx-api", { tail: 1 }, echo(), client)).toEqual(["server-1/api (failed dddddddd) | Not Restarting: Exceeded allowed attempts", "server-1/api (failed dddddddd) | TypeError: x"]);
    expect(asked).toEqual(["dddddddd-new stdout", "dddddddd-new stderr"]);
  });

  test("say what is missing", async () => {
    await expect(write("nobody", {}, echo())).rejects.toThrow(/named nobody; machines: server-1/);
    await expect(write("gvfx-api", {}, echo())).rejects.toThrow("Nomad is not deployed");
    await expect(write("gvfx-api", {}, echo(), { allocations: async () => [] })).rejects.toThrow("gvfx-api has no allocation");
    await expect(write("server-2", {}, engineOf("exit 1"))).rejects.toThrow(/log of server-2 could not be read \(status 1\)/);
  });
});

describe("exec", () => {
  const allocations = [allocation("aaaaaaaa", "server-1"), allocation("bbbbbbbb", "server-2")];
  const args = (name: string, choice: object = {}) => execArguments(name, ["ls", "-l"], { terminal: false, ...choice }, machines, allocations).join(" ");

  test("goes into a machine, or through its node into a job's container", () => {
    expect(args("device")).toBe("exec -i gvfx-lab-device ls -l");
    expect(args("device", { terminal: true })).toBe("exec -it gvfx-lab-device ls -l");
    expect(args("gvfx-api")).toBe("exec -i gvfx-lab-server-1 docker exec -i api-aaaaaaaa ls -l");
    expect(args("api", { node: "server-2", terminal: true })).toBe("exec -it gvfx-lab-server-2 docker exec -it api-bbbbbbbb ls -l");
  });

  test("says what there is when there is no such thing", () => {
    expect(() => args("gvfx-api", { task: "other" })).toThrow("there are: --node server-1 --task api, --node server-2 --task api");
    expect(() => args("gvfx-worker")).toThrow("no task of gvfx-worker runs");
    expect(() => args("nobody")).toThrow("named nobody");
  });

  test("hands the exit status on", async () => {
    expect(await engineOf("exit 7").attached(["exec"])).toBe(7);
  });
});

describe("open", () => {
  const access = { consul: { address: "https://127.0.0.1:18501", token: "consul-secret", caPem: "ca" }, vault: { address: "https://127.0.0.1:18200", token: "it's-a-secret", caPem: "ca" }, nomad: { address: "https://127.0.0.1:14646", token: "nomad-secret", caPem: "nomad-ca" }, sshPrivateKey: "", hostKeys: {} } satisfies LabAccess;
  const ca = { lab: "/lab.pem", nomad: "/nomad.pem" };

  test("shows no token until it is asked for them", () => {
    const hidden = entrancesText(env, lab, access, ca, { tokens: false, ssh: ["-i", "id"] });
    expect(hidden).not.toMatch(/-secret/);
    expect(hidden).toMatch(/API +http:\/\/127\.0\.0\.1:18787 {2}http:\/\/127\.0\.0\.1:28787/);
    expect(hidden).toMatch(/Nomad +https:\/\/127\.0\.0\.1:14646\/ui +token shown by --tokens/);
    expect(hidden).toMatch(/server-1 +ssh -i id -p 12201 root@127\.0\.0\.1/);
    expect(hidden).toMatch(/legacy +ssh -i id -p 12204 trader@127\.0\.0\.1/);
    expect(entrancesText(env, lab, access, ca, { tokens: true, ssh: ["-i", "id"] })).toMatch(/nomad-secret[^]*consul-secret[^]*it's-a-secret/);
  });

  test("before foundation is deployed there is no Nomad to log in to", () => {
    expect(entrancesText(env, lab, { ...access, nomad: undefined }, { ...ca, nomad: undefined }, { tokens: true, ssh: ["-i", "id"] })).toMatch(/Nomad .*token not deployed yet/);
    expect(shellExports(env, { ...access, nomad: undefined }, { ...ca, nomad: undefined })).not.toContain("NOMAD");
  });

  test("exports what the programs read, quoted for a shell", () => {
    const exports = shellExports(env, access, ca);
    expect(exports.split("\n")).toEqual(expect.arrayContaining(["export NOMAD_ADDR='https://127.0.0.1:14646'", "export NOMAD_NAMESPACE='gvfx'", "export NOMAD_CACERT='/nomad.pem'", "export CONSUL_HTTP_ADDR='https://127.0.0.1:18501'", "export VAULT_TOKEN='it'\\''s-a-secret'", "export BAO_CACERT='/lab.pem'"]));
  });
});
