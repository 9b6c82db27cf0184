/** Failed allocations of system jobs: which are evaluated, how often, and when a person hears of it. */
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { renderJob } from "../../constructs/nomad/render";
import { JOB_KEYS, SYSTEM_JOBS } from "../../contracts/services";
import { environment, pinned } from "../jobs/worked-example";
import { double, NomadSystemJob, type Double } from "./doubles";
import { program } from "./program";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const SETTINGS = { ids: ["gvfx-gateway"], lookIntervalMs: 5 * SECOND, firstPauseMs: 30 * SECOND, longestPauseMs: 10 * MINUTE, alertAfter: 3, namespace: "gvfx" };

test("the jobs that are watched are those of kind system, whichever they are", () => {
  const system = JOB_KEYS.map((key) => renderJob(JOB_BUILDERS[key](environment, pinned))).filter(({ Type }) => Type === "system");
  expect(system.map(({ ID }) => ID)).toEqual(SYSTEM_JOBS);
});

describe("the watch over system jobs", () => {
  let now: number;
  let nomad: NomadSystemJob;
  let server: Double;
  let said: { severity: string; summary: string; facts: Record<string, string | number> }[];
  let log: string[];
  let watch: InstanceType<typeof program.SystemJobs>;

  beforeEach(async () => {
    now = 0;
    nomad = new NomadSystemJob(() => now);
    server = await double(nomad.answer);
    said = [];
    log = [];
    watch = new program.SystemJobs(SETTINGS, { address: server.url, token: "nomad-token" }, { now: () => now, log: (level, message) => log.push(`${level} ${message}`) }, (severity, summary, facts) => said.push({ severity, summary, facts }));
  });
  afterEach(() => server.close());

  /** Looks every ten seconds, as the rounds do, until so much time has gone by. */
  const during = async (ms: number) => {
    for (const end = now + ms; now < end; now += 10 * SECOND) await watch.look();
  };
  const seconds = () => nomad.evaluations.map((at) => at / SECOND);

  test("planted: no evaluation. A node's gateway that failed is evaluated at the next look, once, and runs", async () => {
    await during(MINUTE);
    nomad.fail("server-1");
    await during(MINUTE);
    expect(seconds()).toEqual([60]);
    expect(nomad.newest("server-1").ClientStatus).toBe("running");
    expect(watch.reading()).toEqual({ evaluations: { "gvfx-gateway": 1 }, failed: { "gvfx-gateway": 0 } });
    expect(log).toEqual([expect.stringMatching(/^warning gvfx-gateway on server-1: allocation 00000001 failed \(Failed tasks; Setup Failure: pre-run hook "identity" failed: Permission denied\).*: evaluated, try 1; the next in 30 s/)]);
    expect(said).toEqual([]);
    expect(server.requests.every(({ headers }) => headers["x-nomad-token"] === "nomad-token")).toBe(true);
  });

  test("planted: an evaluation of a job that is well. An hour of it asks for none, and for no node", async () => {
    await during(60 * MINUTE);
    expect(seconds()).toEqual([]);
    expect(server.requests.filter(({ path }) => path.startsWith("/v1/node/"))).toEqual([]);
  });

  test("an allocation that failed and was replaced since is no matter, in whichever order Nomad lists them", async () => {
    nomad.fail("server-1");
    nomad.place("server-1");
    await during(MINUTE);
    nomad.allocations.reverse();
    await during(MINUTE);
    expect(seconds()).toEqual([]);
  });

  test.each([
    ["is down", { Status: "down" }],
    ["is out of reach", { Status: "disconnected" }],
    ["takes no work", { SchedulingEligibility: "ineligible" }],
    ["drains", { Drain: true }],
  ])("planted: the node of the failed allocation %s: no evaluation until it is back", async (_title, change) => {
    const node = nomad.nodes.get("server-1")!;
    const well = { ...node };
    nomad.fail("server-1");
    Object.assign(node, change);
    await during(30 * MINUTE);
    expect([seconds(), said, watch.reading().failed]).toEqual([[], [], { "gvfx-gateway": 0 }]);
    Object.assign(node, well);
    await during(MINUTE);
    expect(seconds()).toEqual([1_800]);
  });

  test("a node that Nomad has forgotten is not well either", async () => {
    nomad.fail("server-2");
    nomad.nodes.delete("server-2");
    await during(MINUTE);
    expect(seconds()).toEqual([]);
  });

  test.each([["is stopped", { Stop: true }], ["is of another kind", { Type: "service" }]])("a job that %s is left alone", async (_title, change) => {
    Object.assign(nomad.job!, change);
    nomad.fail("server-1");
    await during(MINUTE);
    expect(seconds()).toEqual([]);
  });

  test("an allocation that should stop is left alone", async () => {
    nomad.fail("server-1");
    nomad.newest("server-1").DesiredStatus = "stop";
    await during(MINUTE);
    expect(seconds()).toEqual([]);
  });

  test("planted: a tight loop. An image that always fails makes a new allocation each time, and is evaluated ever more rarely all the same", async () => {
    nomad.becomes = "failed";
    nomad.fail("server-1");
    await during(45 * MINUTE);
    expect(seconds()).toEqual([0, 30, 90, 210, 450, 930, 1_530, 2_130]);
    // A person hears of it when the third did not help, and once an hour after that.
    expect(said).toEqual([{ severity: "critical", summary: expect.stringMatching(/^gvfx-gateway does not run on server-1: .* was evaluated, and that did not help in 3 tries. See: nomad alloc status -namespace gvfx 0000/), facts: expect.objectContaining({ job: "gvfx-gateway", node: "server-1", tries: 3 }) }]);
    await during(60 * MINUTE);
    expect(said).toHaveLength(2);

    // It is mended: well once it has run for as long as the longest pause, and the next failure begins anew.
    nomad.becomes = "running";
    await during(25 * MINUTE);
    expect(said.slice(2)).toEqual([expect.objectContaining({ severity: "info", summary: "gvfx-gateway runs again on server-1, for 10 min now" })]);
    nomad.evaluations.length = 0;
    const failedAt = now / SECOND;
    nomad.becomes = "failed";
    nomad.fail("server-1");
    await during(MINUTE);
    expect(seconds()).toEqual([failedAt, failedAt + 30]);
  });

  test("planted: the back-off forgotten too soon. One that fails a minute after each start goes on with it", async () => {
    for (let minute = 0; minute < 30; minute += 1) {
      if (nomad.newest("server-1").ClientStatus === "running") nomad.fail("server-1");
      await during(MINUTE);
    }
    expect(seconds()).toEqual([0, 60, 120, 240, 480, 960, 1_560]);
  });

  test("two nodes that fail at once take one evaluation", async () => {
    nomad.fail("server-1");
    nomad.fail("server-2");
    await during(MINUTE);
    expect(seconds()).toEqual([0]);
    expect(log).toHaveLength(2);
  });

  test("an evaluation that is refused is not counted, is tried as rarely, and the alert has the command", async () => {
    nomad.fail("server-1");
    nomad.refuses = { POST: 403 };
    await during(5 * MINUTE);
    expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(4);
    expect(watch.reading()).toEqual({ evaluations: { "gvfx-gateway": 0 }, failed: { "gvfx-gateway": 1 } });
    expect(said).toEqual([expect.objectContaining({ severity: "critical", summary: expect.stringContaining("could not be evaluated in 3 tries (POST of the evaluation answered 403). By hand: nomad job eval -namespace gvfx -force-reschedule gvfx-gateway") })]);
  });

  test("what cannot be read is said once, is not evaluated, and is absent from the metrics", async () => {
    nomad.fail("server-1");
    nomad.refuses = { GET: 403 };
    await during(MINUTE);
    expect(log).toEqual(["warning gvfx-gateway cannot be looked at, so a failed allocation of it would stay dead: GET of /v1/job/gvfx-gateway answered 403: the guardian's policy lacks it; deploy foundation"]);
    const none = { triggers: {}, overall: "pass", gauges: {}, counters: {}, switches: { workerOwner: "nomad", traffic: "nomad" }, backup: {} };
    expect(program.metricsText({ ...none, systemJobs: watch.reading() })).not.toContain("failed_allocations{");
    nomad.refuses = {};
    await during(10 * SECOND);
    expect(seconds()).toEqual([60]);
    expect(program.metricsText({ ...none, systemJobs: watch.reading() })).toContain('# TYPE gvfx_guardian_evaluations_total counter\ngvfx_guardian_evaluations_total{job="gvfx-gateway"} 1\n');
  });

  test("looks are no closer than they may be, and a slow one is not joined by another", async () => {
    await Promise.all([watch.look(), watch.look()]);
    now += SETTINGS.lookIntervalMs - 1;
    await watch.look();
    expect(server.requests).toHaveLength(2);
  });
});
