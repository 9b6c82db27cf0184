/** What must be so before a case begins, made so on a double of the lab. */
import { readFileSync } from "node:fs";
import { Duration } from "../../contracts/units";
import { loadEnvironment } from "../../environments/load";
import { arrange, type Stage } from "../../scripts/drill/arrange";
import { hasMovableClock, plainJob } from "../../scripts/drill/job-variants";
import type { RegisteredJob } from "../../scripts/drill/nomad";
import type { Running } from "../../scripts/drill/scene";
import type { NomadAllocation } from "../../scripts/lab/status/nomad";

const env = loadEnvironment("lab");
const worker = JSON.parse(readFileSync("deploy/nomad/gvfx-worker.nomad.json", "utf8")) as RegisteredJob;

/** Time passes only while somebody waits; what was asked for is so at once. */
class StageDouble implements Stage {
  readonly done: string[] = [];
  readonly nodes = ["server-1", "server-2"];
  readonly dataNode = "server-1";
  readonly witness = "witness";
  readonly heartbeat = Duration.seconds(10);
  readonly waited: Duration[] = [];
  leader = "server-1";
  leased = worker;
  plain: RegisteredJob | undefined;
  workers: Running[] = [{ policy: "lease", instance: "a", node: "server-1" }];
  restarts = 0;
  private count = 0;

  readonly say = () => undefined;
  readonly wait = async (time: Duration) => void this.waited.push(time);
  readonly problems = async (): Promise<readonly string[]> => [];
  readonly running = (policy: Running["policy"]) => this.workers.filter((it) => it.policy === policy);
  move(policy: Running["policy"], node: string): void {
    this.workers = [...this.workers.filter((it) => it.policy !== policy), { policy, instance: `i-${(this.count += 1)}`, node }];
  }
  readonly jobs = {
    leased: async () => this.leased,
    placePlain: async (node: string) => {
      this.done.push(`place ${node}`);
      this.plain = plainJob(worker, env, node);
      this.restarts = 0;
      this.move("plain", node);
    },
    allocations: async () => [],
    current: async (job: string) => this.workers.filter(({ policy }) => (policy === "plain") === job.endsWith("-plain")).map(({ instance, node }) => ({ id: instance, node, tasks: [{ restarts: this.restarts }] }) as unknown as NomadAllocation),
  };
  readonly operator = {
    servers: async () => ["server-1", "server-2", "witness"].map((name) => ({ id: `r-${name}`, name, leader: name === this.leader })),
    transferLeadership: async (id: string) => {
      this.done.push(`lead ${id}`);
      this.leader = id.slice(2);
    },
    job: async () => this.plain,
    register: async (job: RegisteredJob) => {
      this.done.push(`register ${job.ID}`);
      if (job.ID === worker.ID) {
        this.leased = job;
        this.move("lease", this.running("lease")[0].node);
      } else this.plain = job;
    },
    close: async (node: string) => void this.done.push(`close ${node}`),
    open: async (node: string) => void this.done.push(`open ${node}`),
    stopAllocation: async (id: string) => {
      this.done.push(`stop ${id}`);
      this.move("lease", "server-2");
    },
  };
}

test("the plain worker is placed beside the other one, once", async () => {
  const stage = new StageDouble();
  await arrange({}, stage);
  await arrange({}, stage);
  expect(stage.done).toEqual(["place server-1"]);
});

test.each<[string, (stage: StageDouble) => void]>([
  ["the other one has moved", (stage) => stage.move("lease", "server-2")],
  ["it was restarted, which would delay its next restart", (stage) => (stage.restarts = 1)],
  ["there are two of it", (stage) => stage.workers.push({ policy: "plain", instance: "z", node: "server-1" })],
])("it is made anew when %s", async (_why, change) => {
  const stage = new StageDouble();
  await arrange({}, stage);
  stage.done.length = 0;
  change(stage);
  await arrange({}, stage);
  expect(stage.done).toEqual([`place ${stage.running("lease")[0].node}`]);
});

test("the leadership moves only when it must, and the worker does not", async () => {
  const stage = new StageDouble();
  await arrange({ leader: "worker-node" }, stage);
  await arrange({ leader: "other" }, stage);
  await arrange({ leader: "other" }, stage);
  await arrange({ leader: "witness" }, stage);
  await arrange({ leader: "worker-node" }, stage);
  expect(stage.done).toEqual(["place server-1", "lead r-witness", "lead r-server-1"]);
  // Each new leader has heard from every node before anything is broken.
  expect(stage.waited.filter((time) => time.seconds === 11)).toHaveLength(2);
  expect(stage.running("lease")).toEqual([{ policy: "lease", instance: "a", node: "server-1" }]);
});

test("it leaves the node with the data, which takes allocations again afterwards", async () => {
  const stage = new StageDouble();
  await arrange({ awayFromData: true }, stage);
  await arrange({ awayFromData: true }, stage);
  expect(stage.done).toEqual(["close server-1", "stop a", "open server-1", "place server-2"]);
});

test("a clock that can be moved is deployed to both; the next case has the plain worker as it was", async () => {
  const stage = new StageDouble();
  await arrange({ movableClock: true }, stage);
  expect([hasMovableClock(stage.leased), hasMovableClock(stage.plain!)]).toEqual([true, true]);
  await arrange({}, stage);
  expect(hasMovableClock(stage.plain!)).toBe(false);
});

test("a lab that is not well, or a worker that does not move, ends it with what is wrong", async () => {
  jest.spyOn(Date, "now").mockImplementation((() => {
    let now = 0;
    return () => (now += 10_000);
  })());
  try {
    const stage = new StageDouble();
    Object.assign(stage, { problems: async () => ["gvfx-api: 1 of 2 healthy"] });
    await expect(arrange({}, stage)).rejects.toThrow(/the lab is not well.*gvfx-api: 1 of 2 healthy.*within 3m/);
    const stuck = new StageDouble();
    Object.assign(stuck.operator, { transferLeadership: async () => undefined });
    await expect(arrange({ leader: "witness" }, stuck)).rejects.toThrow(/witness did not become Nomad's leader/);
  } finally {
    jest.restoreAllMocks();
  }
});
