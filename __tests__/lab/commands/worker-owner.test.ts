import { loadEnvironment } from "../../../environments/load";
import { Duration } from "../../../contracts/units";
import { leaseAccess, leaseCommands } from "../../../scripts/lease/access";
import type { Side } from "../../../scripts/lease/sources";
import { giveWorkerOnce } from "../../../scripts/lab/worker-owner";
import { ConsulDouble, OWNER, TOKEN } from "../../lease/command/consul-double";

const commands = leaseCommands(loadEnvironment("lab"));

let consul: ConsulDouble;
beforeEach(async () => {
  consul = await new ConsulDouble().start();
  consul.put(OWNER, "legacy");
  consul.standby();
});
afterEach(() => consul.close());

/** Each wait, Nomad's worker looks at the owner as it does in earnest. */
function up(choice?: Side, looks = true): Promise<string> {
  const { sources } = leaseAccess(loadEnvironment("production"), { CONSUL_HTTP_TOKEN: TOKEN, CONSUL_HTTP_ADDR: consul.url }, () => "");
  let time = 0;
  return giveWorkerOnce(sources, {
    choice,
    commands,
    timeout: Duration.seconds(2),
    now: () => time,
    wait: async (step) => {
      time += step.milliseconds;
      if (!looks || owner() !== "nomad") return;
      consul.take("nomads");
      consul.says("active", "nomads");
    },
  });
}

const owner = (): string => consul.keys.get(OWNER)!.value;
const writes = (): number => consul.requests.filter(({ path }) => path.startsWith("/v1/kv/")).length;

test("a new lab's worker is given to Nomad, and a second up changes nothing", async () => {
  expect(await up()).toMatch(/^legacy -> nomad; Nomad's worker runs after 0\.3 s$/);
  expect(await up()).toBe("nomad has it already");
  expect([owner(), writes()]).toEqual(["nomad", 1]);
});

test("with --owner legacy it is left, and the next up without gives it", async () => {
  expect(await up("legacy")).toBe("left with legacy: --owner legacy; Nomad's worker stands by. To give it: GVFX_ENV=lab npm run gvfx -- lease give nomad --legacy-worker-stopped");
  expect([owner(), writes()]).toEqual(["legacy", 0]);
  await up();
  expect(owner()).toBe("nomad");
});

test.each(["legacy", "nobody"])("an owner that somebody set to %s later is not overruled", async (later) => {
  await up();
  consul.put(OWNER, later);
  expect(await up()).toMatch(`left with ${later}: somebody changed the owner since the lab was made; Nomad's worker stands by`);
  expect([owner(), writes()]).toEqual([later, 1]);
});

test("unless up is told to", async () => {
  await up();
  consul.put(OWNER, "legacy");
  consul.release();
  expect(await up("nomad")).toMatch(/^legacy -> nomad/);
});

test("--owner legacy takes nothing away from Nomad", async () => {
  await up();
  expect(await up("legacy")).toMatch(/^left with nomad: --owner legacy; Nomad's worker runs\. To hand it over: .*give legacy$/);
  expect(owner()).toBe("nomad");
});

test("an up that ended between the change and the lease is taken up", async () => {
  consul.put(OWNER, "nomad");
  expect(await up()).toMatch(/^nomad has it already; Nomad's worker runs after/);
  expect(writes()).toBe(0);
});

test("a worker that does not run in time fails the step, with what is known", async () => {
  await expect(up(undefined, false)).rejects.toThrow(/Nomad's worker has not taken the lease within 2\.0 s[^]*is in standby/);
});

test("without the key the step fails: the stack that makes it was deployed just before", async () => {
  consul.keys.delete(OWNER);
  await expect(up()).rejects.toThrow(/does not exist although the cutover stack is deployed/);
});
