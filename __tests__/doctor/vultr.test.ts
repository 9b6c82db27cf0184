/** Checks of Vultr, against a double that lists one system a page. */
import { systemOutcome } from "../../scripts/doctor/checks/vultr";
import { allChecks } from "../../scripts/doctor/command";
import { doubledEnvironment } from "./doubles/environment";
import { runCheck } from "./doubles/run-check";
import { startDouble, type Double } from "./doubles/server";
import { SECRETS, vultr, vultrState, type VultrState } from "./doubles/services";

let state: VultrState;
let double: Double;
const env = doubledEnvironment();
const check = (id: string, vultrKey: string | undefined = SECRETS.vultr, changed = env) => runCheck(changed, `vultr.${id}`, { vultrKey }, { apis: { vultr: double.url, tailscale: "http://127.0.0.1:1" } });

beforeAll(async () => {
  double = await startDouble((request) => vultr(state)(request));
});
beforeEach(() => {
  state = vultrState();
  double.requests.length = 0;
});
afterAll(() => double.close());

test.each(["plan", "os", "key"])("%s passes", async (id) => {
  expect(await check(id)).toMatchObject({ verdict: "pass" });
});

test.each<[string, (s: VultrState) => void, string, RegExp]>([
  ["a plan that is sold out", (s) => { s.plans = ["vc2-1c-1gb"]; }, "plan", /vultr\.plan/],
  ["a system that is not there", (s) => { s.systems = ["Debian 13 x64 (trixie)"]; }, "os", /Debian 13 x64 \(trixie\)/],
  ["a system that is there twice", (s) => { s.systems = ["Debian 12 x64 (bookworm)", "Debian 12 x64 (bookworm)"]; }, "os", /lists once/],
  ["a key that is not allowed from here", (s) => { s.keyAccepted = false; }, "key", /Access Control/],
])("%s fails", async (_defect, plant, id, mend) => {
  plant(state);
  expect(await check(id)).toMatchObject({ verdict: "fail", mend: expect.stringMatching(mend) });
});

test("a region that does not exist fails, and the mend lists those that do", async () => {
  const elsewhere = { ...env, vultr: { ...env.vultr, region: "xyz" } } as typeof env;
  expect(await check("plan", undefined, elsewhere)).toMatchObject({ verdict: "fail", mend: expect.stringContaining("(ams, fra)") });
});

test("the key is sent only where one is needed", async () => {
  await check("plan");
  await check("os");
  expect(double.requests.length).toBeGreaterThan(3);
  expect(double.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
});

test("without a key, its check is inconclusive", async () => {
  expect(await runCheck(env, "vultr.key", {})).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("export VULTR_API_KEY=") });
});

test("that this machine has no way to the internet fails nothing", async () => {
  expect(await runCheck(env, "vultr.plan", {}, { apis: { vultr: "http://127.0.0.1:1", tailscale: "http://127.0.0.1:1" } })).toMatchObject({ verdict: "inconclusive", mend: expect.stringContaining("a way to the internet") });
});

test("an environment without Vultr has none of its checks", () => {
  expect(allChecks({ ...env, vultr: { enabled: false, reason: "a container" } }).filter((c) => c.target === "Vultr")).toEqual([]);
});

test("the name must be exact", () => {
  expect(systemOutcome("Debian 12 x64", ["Debian 12 x64 (bookworm)"])).toMatchObject({ verdict: "fail", mend: expect.stringContaining("Debian 12 x64 (bookworm)") });
});
