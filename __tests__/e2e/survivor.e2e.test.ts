/** The data node is gone for good: the data plane comes up on the other node from the backups that are there, by the steps of docs/restore.md. */
import { kvPaths } from "../../contracts/kv";
import { loadEnvironment } from "../../environments/load";
import { request } from "../../scripts/clients/http";
import type { RestoreReport } from "../../scripts/data/restore/report";
import { synthesizeLab, Terraform } from "../../scripts/lab/terraform";
import { describeUnless } from "../terraform/terraform";
import { A_BACKUP, backup, type Fingerprint } from "./backups";
import { askConsul, eventually, gvfxData, gvfxLab, gvfxLease, dataTestsMissing, namespace } from "./lab-fixture";

/** What an operator's environment file says after the loss. */
const MOVED = "lab-without-server-1";
const MOVED_CONVEX = "http://127.0.0.1:23310";
/** The goal of the recovery time, seconds: from the loss, without the time that a person takes to decide. */
const RECOVERY_GOAL = 180;
const { workerOwner } = kvPaths(namespace);

describeUnless(dataTestsMissing(), "the data node is gone for good", () => {
  beforeAll(async () => {
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "nobody" });
    await eventually(60, async () => expect((await gvfxLease("status")).exit).toBe(1));
  }, 90_000);
  afterAll(async () => {
    await gvfxLab("heal");
    // Back to the node that the lab's own environment names, and to what it holds.
    await gvfxLab("up");
    // The restore has left what trades stopped, and an apply need not start it.
    await gvfxData(["restore", "--start"], [0, 1, 2]);
    await gvfxData(["restore", "--discard-old", "--confirm", "lab", "--to", "server-2"], [0, 1, 2]);
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "nomad" });
    await eventually(180, async () => void (await gvfxLab("status")));
  }, 600_000);

  test("the newest backup is restored on the other node, the jobs follow, and every row is there", async () => {
    const { snapshot } = await backup();
    const before = JSON.parse((await gvfxData(["fingerprint", "--json"])).output) as Fingerprint;
    await gvfxLab("break", "kill", "server-1");
    const lost = Date.now();

    const report = JSON.parse((await gvfxData(["restore", "--in-place", "--snapshot", snapshot, "--confirm", "lab", "--json"], [0], MOVED)).output) as RestoreReport;
    expect([report.verdict, report.target, report.problems]).toEqual(["proven", "server-2", []]);
    await synthesizeLab(MOVED);
    await new Terraform(loadEnvironment(MOVED)).apply("data-plane");
    await eventually(60, async () => expect((await request(`${MOVED_CONVEX}/version`)).status).toBe(200));
    const took = (Date.now() - lost) / 1_000;
    process.stderr.write(`data node lost: Convex answers on the other node after ${took.toFixed(0)} s\n`);
    const after = JSON.parse((await gvfxData(["fingerprint", "--json"], [0], MOVED)).output) as Fingerprint;
    expect(after.convex).toEqual(before.convex);
    expect(report.convex).toEqual(before.convex);
    expect(took).toBeLessThan(RECOVERY_GOAL);
  }, A_BACKUP * 4_000);
});
