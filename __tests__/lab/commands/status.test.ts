import { Command } from "commander";
import { loadEnvironment } from "../../../environments/load";
import type { Broken } from "../../../scripts/lab/break/ledger";
import { allocationsOf } from "../../../scripts/lab/status/checks";
import { registerStatus } from "../../../scripts/lab/status/command";
import type { NomadAllocation, NomadJob } from "../../../scripts/lab/status/nomad";
import { jobStatus, labStatus, type LabSeen } from "../../../scripts/lab/status/report";
import { textStatus } from "../../../scripts/lab/status/text";
import { leaseCommands } from "../../../scripts/lease/access";
import { assessLease } from "../../../scripts/lease/assess";
import type { LeaseSeen } from "../../../scripts/lease/look";

const env = loadEnvironment("lab");

const ID = "0f0e0d0c-1111-2222-3333-444444444444";
const allocation = (more: Partial<NomadAllocation> = {}): NomadAllocation => ({
  id: ID, jobId: "gvfx-api", group: "api", version: 0, node: "server-1", desired: "run", status: "running", createdAt: 0,
  tasks: [{ name: "api", state: "running", failed: false, restarts: 0, lastEvent: "Started" }],
  ...more,
});
const job = (more: Partial<NomadJob> = {}): NomadJob => ({ id: "gvfx-api", type: "service", version: 0, stopped: false, periodic: false, groups: [{ name: "api", count: 1 }], ...more });

/** Nomad's worker holds the lease; `more` is what is different. */
const lease = (more: Partial<LeaseSeen> = {}): LabSeen["lease"] => ({
  value: assessLease(
    {
      names: { owner: "gvfx/worker-owner", lease: "gvfx/worker-lease" },
      owner: { value: "nomad", index: 20, untouched: false },
      lease: { session: "5e551011-0000", who: undefined, index: 21 },
      session: { name: "gvfx-worker", node: "server-1", ttlSeconds: 10, lockDelaySeconds: 12 },
      workers: [worker("active", "5e551011-0000")],
      ...more,
    },
    leaseCommands(env),
  ),
});
const worker = (phase: string, session: string | null) => ({ allocation: ID, node: "server-1", address: "100.127.0.11", port: 25_000, passing: true, state: { phase, since: "2026-01-01T00:00:00.000Z", reason: null, session, remainingMs: null, childPid: session === null ? null : 17 } });
const FREE = { session: undefined, who: undefined, index: 22 };

const well: LabSeen = {
  machines: ["server-1", "consul-1", "openbao"].map((name) => ({ name, address: "100.127.0.2", state: "running", restarts: 0, health: undefined })),
  broken: [],
  nomad: {
    value: {
      servers: [{ name: "server-1", address: "100.127.0.11", alive: true, leader: true }, { name: "server-2", address: "100.127.0.12", alive: true, leader: false }],
      nodes: [{ name: "server-1", status: "ready", eligible: true, draining: false }],
      jobs: [{ id: "gvfx-api", job: job(), allocations: [allocation()] }],
    },
  },
  consul: { value: { leader: "100.127.0.21:8300", servers: [{ name: "consul-1", healthy: true }], failingAllocations: new Set() } },
  vault: { value: { initialized: true, sealed: false } },
  gateways: [{ node: "server-1", problem: undefined }],
  lease: lease(),
  expected: { namespace: "gvfx", nomadServers: 2, nodes: ["server-1"], consulServers: 1 },
};
const problems = (change: Partial<LabSeen>) => labStatus({ ...well, ...change }).problems;
const nomadValue = "value" in well.nomad ? well.nomad.value : undefined;
const nomad = (change: Partial<NonNullable<typeof nomadValue>>): Partial<LabSeen> => ({ nomad: { value: { ...nomadValue!, ...change } } });
const broken: Broken = { fault: "stop", name: "consul-1", group: "consul", container: "gvfx-lab-consul-1", since: "2026-01-01T00:00:00.000Z" };

