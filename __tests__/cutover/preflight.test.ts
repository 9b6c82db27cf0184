import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { preflightChecks } from "../../scripts/cutover/world/preflight";
import type { LegacyWorkerSeen } from "../../scripts/cutover/world";

const READY = ["server-1", "server-2"].map((Name) => ({ Name, Status: "ready", SchedulingEligibility: "eligible" }));
let answers: Record<string, unknown>;
let server: Server;
let url: string;
let legacy: () => Promise<LegacyWorkerSeen>;
beforeEach(async () => {
  answers = { "/v1/status/leader": "100.64.0.21:4647", "/v1/status/peers": ["a", "b", "c"], "/v1/nodes": READY };
  legacy = () => Promise.resolve({ running: "process 12 (bun run src/jobs/worker.ts)", ours: true, underLease: false, strangers: [] });
  server = createServer((request, response) => response.end(JSON.stringify(answers[request.url!]))).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const checks = async () => Object.fromEntries((await preflightChecks({ nomad: { address: url, token: "t", caPem: "" }, servers: 3, appNodes: ["server-1", "server-2"], legacy: { worker: () => legacy() }, seeLegacy: "ssh legacy", signal: new AbortController().signal })).map(({ id, outcome }) => [id, `${outcome.verdict}: ${outcome.detail}`]));

test("a quorum, both nodes and a legacy host that answers", async () => {
  expect(await checks()).toEqual({ "nomad-quorum": "pass: 3 servers, 100.64.0.21:4647 leads", "nomad-nodes": "pass: server-1, server-2", legacy: "pass: process 12 (bun run src/jobs/worker.ts)" });
});

test("planted: no leader, a voter that is missing, a node that was drained or is not known, a host that is not reached", async () => {
  answers["/v1/status/leader"] = "";
  answers["/v1/nodes"] = [{ ...READY[0], SchedulingEligibility: "ineligible" }];
  legacy = () => Promise.reject(new Error("nobody there"));
  expect(await checks()).toEqual({ "nomad-quorum": "fail: there is no leader", "nomad-nodes": "fail: server-1 is ready, ineligible; server-2 is not known", legacy: "inconclusive: nobody there" });
  answers["/v1/status/leader"] = "a";
  answers["/v1/status/peers"] = ["a", "b"];
  expect((await checks())["nomad-quorum"]).toBe("fail: 2 of 3 servers are voters: one more loss, and nothing is placed any more");
});
