/** Machines that stop, hang and are cut off: what runs on, what moves, and how long it takes. */
import { JOBS } from "../../contracts/services";
import { request } from "../../scripts/clients/http";
import type { LeaseStatus } from "../../scripts/lease/assess";
import { describeUnless } from "../terraform/terraform";
import { allocations, eventually, gvfxLab, gvfxLease, inMachine, labMissing, nomadJson, running } from "./lab-fixture";

const SECOND_GATEWAY = "http://127.0.0.1:28787/health";

const says = (what: string, since: number) => process.stderr.write(`${what}: ${((Date.now() - since) / 1_000).toFixed(1)} s\n`);
const well = () => eventually(180, async () => void (await gvfxLab("status")));

describeUnless(labMissing(), "failures", () => {
  afterEach(async () => void (await gvfxLab("heal")), 60_000);

  test("a node is killed: its services answer through the other one, the worker moves, and all is well when it is back", async () => {
    const [worker] = await running(JOBS.worker);
    // The data node holds what cannot move; the worker is followed wherever else it is.
    const lost = "server-2";
    const survivor = SECOND_GATEWAY.replace("28787", "18787");
    const began = Date.now();
    await gvfxLab("break", "kill", lost);
    await eventually(30, async () => expect((await request(survivor)).status).toBe(200));
    if (worker.NodeName === lost) {
      await eventually(90, async () => expect((await running(JOBS.worker)).map((a) => a.NodeName)).toEqual(["server-1"]));
      says("the worker's allocation runs on the other node after its node was killed", began);
      // The lost one's session has to end first, and its lock-delay after it.
      await eventually(45, async () => expect(await gvfxLease<LeaseStatus>("status")).toMatchObject({ exit: 0, holder: { side: "nomad", worker: { node: "server-1", phase: "active" } } }));
      says("the worker has the lease there and runs again", began);
    }
    await eventually(120, async () => expect((await running(JOBS.api)).filter((a) => a.NodeName === "server-1").length).toBeGreaterThanOrEqual(1));
    await gvfxLab("heal");
    await well();
    says("all well after a killed node came back", began);
    expect((await nomadJson<{ Name: string; Status: string }[]>("/v1/nodes")).filter((n) => n.Name.startsWith("server-")).map((n) => n.Status)).toEqual(["ready", "ready"]);
  }, 300_000);

  test("a node that hangs for ten seconds keeps what cannot move: Postgres, MinIO and Convex go on where they were", async () => {
    const stateful = [JOBS.postgres, JOBS.objectstore, JOBS.convex];
    const ids = async () => (await Promise.all(stateful.map((job) => running(job)))).flat().map((a) => a.ID).sort();
    const before = await ids();
    await gvfxLab("break", "pause", "server-1", "--for", "10s");
    await well();
    expect(await ids()).toEqual(before);
  }, 300_000);

  test("a node is cut off: the scheduler notices, and nothing is left twice after the cut is healed", async () => {
    await gvfxLab("break", "partition", "server-2");
    await eventually(60, async () => expect((await nomadJson<{ Name: string; Status: string }[]>("/v1/nodes")).find((n) => n.Name === "server-2")?.Status).not.toBe("ready"));
    await gvfxLab("heal");
    await well();
    expect(await running(JOBS.worker)).toHaveLength(1);
    expect(await running(JOBS.api)).toHaveLength(2);
  }, 300_000);

  test("a node container survives a restart of its container: SSH, engine, agents and jobs are back", async () => {
    const began = Date.now();
    await gvfxLab("break", "restart", "server-2");
    await eventually(120, async () => {
      expect((await inMachine("server-2", "systemctl", "is-active", "ssh", "docker", "consul", "nomad")).output.trim().split("\n")).toEqual(["active", "active", "active", "active"]);
      expect((await allocations(JOBS.gateway)).filter((a) => a.NodeName === "server-2" && a.ClientStatus === "running")).toHaveLength(1);
      expect((await request(SECOND_GATEWAY)).status).toBe(200);
    });
    says("a restarted node serves", began);
    await well();
  }, 300_000);
});