test("all is well when all is", () => {
  expect(problems({})).toEqual([]);
  expect(textStatus(labStatus(well))).toMatch(/gvfx-api  service  1 +1 +1 +server-1 \(0f0e0d0c\)[^]*All is well\.$/);
});

test.each<[string, Partial<LabSeen>, string, string]>([
  ["nothing is there", { machines: well.machines.map((machine) => ({ ...machine, state: "missing" as const })) }, "the lab is not up", "npm run lab"],
  ["a machine is stopped", { machines: [{ ...well.machines[0], state: "stopped" }, ...well.machines.slice(1)] }, "server-1 does not run", "docker start gvfx-lab-server-1"],
  ["a machine is paused by hand", { machines: [{ ...well.machines[0], state: "paused" }, ...well.machines.slice(1)] }, "server-1 is paused", "docker unpause gvfx-lab-server-1"],
  ["a machine fails its check", { machines: [{ ...well.machines[0], health: "unhealthy" }, ...well.machines.slice(1)] }, "server-1 fails its own check", "npm run gvfx -- lab logs server-1"],
  ["something is broken on purpose", { broken: [broken] }, "consul-1 is stopped since 2026-01-01T00:00:00.000Z", "npm run gvfx -- lab heal consul"],
  ["Consul does not answer", { consul: { error: "127.0.0.1:18501: connect ECONNREFUSED" } }, "Consul: 127.0.0.1:18501: connect ECONNREFUSED", "npm run gvfx -- lab logs consul-1"],
  ["Consul has no leader", { consul: { value: { leader: "", servers: [], failingAllocations: new Set() } } }, "Consul has no leader", "npm run gvfx -- lab logs consul-1"],
  ["a Consul server is not healthy", { consul: { value: { leader: "x", servers: [{ name: "consul-1", healthy: false }], failingAllocations: new Set() } } }, "Consul: 0 of 1 servers are healthy", "npm run gvfx -- lab logs consul-1"],
  ["OpenBao is sealed", { vault: { value: { initialized: true, sealed: true } } }, "OpenBao is sealed", "docker restart gvfx-lab-openbao"],
  ["Nomad has no leader", nomad({ servers: nomadValue!.servers.map((server) => ({ ...server, leader: false })) }), "Nomad has no leader", "npm run gvfx -- lab logs server-1 --unit nomad"],
  ["a Nomad server is gone", nomad({ servers: [nomadValue!.servers[0], { ...nomadValue!.servers[1], alive: false }] }), "Nomad: 1 of 2 servers are alive", "npm run gvfx -- lab logs server-2 --unit nomad"],
  ["a client is down", nomad({ nodes: [{ name: "server-1", status: "down", eligible: true, draining: false }] }), "Nomad's client server-1 is down", "npm run gvfx -- lab logs server-1 --unit nomad"],
  ["a client has not registered", nomad({ nodes: [] }), "Nomad's client server-1 has not registered", "npm run gvfx -- lab logs server-1 --unit nomad"],
  ["the witness runs a client", nomad({ nodes: [...nomadValue!.nodes, { name: "witness", status: "ready", eligible: true, draining: false }] }), "witness runs a Nomad client, which only app nodes should: another file than foundation's is in its configuration", "npm run gvfx -- lab exec witness -- ls -l /etc/nomad.d"],
  ["a gateway has nobody to send calls to", { gateways: [{ node: "server-2", problem: "GET /health answers 503" }] }, "the API through the gateway of server-2: GET /health answers 503", "npm run gvfx -- lab logs gvfx-gateway"],
  ["the worker is Nomad's and nobody runs it", { lease: lease({ lease: FREE, session: undefined, workers: [] }) }, "gvfx-worker: may be run by Nomad's worker (gvfx/worker-owner is nomad); runs: nobody: the lease is free, and no allocation of gvfx-worker is registered", "GVFX_ENV=lab npm run gvfx -- lease status"],
  ["a roll-back took the worker away", { lease: lease({ owner: { value: "nobody", index: 23, untouched: false }, lease: FREE, session: undefined }) }, "gvfx-worker: may be run by nobody (gvfx/worker-owner is nobody: the guardian's roll-back sets that, or an operator); runs: nobody: the lease is free, and nobody may take it", "GVFX_ENV=lab npm run gvfx -- lease status"],
  ["the owner key is not made yet", { lease: lease({ owner: undefined, lease: FREE, session: undefined }) }, "the worker may be run by nobody: the key gvfx/worker-owner does not exist yet", "npm run lab"],
  ["foundation is not deployed", { nomad: { error: "not deployed" } }, "Nomad: not deployed", "npm run lab"],
  ["a job is not deployed", nomad({ jobs: [{ id: "gvfx-worker", job: undefined, allocations: [] }] }), "gvfx-worker: not deployed", "npm run lab"],
  ["a job has too few", nomad({ jobs: [{ id: "gvfx-api", job: job({ groups: [{ name: "api", count: 2 }] }), allocations: [allocation()] }] }), "gvfx-api: 1 of 2 healthy (no node takes it; see: nomad job status)", "npm run gvfx -- lab logs gvfx-api"],
])("%s", (_title, change, what, help) => {
  expect(problems(change)).toContainEqual({ what, help });
});

