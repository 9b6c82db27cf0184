import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import type { Environment } from "../../../environments/schema";
import { apiAddresses, backfillAccess, runTimeout } from "../../../scripts/data/backfill/access";

const production = loadEnvironment("production");
const lab = loadEnvironment("lab");

test("Nomad's api is behind the gateway of either node, legacy's on its host; the lab's are on loopback", () => {
  expect(apiAddresses(production, "nomad")).toEqual(["http://100.64.0.11:8787", "http://100.64.0.12:8787"]);
  expect(apiAddresses(production, "legacy")).toEqual(["http://100.64.0.31:8787"]);
  expect(apiAddresses(lab, "nomad")).toEqual(["http://127.0.0.1:18787", "http://127.0.0.1:28787"]);
  expect(apiAddresses(lab, "legacy")).toEqual(["http://127.0.0.1:18788"]);
  const hidden: Environment = { ...lab, lab: { ...lab.lab!, published: lab.lab!.published.filter(({ port }) => port !== 8787) } };
  expect(() => apiAddresses(hidden, "legacy")).toThrow(/publishes port 8787 of none of legacy.*lab\.published/);
});

test("without a token Nomad's api is not asked, and where the token is, is said", async () => {
  const { api } = await backfillAccess(production, "nomad", {});
  await expect(api()).rejects.toThrow(/^API_TOKEN is not set.*vault kv get -mount=gvfx -field=API_TOKEN app\/api-token/);
});

test("an api that does not answer is told with every address that was tried", async () => {
  const server = createServer((_, response) => response.writeHead(503).end());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const env: Environment = { ...production, legacy: { ...production.legacy, host: { ...production.legacy.host, tailnetAddress: "127.0.0.1" }, ports: { ...production.legacy.ports, api: port as never } } };
  const { api } = await backfillAccess(env, "legacy", {});
  await expect(api()).rejects.toThrow(`no api of the app answers, so nothing was ingested: http://127.0.0.1:${port} answered 503`);
  await new Promise((done) => server.close(done));
});

test("how long a run may be is what the app is told, or its own default", () => {
  expect(runTimeout(production)).toEqual(Duration.minutes(30));
  expect(runTimeout({ ...production, tuning: { ...production.tuning, api: { INGESTION_RUN_TIMEOUT_MIN: "45" } } })).toEqual(Duration.minutes(45));
});
