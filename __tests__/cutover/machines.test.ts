import { loadEnvironment } from "../../environments/load";
import { exchangeHosts } from "../../scripts/cutover/world/exchange";
import { seeWorkers } from "../../scripts/cutover/world/machines";

const well = (name: string, lines: readonly string[]) => ({ name, run: () => Promise.resolve(lines) });

test("every machine is looked at, and one that cannot be is named beside what the others show", async () => {
  const scripts: string[] = [];
  const seen = await seeWorkers({
    machines: [
      { name: "server-1", run: (script) => { scripts.push(script); return Promise.resolve(["parent 1 0", "parent 12 1", "worker 12 1 8a3f0000-1111 2"]); } },
      { name: "server-2", run: () => Promise.reject(new Error("nobody there")) },
      well("legacy", ["parent 1 0"]),
    ],
    exchange: ["open-api.bingx.com"],
  });
  expect(seen).toEqual({ seen: [{ side: "nomad", where: "server-1, allocation 8a3f0000", exchangeSockets: 2 }], hidden: ["server-2 (nobody there)"] });
  expect(scripts[0]).toContain("'open-api.bingx.com'");
});

test("planted: a machine that shows no process shows nothing, which is not the same as no worker", async () => {
  expect((await seeWorkers({ machines: [well("legacy", [])], exchange: [] })).hidden).toEqual([expect.stringMatching(/^legacy \(legacy showed none of its processes/)]);
});

test("the exchange's hosts: the app's own, or those that the worker is given", () => {
  expect(exchangeHosts({})).toEqual(["open-api.bingx.com", "open-api-swap.bingx.com"]);
  expect(exchangeHosts(loadEnvironment("lab").tuning.worker)).toEqual(["100.127.0.51"]);
});
