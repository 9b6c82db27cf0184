import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lab as labInput } from "../../environments/lab";
import { parseEnvironment } from "../../environments/parse";
import { deadAllocations, deathText } from "../../scripts/deployment/dead";
import { explanation, failedDeployment, jobsThatFailed } from "../../scripts/deployment/explain";
import { whyCommand } from "../../scripts/deployment/command";
import { environment } from "../jobs/worked-example";

const death = (ID: string, NodeID: string, CreateIndex: number, ClientStatus: string) => ({
  ID, NodeID, NodeName: NodeID.replace("node", "server"), TaskGroup: "gateway", DesiredStatus: "run", ClientStatus, CreateIndex,
  TaskStates: { haproxy: { Events: [{ Type: "Received", DisplayMessage: "" }, { Type: "Setup Failure", DisplayMessage: 'pre-run hook "identity" failed' }] } },
});

/** A double of Nomad's API with one job whose newest deployment failed and was followed by its revert. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  "/v1/job/gvfx-api/deployments": [
    { ID: "d1", JobVersion: 1, Status: "successful", StatusDescription: "Deployment completed successfully", CreateIndex: 10 },
    { ID: "d3", JobVersion: 3, Status: "running", StatusDescription: "Deployment is running", CreateIndex: 30 },
    { ID: "d2", JobVersion: 2, Status: "failed", StatusDescription: "Failed due to unhealthy allocations - rolling back to job version 1", CreateIndex: 20 },
  ],
  "/v1/job/gvfx-quiet/deployments": [{ ID: "d4", JobVersion: 1, Status: "successful", StatusDescription: "", CreateIndex: 1 }],
  "/v1/job/gvfx-mended/deployments": [
    { ID: "d5", JobVersion: 5, Status: "failed", StatusDescription: "Failed due to unhealthy allocations - rolling back to job version 4", CreateIndex: 1 },
    { ID: "d7", JobVersion: 7, Status: "successful", StatusDescription: "", CreateIndex: 2 },
  ],
  "/v1/job/gvfx-gateway/deployments": [{ ID: "d8", JobVersion: 1, Status: "successful", StatusDescription: "", CreateIndex: 1 }],
  "/v1/job/gvfx-gateway": { Type: "system", Stop: false },
  "/v1/job/gvfx-gateway/allocations": [
    death("dead-of-1", "node-1", 5, "failed"),
    death("old-of-2", "node-2", 4, "failed"),
    death("new-of-2", "node-2", 6, "running"),
    death("dead-of-3", "node-3", 5, "failed"),
  ],
  "/v1/nodes": [["node-1", "ready"], ["node-2", "ready"], ["node-3", "down"]].map(([ID, Status]) => ({ ID, Status, SchedulingEligibility: "eligible", Drain: false })),
  "/v1/deployment/allocations/d2": [
    { ID: "0123456789ab", NodeName: "server-1", ClientStatus: "failed", DeploymentStatus: { Healthy: false }, TaskStates: { api: { Failed: true, Restarts: 3, Events: [{ Type: "Received", DisplayMessage: "Task received by client" }, { Type: "Terminated", DisplayMessage: "Exit Code: 1" }, { Type: "Not Restarting", DisplayMessage: "Exceeded allowed attempts 3" }] } } },
    { ID: "fedcba987654", NodeName: "server-2", ClientStatus: "running", DeploymentStatus: { Healthy: true }, TaskStates: {} },
  ],
  "/v1/job/gvfx-api/versions": { Versions: [{ Version: 2, TaskGroups: [{ Services: [{ Name: "gvfx-api-alloc", Checks: [{ Type: "http", Path: "/health", Interval: 5e9 }] }], Tasks: [{ Name: "api", Config: { image: "registry.example.com/backend@sha256:bad" } }] }] }] },
};

let server: Server;
let address = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const body = ANSWERS[pathname];
    const allowed = request.headers["x-nomad-token"] === "reader" && searchParams.get("namespace") === "gvfx";
    response.writeHead(!allowed ? 403 : body ? 200 : 404).end(JSON.stringify(allowed ? (body ?? "") : ""));
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const nomad = () => ({ address, token: "reader", namespace: "gvfx" });

test("a deployment that failed is found behind its revert, with version, check, image and what the allocation went through", async () => {
  const failed = await failedDeployment(nomad(), "gvfx-api");
  expect(explanation(failed!, (job, allocation) => `logs of ${job} ${allocation}`)).toBe(
    `gvfx-api version 2 was not taken: Failed due to unhealthy allocations - rolling back to job version 1
  image registry.example.com/backend@sha256:bad
  had to pass: GET /health of gvfx-api-alloc, every 5 s
  allocation 01234567 on server-1:
    api: Terminated: Exit Code: 1
    api: Not Restarting: Exceeded allowed attempts 3
  what it said: logs of gvfx-api 0123456789ab`,
  );
});

test("a job whose newest deployment was taken has nothing to explain", async () => {
  expect(await failedDeployment(nomad(), "gvfx-quiet")).toBeUndefined();
  // One that failed before, and was mended since.
  expect(await failedDeployment(nomad(), "gvfx-mended")).toBeUndefined();
});

test("a token that may not read is an error, not an empty answer", async () => {
  await expect(failedDeployment({ ...nomad(), token: "other" }, "gvfx-api")).rejects.toThrow(/answered with status 403/);
});

test("the jobs that Terraform could not bring to health are read from what it said", () => {
  expect(jobsThatFailed("Error: ...\n\n  with nomad_job.gvfx-api,\n  on cdk.tf.json line 1\n  with nomad_job.gvfx-worker,\n  with nomad_job.gvfx-api,\n")).toEqual(["gvfx-api", "gvfx-worker"]);
  expect(jobsThatFailed("  with consul_keys.switches,\n")).toEqual([]);
});

test("gvfx why exits with 1 when a deployment failed, and says where to get a token when there is none", async () => {
  const said: string[] = [];
  const env = { ...environment, nomad: { ...environment.nomad, address, namespace: "gvfx" } };
  const before = process.exitCode;
  await whyCommand(() => env, { NOMAD_TOKEN: "reader" }, (text) => void said.push(text)).parseAsync(["gvfx-api"], { from: "user" });
  expect(process.exitCode).toBe(1);
  process.exitCode = before;
  expect(said.join("\n")).toContain("nomad alloc logs -stderr -namespace gvfx 01234567");
  await expect(whyCommand(() => env, {}).parseAsync([], { from: "user" })).rejects.toThrow(/NOMAD_TOKEN is not set.*reader-token/);
});

test("gvfx why of a lab takes what its states hold, whatever the shell has, and sends to the lab's own logs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-why-"));
  const lab = { ...parseEnvironment("lab", labInput), backend: { kind: "local", folder } as const };
  const env = { ...lab, nomad: { ...lab.nomad, address } };
  const state = (stack: string, outputs: Readonly<Record<string, string>>) => writeFileSync(join(folder, `${stack}.tfstate`), JSON.stringify({ outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, { value }])) }));
  const [said, before] = [[] as string[], process.exitCode];
  const why = () => whyCommand(() => env, { NOMAD_TOKEN: "of another cluster" }, (text) => void said.push(text)).parseAsync(["gvfx-api"], { from: "user" });
  try {
    await expect(why()).rejects.toThrow(/the lab is not up.*npm run lab/);
    state("lab", { ca: "", "consul-token": "", "vault-token": "", "ssh-private-key": "" });
    await expect(why()).rejects.toThrow(/the lab has no Nomad yet/);
    state("foundation", { "management-token": "reader", "nomad-ca": "" });
    await why();
    expect(said.join("\n")).toMatch(/gvfx-api version 2 was not taken[\s\S]*npm run gvfx -- lab logs gvfx-api/);
  } finally {
    process.exitCode = before;
    rmSync(folder, { recursive: true });
  }
});

describe("a system job that failed", () => {
  test("is dead where its newest allocation failed and its node is well, and the command that mends it is said", async () => {
    const dead = await deadAllocations(nomad(), "gvfx-gateway");
    expect(dead).toEqual([{ job: "gvfx-gateway", id: "dead-of-1", node: "server-1", reason: 'haproxy: Setup Failure: pre-run hook "identity" failed' }]);
    expect(deathText(dead[0], "gvfx")).toBe(`gvfx-gateway does not run on server-1: allocation dead-of- failed, and Nomad does not place a system job again by itself
  haproxy: Setup Failure: pre-run hook "identity" failed
  what mends it, with the operator's token: nomad job eval -namespace gvfx -force-reschedule gvfx-gateway`);
  });

  test("is no service, nor one that is not deployed, and a token that may not read is an error", async () => {
    expect(await deadAllocations(nomad(), "gvfx-quiet")).toEqual([]);
    await expect(deadAllocations({ ...nomad(), token: "other" }, "gvfx-gateway")).rejects.toThrow(/answered with status 403/);
  });

  test("makes gvfx why exit with 1, and without it all is well", async () => {
    const env = { ...environment, nomad: { ...environment.nomad, address, namespace: "gvfx" } };
    const before = process.exitCode;
    const why = async (job: string) => {
      const said: string[] = [];
      process.exitCode = 0;
      await whyCommand(() => env, { NOMAD_TOKEN: "reader" }, (text) => void said.push(text)).parseAsync([job], { from: "user" });
      return { code: process.exitCode, said: said.join("\n") };
    };
    expect(await why("gvfx-gateway")).toEqual({ code: 1, said: expect.stringContaining("nomad job eval -namespace gvfx -force-reschedule gvfx-gateway") });
    expect(await why("gvfx-quiet")).toEqual({ code: 0, said: "no job's newest deployment failed, and no system job is dead" });
    process.exitCode = before;
  });
});
