/** What an operator does and what breaks in the drill, to both workers alike, on doubles of Nomad and the engine. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { loadEnvironment } from "../../environments/load";
import { plainJob } from "../../scripts/drill/job-variants";
import { LabActs } from "../../scripts/drill/lab-acts";
import { LabFaults } from "../../scripts/drill/lab-faults";
import { Refused, type NomadOperator, type RegisteredJob } from "../../scripts/drill/nomad";
import { Interrupted } from "../../scripts/drill/scene";
import { giveBack } from "../../scripts/drill/give-back";
import { WorkerJobs } from "../../scripts/drill/worker-jobs";
import { Breaker } from "../../scripts/lab/break/breaker";
import { Ledger } from "../../scripts/lab/break/ledger";
import { labMachines } from "../../scripts/lab/machines";
import type { NomadAllocation, NomadClient } from "../../scripts/lab/status/nomad";
import { EngineDouble } from "../lab/commands/engine-double";

const env = loadEnvironment("lab");
const lab = env.lab!;
const machines = labMachines(env, lab);
const server1 = machines[0];
const worker = JSON.parse(readFileSync("deploy/nomad/gvfx-worker.nomad.json", "utf8")) as RegisteredJob;
const CONTAINERS = ["worker-aaaaaaaa-1", "worker-bbbbbbbb-2"];
const INIT = "  90 /sbin/docker-init -- bun";

/** Both jobs on server-1; Nomad keeps what it is asked, and takes two of the plain one alone. */
class Setting {
  readonly done: string[] = [];
  readonly registered = new Map<string, RegisteredJob>([worker, plainJob(worker, env, "server-1")].map((job) => [job.ID, job]));
  readonly engine = new EngineDouble(machines.map(({ container }) => container));
  readonly marks: string[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), "gvfx-acts-"));
  readonly ledger = new Ledger(join(this.folder, "broken.json"));
  private readonly note = (what: string) => async (...args: unknown[]) => void this.done.push([what, ...args].join(" "));
  /** Jobs that are stopped: how often their allocations are still seen to run. */
  readonly looksUntilStopped = new Map<string, number>();
  private isStopped(job: string): boolean {
    const looks = this.looksUntilStopped.get(job);
    if (looks !== undefined && looks > 0) this.looksUntilStopped.set(job, looks - 1);
    return looks === 0;
  }
  private readonly bounded = async (id: string, count: number) => {
    if (id === worker.ID && count > 1) throw new Refused(`must not be greater than maximum: ${count} > 1`);
  };
  readonly operator = {
    job: async (id: string) => this.registered.get(id),
    register: async (job: RegisteredJob) => {
      await this.bounded(job.ID, job.TaskGroups[0].Count);
      this.registered.set(job.ID, job);
      // Its allocations are not stopped yet, and stay.
      const early = (this.looksUntilStopped.get(job.ID) ?? 0) > 0 ? " too early" : "";
      this.looksUntilStopped.delete(job.ID);
      this.done.push(`register ${job.ID} x${job.TaskGroups[0].Count}${early}`);
    },
    scale: async (id: string, _group: string, count: number) => {
      await this.bounded(id, count);
      this.done.push(`scale ${id} ${count}`);
    },
    deregister: async (id: string, purge: boolean) => {
      this.done.push(`deregister ${id} ${purge}`);
      this.looksUntilStopped.set(id, 2);
    },
    drain: this.note("drain"),
    open: this.note("open"),
    stopAllocation: this.note("stop"),
  } as unknown as NomadOperator;
  private readonly client = {
    allocations: async (): Promise<NomadAllocation[]> =>
      [["gvfx-worker", "aaaaaaaa-1"], ["gvfx-worker-plain", "bbbbbbbb-2"], ["gvfx-api", "cccccccc-3"]].map(([jobId, id]) => ({ id, jobId, group: "worker", version: 0, node: "server-1", desired: this.isStopped(jobId) ? "stop" : "run", status: "running", createdAt: 0, tasks: [{ name: "worker", state: "running", failed: false, restarts: 0, lastEvent: "" }] })),
    restartAllocation: this.note("restart"),
  } as unknown as NomadClient;
  readonly jobs = new WorkerJobs(env, machines.slice(0, 2), this.engine, this.client, this.operator);
  readonly acts = new LabActs({ jobs: this.jobs, engine: this.engine, terraform: { apply: async (...args) => (this.done.push(`terraform ${JSON.stringify(args)}`), this.apply()) }, workerNode: () => "server-1", dataDir: "/var/lib/nomad", wait: async () => this.wait(), wallAhead: () => this.wallAhead() });
  wait = async (): Promise<void> => undefined;
  apply = async (): Promise<void> => undefined;
  /** The clock of the worker's container, as its file says. */
  wallAhead = (): number | undefined => 1_700_000_000_000 + 1_000 * Number(this.engine.calls.flatMap((call) => /aaaaaaaa-1.*echo '(.*?)'/.exec(call)?.[1] ?? []).at(-1) ?? 0);
  nomadLeader = "witness";
  readonly faults: LabFaults;

  constructor() {
    this.engine.inside(server1.container).place(CONTAINERS);
    const breaker = new Breaker({ engine: this.engine, machines, network: lab.network.name, toolImage: lab.images.node, jobs: { allocations: this.client.allocations.bind(this.client), restartAllocation: async () => undefined }, ledger: this.ledger });
    this.faults = new LabFaults(breaker, this.engine, this.jobs, { workerNode: () => server1, nomadLeader: async () => this.nomadLeader, consulLeader: async () => machines.find(({ name }) => name === "consul-2")! });
  }

  /** What a unit's manager says of its main process, one after the other, and the last for ever. */
  answerMainPids(unit: string, ...pids: string[]): void {
    const answer = () => ({ status: 0, output: `${pids.length > 1 ? pids.shift() : pids[0]}\n`, complaint: "" });
    const others = this.engine.call.bind(this.engine);
    Object.assign(this.engine, { call: async (args: readonly string[]) => (args.some((arg) => arg.includes("Main PID")) && args.at(-1) === unit ? answer() : others(args)) });
  }

  readonly mark = (kind: string, what: string) => void this.marks.push(`${kind}: ${what}`);
}

