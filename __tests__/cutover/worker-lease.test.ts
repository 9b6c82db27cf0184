/** The lease as a cutover uses it, over the double of Consul that the lease's commands have. */
import { loadEnvironment } from "../../environments/load";
import { workerLease } from "../../scripts/cutover/world/worker-lease";
import { leaseAccess, leaseCommands } from "../../scripts/lease/access";
import type { WorkerLease } from "../../scripts/cutover/world";
import { ConsulDouble, OWNER, TOKEN } from "../lease/command/consul-double";

const production = loadEnvironment("production");
const signal = new AbortController().signal;

let consul: ConsulDouble;
let lease: WorkerLease;
beforeEach(async () => {
  consul = await new ConsulDouble().start();
  consul.put(OWNER, "nomad");
  lease = workerLease(leaseAccess(production, { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, () => "").sources, leaseCommands(production));
});
afterEach(() => consul.close());

test("nobody, then Nomad's, which it took under that owner, then one of whom nothing says whose it is", async () => {
  expect(await lease.holder()).toBeUndefined();
  consul.take("somebody", "a hand-made session");
  expect(await lease.holder()).toBe("nomad");
  consul.put(OWNER, "nobody");
  expect(await lease.holder()).toBe("other");
});

test("taken away from Nomad's worker: returns once the lease was given back", async () => {
  consul.take("nomads", "nomad");
  const taken = lease.giveToNobody(signal);
  setTimeout(() => consul.release(), 300);
  await taken;
  expect([consul.keys.get(OWNER)?.value, await lease.holder()]).toEqual(["nobody", undefined]);
});

test("planted: an owner key that is not there is told with what makes it", async () => {
  consul.keys.delete(OWNER);
  await expect(lease.giveToNobody(signal)).rejects.toThrow("deploy it: npx cdktf deploy cutover");
});

test("interrupted while it waits, it says so: the owner is nobody already", async () => {
  consul.take("nomads", "nomad");
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 300);
  await expect(lease.giveToNobody(stop.signal)).rejects.toThrow("interrupted while the lease was waited for");
  expect(consul.keys.get(OWNER)?.value).toBe("nobody");
});

test("the owner alone is set for a side that takes no lease; planted: whoever sets another at the same moment is named", async () => {
  await lease.assign("legacy");
  await lease.assign("legacy");
  expect(consul.keys.get(OWNER)?.value).toBe("legacy");
  const { sources } = leaseAccess(production, { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, () => "");
  const raced = workerLease({ ...sources, readKeys: () => sources.readKeys(), setOwner: () => { consul.put(OWNER, "nobody"); return Promise.resolve(false); } }, leaseCommands(production));
  await expect(raced.assign("nomad")).rejects.toThrow("somebody else gave the worker to nobody at the same moment; see who: npm run gvfx -- lease status");
});
