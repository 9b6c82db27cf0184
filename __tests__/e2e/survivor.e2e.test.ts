/** The data node is gone for good: the data plane comes up on the other node from the backups that are there, by the steps of docs/restore.md. */
import { BACKUP_STATUS_VARIABLE } from "../../contracts/backup";
import { kvPaths } from "../../contracts/kv";
import { JOBS } from "../../contracts/services";
import { loadEnvironment } from "../../environments/load";
import { request } from "../../scripts/clients/http";
import type { RestoreReport } from "../../scripts/data/restore/report";
import { synthesizeLab, Terraform } from "../../scripts/lab/terraform";
import type { LeaseStatus } from "../../scripts/lease/assess";
import { describeUnless } from "../terraform/terraform";
import { A_BACKUP, type Fingerprint } from "./backups";
import { askConsul, askNomad, eventually, gvfxData, gvfxLab, gvfxLease, dataTestsMissing, namespace, nomadJson } from "./lab-fixture";

/** What an operator's environment file says after the loss. */
const MOVED = "lab-without-server-1";
const MOVED_CONVEX = "http://127.0.0.1:23310";
/** The goal of the recovery time, seconds: from the loss, without the time that a person takes to decide. */
const RECOVERY_GOAL = 180;
const { workerOwner } = kvPaths(namespace);

/** Runs the backup's job until it has a restore point of after this moment. A run that failed earlier stays written down, and says nothing of this one. @returns its id */
async function backedUp(): Promise<string> {
  const since = Date.now();
  await eventually(A_BACKUP, async () => expect((await nomadJson<readonly { readonly Status: string }[]>(`/v1/jobs?namespace=${namespace}&prefix=${JOBS.backup}/`)).filter(({ Status }) => Status !== "dead")).toEqual([]));
  expect((await askNomad(`/v1/job/${JOBS.backup}/periodic/force?namespace=${namespace}`, { method: "PUT" })).status).toBe(200);
  let snapshot = "";
  await eventually(A_BACKUP, async () => {
    const { Items } = await nomadJson<{ readonly Items: { readonly recoveryPoint?: string; readonly snapshot?: string; readonly failure?: string } }>(`/v1/var/${BACKUP_STATUS_VARIABLE}?namespace=${namespace}`);
    expect(Date.parse(Items.recoveryPoint ?? "") > since ? "stored" : (Items.failure ?? "not stored yet")).toBe("stored");
    snapshot = Items.snapshot!;
  });
  return snapshot;
}

describeUnless(dataTestsMissing(), "the data node is gone for good", () => {
  beforeAll(async () => {
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "nobody" });
    // A worker that holds the lease still, under an owner that is not its own any more, writes still.
    await eventually(60, async () => expect(await gvfxLease<LeaseStatus>("status")).toMatchObject({ exit: 1, verdict: "nobody" }));
  }, 90_000);
  afterAll(async () => {
    await gvfxLab("heal");
    // Its agents come up after its container, and foundation asks the Nomad server on it.
    await eventually(120, async () => expect((await nomadJson<readonly { readonly Name: string; readonly Status: string }[]>("/v1/nodes")).filter(({ Name }) => Name.startsWith("server-")).map(({ Status }) => Status)).toEqual(["ready", "ready"]));
    // Back to the node that the lab's own environment names, and to what it holds.
    await gvfxLab("up");
    // The restore has left what trades stopped, and an apply need not start it.
    await gvfxData(["restore", "--start"]);
    await gvfxData(["restore", "--discard-old", "--confirm", "lab", "--to", "server-2"], [0, 1, 2]);
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "nomad" });
    await eventually(180, async () => void (await gvfxLab("status")));
  }, 960_000);

  test("the newest backup is restored on the other node, the jobs follow, and every row is there", async () => {
    const snapshot = await backedUp();
    const before = JSON.parse((await gvfxData(["fingerprint", "--json"])).output) as Fingerprint;
    await gvfxLab("break", "kill", "server-1");
    const lost = Date.now();

    const report = JSON.parse((await gvfxData(["restore", "--in-place", "--snapshot", snapshot, "--confirm", "lab", "--json"], [0], MOVED)).output) as RestoreReport;
    expect([report.verdict, report.target, report.problems]).toEqual(["proven", "server-2", []]);
    await synthesizeLab(MOVED);
    await new Terraform(loadEnvironment(MOVED)).apply("data-plane");
    await eventually(60, async () => expect((await request(`${MOVED_CONVEX}/version`)).status).toBe(200));
    const took = (Date.now() - lost) / 1_000;
    process.stderr.write(`data node lost: Convex answers on the other node after ${took.toFixed(0)} s\n${report.steps.map(({ step, seconds }) => `  ${step} ${seconds} s\n`).join("")}`);
    const after = JSON.parse((await gvfxData(["fingerprint", "--json"], [0], MOVED)).output) as Fingerprint;
    expect(after.convex).toEqual(before.convex);
    expect(report.convex).toEqual(before.convex);
    expect(took).toBeLessThan(RECOVERY_GOAL);
  }, A_BACKUP * 5_000);
});