let at: Setting;
beforeEach(() => (at = new Setting()));
afterEach(() => rmSync(at.folder, { recursive: true, force: true }));

describe("acts", () => {
  test("a drain is of the node, and ends with the case", async () => {
    const { heal } = await at.acts.do("drain", at.mark);
    expect(at.done).toEqual(["drain server-1"]);
    await heal!();
    expect(at.done).toEqual(["drain server-1", "open server-1"]);
    expect(at.marks).toEqual(["action: server-1 is drained", "heal: server-1 takes allocations again"]);
  });

  test("a new version is one of both jobs, two deploys at once are two of each", async () => {
    await at.acts.do("redeploy", at.mark);
    const version = (id: string) => at.registered.get(id)!.Meta?.drill;
    expect([version("gvfx-worker"), version("gvfx-worker-plain")]).toEqual([expect.any(String), expect.any(String)]);
    const before = version("gvfx-worker");
    at.done.length = 0;
    await at.acts.do("deploy-twice", at.mark);
    expect(at.done.sort()).toEqual(["register gvfx-worker x1", "register gvfx-worker x1", "register gvfx-worker-plain x1", "register gvfx-worker-plain x1"]);
    expect(version("gvfx-worker")).not.toBe(before);
  });

  test("a version that crashes is followed until Nomad went back", async () => {
    const acts = new LabActs({ jobs: at.jobs, engine: at.engine, terraform: { apply: async () => undefined }, workerNode: () => "server-1", dataDir: "/d", wait: async () => void at.registered.set("gvfx-worker", worker), wallAhead: () => 0 });
    await acts.do("bad-redeploy", at.mark);
    expect(at.marks).toEqual(["action: a version that crashes is registered", "seen: Nomad went back to the version before"]);
  });

  test("restart and stop are of the allocations of both, and of no other job", async () => {
    await at.acts.do("restart-job", at.mark);
    await at.acts.do("stop-allocation", at.mark);
    expect(at.done.sort()).toEqual(["restart aaaaaaaa-1", "restart bbbbbbbb-2", "stop aaaaaaaa-1", "stop bbbbbbbb-2"]);
  });

  test("stop then run keeps the job's history; a replacement purges it, the platform's by Terraform itself", async () => {
    await at.acts.do("stop-then-run", at.mark);
    expect(at.done.sort()).toEqual(["deregister gvfx-worker false", "deregister gvfx-worker-plain false", "register gvfx-worker x1", "register gvfx-worker-plain x1"]);
    at.done.length = 0;
    await at.acts.do("replace", at.mark);
    expect(at.done.sort()).toEqual(["deregister gvfx-worker-plain true", "register gvfx-worker-plain x1", 'terraform ["app",null,{"replace":["nomad_job.gvfx-worker"]}]']);
  });

  test("a stopped job whose allocations never stop has not been stopped", async () => {
    Object.assign(at.operator, { deregister: async () => undefined });
    await expect(at.acts.do("stop-then-run", at.mark)).rejects.toThrow(/gvfx-worker.* was stopped, and its allocations are still to run/);
  });

  test("interrupted while it is stopped, a job is registered all the same", async () => {
    at.wait = async () => Promise.reject(new Interrupted());
    await expect(at.acts.do("stop-then-run", at.mark)).rejects.toThrow(Interrupted);
    expect(at.done.filter((what) => what.startsWith("register")).map((what) => what.split(" ")[1])).toEqual(["gvfx-worker", "gvfx-worker-plain"]);
  });

  test("interrupted while Terraform replaces the job, it is waited for: whatever gives the lab back finds a job", async () => {
    at.wait = async () => Promise.reject(new Interrupted());
    let destroyed = () => {};
    at.apply = () => new Promise((done) => (destroyed = done));
    let over = false;
    const acted = at.acts.do("replace", at.mark).catch((error: Error) => error).finally(() => (over = true));
    await pause(20);
    expect([over, at.done.at(-1)]).toEqual([false, "register gvfx-worker-plain x1 too early"]);
    destroyed();
    expect(await acted).toBeInstanceOf(Interrupted);
  });

  test.each(["scale-to-2", "register-count-2"] as const)("%s: what Nomad says of the platform's worker counts; the plain one that was taken is one again afterwards", async (act) => {
    const { refused, heal } = await at.acts.do(act, at.mark);
    expect(refused).toBe("must not be greater than maximum: 2 > 1");
    at.done.length = 0;
    await heal!();
    expect(at.done).toEqual([act === "scale-to-2" ? "scale gvfx-worker-plain 1" : "register gvfx-worker-plain x1"]);
  });

  test("an error that is no refusal is not taken for one", async () => {
    Object.assign(at.operator, { scale: async () => Promise.reject(new Error("nobody answers")) });
    await expect(at.acts.do("scale-to-2", at.mark)).rejects.toThrow("nobody answers");
  });

  test("the wall clock goes ahead, behind and back, written from outside of the containers", async () => {
    await at.acts.do("clock-jump", at.mark);
    const written = at.engine.calls.filter((call) => call.includes("wall-clock"));
    expect(written.filter((call) => call.includes("/var/lib/nomad/alloc/aaaaaaaa-1/alloc/data/wall-clock")).map((call) => /echo '(.*?)'/.exec(call)![1])).toEqual(["+3600", "-3600", "+0"]);
    expect(written).toHaveLength(6);
    expect(at.marks.map((mark) => mark.split(":")[0])).toEqual(["fault", "fault", "heal"]);
  });

  test.each<[string, () => number | undefined]>([["does not move", () => 1_700_000_000_000], ["is not to be seen", () => undefined]])("a wall clock that %s has been no fault", async (_, wallAhead) => {
    at.wallAhead = wallAhead;
    await expect(at.acts.do("clock-jump", at.mark)).rejects.toThrow(/should be an hour ahead/);
  });
});

