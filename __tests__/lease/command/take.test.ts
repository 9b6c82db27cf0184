import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import { leaseAccess } from "../../../scripts/lease/access";
import type { LeaseSources } from "../../../scripts/lease/sources";
import { takeWorker, type TakeOptions } from "../../../scripts/lease/take";
import { ConsulDouble, OWNER, TOKEN } from "./consul-double";

const production = loadEnvironment("production");

let consul: ConsulDouble;
let sources: LeaseSources;
beforeEach(async () => {
  consul = await new ConsulDouble().start();
  consul.put(OWNER, "nomad");
  ({ sources } = leaseAccess(production, { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, () => ""));
});
afterEach(() => consul.close());

const owner = (): string | undefined => consul.keys.get(OWNER)?.value;

/** Takes, with a clock that only waiting moves; `script` says what happens at which wait. */
function take(script: Readonly<Record<number, () => void>> = {}, options: Partial<TakeOptions> = {}) {
  let time = 0;
  let waits = 0;
  return takeWorker(sources, { timeout: Duration.seconds(3), now: () => time, wait: async (step) => { time += step.milliseconds; script[(waits += 1)]?.(); }, ...options });
}

test("the owner becomes nobody, and it returns once the lease was given back", async () => {
  consul.take("nomads", "nomad");
  expect(await take({ 4: () => consul.release() })).toEqual({ outcome: "taken", changed: true, from: "nomad", tookMs: 1_000 });
  expect(owner()).toBe("nobody");
});

test("again changes nothing", async () => {
  await take();
  const index = consul.keys.get(OWNER)!.modified;
  expect(await take()).toEqual({ outcome: "taken", changed: false, from: "nobody", tookMs: 0 });
  expect(consul.keys.get(OWNER)!.modified).toBe(index);
});

test("planted: a lease that is not given back is no worker that is gone", async () => {
  consul.take("nomads", "nomad");
  expect(await take()).toEqual({ outcome: "still-held", changed: true, from: "nomad", waitedMs: 3_000, lastError: undefined });
});

test("planted: somebody who changes the owner at the same moment does not keep it; one who sets it afterwards is named", async () => {
  let first = true;
  const raced = { ...sources, readKeys: () => sources.readKeys(), setOwner: (to: "nobody" | "legacy" | "nomad", index: number) => { if (first) consul.put(OWNER, "legacy"); first = false; return sources.setOwner(to, index); } };
  expect(await takeWorker(raced, { now: () => 0, wait: async () => undefined })).toMatchObject({ outcome: "taken", from: "nomad" });
  expect(owner()).toBe("nobody");
  consul.put(OWNER, "nomad");
  consul.take("nomads", "nomad");
  expect(await take({ 2: () => consul.put(OWNER, "legacy") })).toEqual({ outcome: "set-again", found: "legacy" });
});

test("no key; an interruption", async () => {
  expect(await take({}, { signal: AbortSignal.abort() })).toEqual({ outcome: "interrupted", changed: false });
  expect(owner()).toBe("nomad");
  consul.keys.delete(OWNER);
  expect(await take()).toEqual({ outcome: "no-key" });
});
