/** Stopping and starting the data plane's jobs, against a double of Nomad's API. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { postgresJob } from "../../../constructs/jobs/postgres";
import { renderJob } from "../../../constructs/nomad/render";
import { UNPINNED_IMAGES } from "../../../contracts/images";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import { NomadDataJobs, pinnedNode } from "../../../scripts/data/restore/jobs";

const TOKEN = "the-token";
const pinned = (RTarget: string) => ({ ID: "gvfx-postgres", Name: "gvfx-postgres", Stop: false, TaskGroups: [{ Name: "postgres", Count: 1, Update: {}, Constraints: [{ LTarget: "${node.class}", RTarget: "witness", Operand: "!=" }, { LTarget: "${node.unique.name}", RTarget, Operand: "=" }], Tasks: [] }] });

/** What each call to a job's allocations answers, in turn; the last one for ever. */
let allocations: object[][];
let job: ReturnType<typeof pinned> | undefined;
let registered: unknown[];
let listed: object[];
let deregistered: string[];
let server: http.Server;
let jobs: NomadDataJobs;

beforeEach(async () => {
  [allocations, job, registered, listed, deregistered] = [[[]], pinned("server-1"), [], [], []];
  server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://nomad");
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk));
    request.on("end", () => {
      const answer = (value: unknown, status = 200): void => void response.writeHead(status).end(JSON.stringify(value));
      if (request.headers["x-nomad-token"] !== TOKEN) return answer("Permission denied", 403);
      if (pathname.endsWith("/allocations")) return answer(allocations.length > 1 ? allocations.shift() : allocations[0]);
      if (pathname === "/v1/jobs" && request.method === "GET") return answer(listed);
      if (pathname === "/v1/jobs") {
        registered.push(JSON.parse(body));
        return answer({});
      }
      if (request.method === "DELETE") {
        deregistered.push(decodeURIComponent(pathname));
        job = { ...job!, Stop: true };
        return answer({});
      }
      return pathname === "/v1/job/gvfx-postgres" && job ? answer(job) : answer("job not found", 404);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  jobs = new NomadDataJobs({ addresses: ["http://127.0.0.1:1", `http://127.0.0.1:${(server.address() as AddressInfo).port}`], namespace: "gvfx", token: TOKEN });
});
afterEach(() => new Promise((done) => server.close(done)));

const allocation = (ID: string, ClientStatus: string, changes: object = {}) => ({ ID: ID.padEnd(36, "0"), ClientStatus, DesiredStatus: ClientStatus === "complete" ? "stop" : "run", TaskStates: { postgres: { State: ClientStatus === "running" ? "running" : "dead", Failed: false } }, ...changes });

test("the node that a job is pinned to is read from what Nomad has, and from what this platform renders", () => {
  expect(pinnedNode(pinned("server-2"))).toBe("server-2");
  const rendered = renderJob(postgresJob(loadEnvironment("production"), UNPINNED_IMAGES)) as unknown as { Job: Parameters<typeof pinnedNode>[0] } & Parameters<typeof pinnedNode>[0];
  expect(pinnedNode(rendered.Job ?? rendered)).toBe("server-1");
});

test("which jobs there are", async () => {
  expect(await jobs.facts()).toEqual([{ id: "gvfx-postgres", state: "running", node: "server-1" }, { id: "gvfx-objectstore", state: "absent", node: undefined }, { id: "gvfx-convex", state: "absent", node: undefined }, { id: "gvfx-api", state: "absent", node: undefined }, { id: "gvfx-worker", state: "absent", node: undefined }]);
});

test("a stop is over when no allocation is left, and a job that goes on running is said", async () => {
  allocations = [[allocation("a1", "running", { DesiredStatus: "stop" })], [allocation("a1", "complete")]];
  await jobs.stop("gvfx-postgres", Duration.seconds(30));
  expect(job?.Stop).toBe(true);
  allocations = [[allocation("a1", "running", { DesiredStatus: "stop" })]];
  await expect(jobs.stop("gvfx-postgres", Duration.ms(10))).rejects.toThrow(/still runs 10ms later \(allocation a1000000: running\)/);
});

test("runs of the backup that are under way are stopped, and those that have ended are left", async () => {
  listed = [{ ID: "gvfx-backup/periodic-1", Status: "dead" }, { ID: "gvfx-backup/periodic-2", Status: "running" }];
  allocations = [[allocation("b1", "running", { DesiredStatus: "stop" })], [allocation("b1", "complete")]];
  expect(await jobs.stopBackups(Duration.seconds(30))).toEqual(["gvfx-backup/periodic-2"]);
  expect(deregistered).toEqual(["/v1/job/gvfx-backup/periodic-2"]);
  allocations = [[allocation("b1", "running", { DesiredStatus: "stop" })]];
  await expect(jobs.stopBackups(Duration.ms(10))).rejects.toThrow(/periodic-2 was told to stop.*nomad job status -namespace gvfx gvfx-backup/);
});

test("an allocation of a node that is gone does not keep a stop waiting", async () => {
  allocations = [[allocation("a1", "unknown", { DesiredStatus: "stop" })]];
  await jobs.stop("gvfx-worker", Duration.ms(10));
});

test("a start registers the job as it was, and waits for a new allocation that its deployment found healthy", async () => {
  job = { ...pinned("server-1"), Stop: true };
  const old = allocation("old", "running", { DeploymentStatus: { Healthy: true } });
  allocations = [[old], [old, allocation("new", "running", { DeploymentStatus: null })], [old, allocation("new", "running", { DeploymentStatus: { Healthy: true } })]];
  await jobs.start("gvfx-postgres", Duration.seconds(30));
  expect(registered).toEqual([{ Job: { ...pinned("server-1"), Stop: false } }]);
  allocations = [[old], [old]];
  await expect(jobs.start("gvfx-postgres", Duration.ms(10))).rejects.toThrow(/not healthy 10ms later/);
  job = undefined;
  await expect(jobs.start("gvfx-postgres", Duration.ms(10))).rejects.toThrow(/cdktf deploy data-plane/);
});