describe("faults", () => {
  test.each([
    ["worker-node", "server-1"],
    ["leader", "witness"],
  ] as const)("a lasting one at the %s is in the lab's ledger until it is healed", async (place, name) => {
    const { heal } = await at.faults.last("pause", place, at.mark);
    expect(at.ledger.read()).toMatchObject([{ fault: "pause", name }]);
    await heal();
    expect(at.ledger.read()).toEqual([]);
    expect(at.marks).toEqual([`fault: ${name}: paused`, `heal: ${name}: goes on`]);
  });

  test("of a leader, that another one leads is asked while it is away", async () => {
    const { confirm } = await at.faults.last("pause", "leader", at.mark);
    await expect(confirm!()).rejects.toThrow(/witness leads Nomad's servers still/);
    at.nomadLeader = "server-2";
    await confirm!();
    expect(at.marks).toEqual(["fault: witness: paused", "seen: server-2 leads Nomad's servers"]);
    expect((await at.faults.last("pause", "worker-node", at.mark)).confirm).toBeUndefined();
  });

  test("a restart of Consul's leader that leaves it running has been no fault", async () => {
    at.engine.answers.set("restart gvfx-lab-consul-2", { status: 0, output: "", complaint: "" });
    await expect(at.faults.happen("restart-consul-leader", at.mark)).rejects.toThrow(/consul-2 was restarted, and runs since .* as before/);
  });

  test("all Consul servers go at once", async () => {
    await at.faults.last("stop", "consul", at.mark);
    expect(at.ledger.read().map(({ name }) => name)).toEqual(["consul-1", "consul-2", "consul-3"]);
  });

  test("both workers' containers stand still, and go on", async () => {
    const inner = at.engine.inside(server1.container);
    const { heal } = await at.faults.last("pause", "workers", at.mark);
    expect(inner.calls.filter((call) => call.startsWith("pause"))).toEqual(CONTAINERS.map((name) => `pause ${name}`));
    await heal();
    expect(inner.calls.filter((call) => call.startsWith("unpause")).sort()).toEqual(CONTAINERS.map((name) => `unpause ${name}`));
  });

  test("the wrapper of the one and the worker of the other are killed from the node, nothing is run in their containers", async () => {
    const inner = at.engine.inside(server1.container);
    inner.answers.set(`top ${CONTAINERS[0]}`, { status: 0, output: `PID COMMAND\n${INIT} /local/worker-lease.mjs\n  91 bun /local/worker-lease.mjs s.json -- bun run src/jobs/worker.ts\n  95 bun run src/jobs/worker.ts\n`, complaint: "" });
    inner.answers.set(`top ${CONTAINERS[1]}`, { status: 0, output: `PID COMMAND\n${INIT} run src/jobs/worker.ts\n  97 bun run src/jobs/worker.ts\n`, complaint: "" });
    await at.faults.happen("kill-wrapper", at.mark);
    expect(at.engine.calls.sort()).toEqual(["exec gvfx-lab-server-1 kill -9 91", "exec gvfx-lab-server-1 kill -9 97"]);
  });

  test.each([["kill-nomad-agent", "nomad"], ["kill-engine", "docker"]] as const)("%s that hits nothing, or does not end it, has been no fault", async (fault, unit) => {
    at.answerMainPids(unit, "0");
    await expect(at.faults.happen(fault, at.mark)).rejects.toThrow(/there is no .* to kill/);
    expect(at.marks).toEqual([]);
    at.answerMainPids(unit, "71");
    jest.spyOn(Date, "now").mockImplementation((() => {
      let now = 0;
      return () => (now += 4_000);
    })());
    await expect(at.faults.happen(fault, at.mark)).rejects.toThrow(/process 71\) was killed with -9 and runs on/);
    jest.restoreAllMocks();
  });

  test.each([
    ["kill-nomad-agent", "exec gvfx-lab-server-1 systemctl kill --kill-whom main -s SIGKILL nomad"],
    ["kill-engine", "exec gvfx-lab-server-1 systemctl kill --kill-whom main -s SIGKILL docker"],
    ["restart-consul-leader", "restart gvfx-lab-consul-2"],
  ] as const)("%s", async (fault, call) => {
    for (const unit of ["nomad", "docker"]) at.answerMainPids(unit, "71", "72");
    await at.faults.happen(fault, at.mark);
    expect(at.engine.calls).toContain(call);
    expect(at.marks[0]).toMatch(/^fault: /);
    expect(at.ledger.read()).toEqual([]);
  });

  test("the plain job goes in whatever state it is: a container that stands still cannot be ended", async () => {
    const inner = at.engine.inside(server1.container);
    await at.jobs.removePlain();
    expect(inner.calls).toContain(`unpause ${CONTAINERS[1]}`);
    expect(at.done).toEqual(["deregister gvfx-worker-plain true"]);
  });
});

describe("what a drill that was killed left", () => {
  const clean = () => giveBack([() => at.jobs.removePlain(), () => at.jobs.restoreLeased({ versions: true })]);

  test("a worker that was stopped is registered again", async () => {
    await clean();
    expect(at.done).toEqual(["deregister gvfx-worker-plain true"]);
    at.registered.set(worker.ID, { ...worker, Stop: true });
    await clean();
    expect(at.done.at(-1)).toBe("register gvfx-worker x1");
  });

  test("a worker that is not there is made by a deploy, not by another try", async () => {
    at.registered.delete(worker.ID);
    const left = await clean().catch((error: Error) => error.message);
    expect(left).toMatch(/gvfx-worker is not registered.*npm run lab$/s);
    expect(left).not.toContain("drill clean");
    expect(at.done).toEqual(["deregister gvfx-worker-plain true"]);
    await expect(giveBack([async () => Promise.reject(new Error("no engine"))])).rejects.toThrow(/no engine\nTry again with: npm run gvfx -- drill clean/);
  });
});