test("owner, holder and phase are shown", () => {
  expect(textStatus(labStatus(well))).toMatch(/worker +owner nomad; lease held by Nomad's session 5e551011 on server-1, active\n/);
});

test("a worker that stands by because legacy owns it is well, and said", () => {
  const legacy = { owner: { value: "legacy", index: 20, untouched: true }, lease: FREE, session: undefined, workers: [worker("standby", null)] };
  const status = labStatus({ ...well, lease: lease(legacy) });
  expect(status.problems).toEqual([]);
  expect(textStatus(status)).toMatch(/worker +owner legacy; lease held by nobody; Nomad's stands by on server-1; a legacy worker without the lease is not seen\n/);
  expect(problems({ lease: lease({ ...legacy, lease: { session: "legacys", who: "legacy", index: 24 } }) })).toEqual([]);
});

test("without Consul, the lease is not a second problem", () => {
  const gone = { error: "127.0.0.1:18501: connect ECONNREFUSED" };
  expect(problems({ consul: gone, lease: gone })).toEqual([{ what: "Consul: 127.0.0.1:18501: connect ECONNREFUSED", help: "npm run gvfx -- lab logs consul-1" }]);
});

test("a client that is not wanted and is down was switched on once: nothing to mend", () => {
  expect(problems(nomad({ nodes: [...nomadValue!.nodes, { name: "witness", status: "down", eligible: true, draining: false }] }))).toEqual([]);
});

describe("a job", () => {
  const status = (allocations: readonly NomadAllocation[], more: Partial<NomadJob> = {}, failing = new Set<string>()) => jobStatus({ id: "gvfx-api", job: job(more), allocations }, failing, 2);

  test("is as healthy as Consul's checks say", () => {
    expect(status([allocation()], {}, new Set([ID]))).toMatchObject({ running: 1, healthy: 0, problem: "0 of 1 healthy (its health check fails)" });
  });

  test("with tasks that ended as they should is well, and with one that failed is not", () => {
    const task = (name: string, state: "running" | "dead", failed = false) => ({ name, state, failed, restarts: 0, lastEvent: failed ? "Terminated: Exit Code: 1" : "" });
    expect(status([allocation({ tasks: [task("postgres", "running"), task("roles", "dead")] })]).problem).toBeUndefined();
    expect(status([allocation({ tasks: [task("postgres", "running"), task("roles", "dead", true)] })]).problem).toContain("roles: Terminated: Exit Code: 1");
  });

  test("that waits says for what", () => {
    expect(status([allocation({ status: "pending", tasks: [{ name: "api", state: "pending", failed: false, restarts: 0, lastEvent: "Template: Missing: vault.read(kv/app)" }] })]).problem).toBe("0 of 1 healthy (pending, api: Template: Missing: vault.read(kv/app))");
  });

  test("with a canary is not settled, and allocations that were replaced do not count", () => {
    expect(status([allocation(), allocation({ id: "other" })]).problem).toContain("a deploy is under way");
    expect(status([allocation(), allocation({ id: "old", desired: "stop", status: "complete" })]).problem).toBeUndefined();
  });

  test("of the system runs on every node", () => {
    expect(status([allocation()], { type: "system", groups: [{ name: "gateway", count: 1 }] }).problem).toMatch("1 of 2 healthy");
    expect(status([allocation(), allocation({ id: "b", node: "server-2" })], { type: "system" }).problem).toBeUndefined();
  });

  describe("of the system whose allocation failed", () => {
    const gateway = (allocations: readonly NomadAllocation[], node = nomadValue!.nodes[0], type: NomadJob["type"] = "system") =>
      problems(nomad({ nodes: [node], jobs: [{ id: "gvfx-gateway", job: job({ id: "gvfx-gateway", type, groups: [{ name: "gateway", count: 1 }] }), allocations }] }));
    const failed = allocation({ status: "failed", tasks: [{ name: "haproxy", state: "dead", failed: true, restarts: 0, lastEvent: "Setup Failure" }] });
    const mends = 'eval "$(npm run -s gvfx -- lab open --env)" && nomad job eval -namespace gvfx -force-reschedule gvfx-gateway';

    test("is mended by an evaluation, and the help is its command", () => {
      expect(gateway([failed])).toEqual([{ what: "gvfx-gateway: 0 of 1 healthy (failed, haproxy: Setup Failure)", help: mends }]);
      expect(gateway([allocation({ id: "older", createdAt: -1 }), failed]).map(({ help }) => help)).toEqual([mends]);
    });

    test("planted: an evaluation is no help where the node is not well, the newest allocation runs or starts, or the job is a service", () => {
      for (const change of [{ status: "down" }, { eligible: false }, { draining: true }]) expect(gateway([failed], { ...nomadValue!.nodes[0], ...change }).map(({ help }) => help)).not.toContain(mends);
      expect(gateway([failed, allocation({ id: "newer", createdAt: 1 })])).toEqual([]);
      expect(gateway([failed, allocation({ id: "newer", createdAt: 1, status: "pending" })]).map(({ help }) => help)).toEqual(["npm run gvfx -- lab logs gvfx-gateway"]);
      expect(gateway([failed], undefined, "service").map(({ help }) => help)).toEqual(["npm run gvfx -- lab logs gvfx-gateway"]);
    });
  });

  test("that is periodic is well while it is there, and a stopped one is not", () => {
    expect(status([], { type: "batch", periodic: true }).problem).toBeUndefined();
    expect(status([], { stopped: true }).problem).toBe("stopped");
  });
});

test("failing allocations are read from the ids by which Nomad registers services", () => {
  expect([...allocationsOf([{ ServiceID: `_nomad-task-${ID}-group-api-gvfx-api-alloc-http` }, { ServiceID: "_nomad-server-abc" }, { ServiceID: "" }])]).toEqual([ID]);
});

describe("the command", () => {
  afterEach(() => void (process.exitCode = undefined));
  const run = async (seen: LabSeen, ...args: string[]) => {
    const lines: string[] = [];
    const root = new Command("lab");
    registerStatus(root, { environment: () => ({ env, lab: env.lab! }), write: (text) => void lines.push(text), collect: async () => labStatus(seen) });
    await root.parseAsync(["status", ...args], { from: "user" });
    return lines.join("\n");
  };

  test("ends with 0 when all is well and with 1 when not", async () => {
    await run(well);
    expect(process.exitCode).toBe(0);
    expect(await run({ ...well, broken: [broken] })).toContain("npm run gvfx -- lab heal consul");
    expect(process.exitCode).toBe(1);
  });

  test("prints JSON that programs can read", async () => {
    expect(JSON.parse(await run(well, "--json"))).toMatchObject({ problems: [], jobs: [{ id: "gvfx-api", healthy: 1 }] });
  });
});
