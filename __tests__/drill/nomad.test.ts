/** Nomad's API as an operator uses it in a drill, against a server that keeps what it was asked. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { NomadOperator, Refused } from "../../scripts/drill/nomad";

interface Asked {
  readonly line: string;
  readonly body: unknown;
}

describe("Nomad as an operator", () => {
  const asked: Asked[] = [];
  let answers: Record<string, { status?: number; body?: unknown }[]> = {};
  let server: http.Server;
  let operator: NomadOperator;

  beforeAll(async () => {
    server = http.createServer((request, response) => {
      let text = "";
      request.on("data", (part) => (text += part)).on("end", () => {
        const line = `${request.method} ${request.url}`;
        asked.push({ line, body: text ? JSON.parse(text) : undefined });
        const queue = answers[line] ?? [];
        const { status = 200, body } = (queue.length > 1 ? queue.shift() : queue[0]) ?? {};
        response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body ?? null));
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    // Nobody listens at the first address: the second is asked.
    operator = new NomadOperator(["http://127.0.0.1:9", `http://127.0.0.1:${(server.address() as AddressInfo).port}`], "gvfx", "secret");
  });
  beforeEach(() => {
    asked.length = 0;
    answers = {};
  });
  afterAll(() => new Promise((done) => server.close(done)));

  test("a job goes back as it came, and runs", async () => {
    answers["GET /v1/job/gvfx-worker?namespace=gvfx"] = [{ body: { ID: "gvfx-worker", Name: "gvfx-worker", Stop: true, Priority: 90, TaskGroups: [] } }];
    const job = (await operator.job("gvfx-worker"))!;
    await operator.register(job);
    expect(asked.at(-1)).toEqual({ line: "POST /v1/jobs?namespace=gvfx", body: { Job: { ID: "gvfx-worker", Name: "gvfx-worker", Stop: false, Priority: 90, TaskGroups: [] } } });
    answers["GET /v1/job/none?namespace=gvfx"] = [{ status: 404, body: "job not found" }];
    expect(await operator.job("none")).toBeUndefined();
    answers["DELETE /v1/job/none?purge=true&namespace=gvfx"] = [{ status: 404, body: "job not found" }];
    await operator.deregister("none", true);
  });

  test("a refusal carries Nomad's words", async () => {
    answers["POST /v1/job/gvfx-worker/scale?namespace=gvfx"] = [{ status: 400, body: "group count was greater than scaling policy maximum: 2 > 1" }];
    await expect(operator.scale("gvfx-worker", "worker", 2)).rejects.toThrow(new Refused("group count was greater than scaling policy maximum: 2 > 1"));
    expect(asked.at(-1)?.body).toMatchObject({ Count: 2, Target: { Group: "worker" } });
  });

  test.each(["No cluster leader", "rpc error: stream closed", "rpc error: EOF"])("while there is no leader (%s) it asks again", async (body) => {
    answers["POST /v1/allocation/a-1/stop?namespace=gvfx"] = [{ status: 500, body }, { body: { EvalID: "e" } }];
    await operator.stopAllocation("a-1");
    expect(asked).toHaveLength(2);
  });

  test("nodes are drained, opened and closed by name; an unknown one is told", async () => {
    answers["GET /v1/nodes?stale&namespace=gvfx"] = [{ body: [{ ID: "n-1", Name: "server-1" }] }];
    await operator.drain("server-1");
    expect(asked.at(-1)).toEqual({ line: "POST /v1/node/n-1/drain?namespace=gvfx", body: { DrainSpec: { Deadline: 120_000_000_000, IgnoreSystemJobs: true }, MarkEligible: false } });
    await operator.open("server-1");
    expect(asked.at(-1)?.body).toEqual({ DrainSpec: null, MarkEligible: true });
    await operator.close("server-1");
    expect(asked.at(-1)).toEqual({ line: "POST /v1/node/n-1/eligibility?namespace=gvfx", body: { Eligibility: "ineligible" } });
    await expect(operator.drain("server-9")).rejects.toThrow(/no client server-9/);
  });

  test("what a drill that was killed left drained or closed is opened, and no other node", async () => {
    const node = (name: string, change: object) => ({ ID: `id-${name}`, Name: name, Drain: false, SchedulingEligibility: "eligible", ...change });
    answers["GET /v1/nodes?stale&namespace=gvfx"] = [{ body: [node("server-1", { Drain: true }), node("server-2", { SchedulingEligibility: "ineligible" }), node("server-3", {}), node("foreign", { Drain: true })] }];
    expect(await operator.openClosed(["server-1", "server-2", "server-3"])).toEqual(["server-1", "server-2"]);
    expect(asked.filter(({ line }) => line.startsWith("POST")).map(({ line }) => line)).toEqual(["POST /v1/node/id-server-1/drain?namespace=gvfx", "POST /v1/node/id-server-2/drain?namespace=gvfx"]);
  });

  test("servers by their machine's name, and the leadership moves by raft id", async () => {
    answers["GET /v1/operator/raft/configuration?namespace=gvfx"] = [{ body: { Servers: [{ ID: "r-1", Node: "server-1.global", Leader: false }, { ID: "r-3", Node: "witness.global", Leader: true }] } }];
    expect(await operator.servers()).toEqual([{ id: "r-1", name: "server-1", leader: false }, { id: "r-3", name: "witness", leader: true }]);
    await operator.transferLeadership("r-1");
    expect(asked.at(-1)?.line).toBe("PUT /v1/operator/raft/transfer-leadership?id=r-1&namespace=gvfx");
  });

  test("the newest deployment's status; none for a job that never had one", async () => {
    answers["GET /v1/job/a/deployment?namespace=gvfx"] = [{ body: { Status: "running", JobVersion: 3 } }];
    expect(await operator.deployment("a")).toBe("running");
    expect(await operator.deployment("b")).toBeUndefined();
  });
});
