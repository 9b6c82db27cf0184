/** The table of cases against what must be shown. */
import { CASES, casesNamed } from "../../scripts/drill/cases";

const of = (id: string) => CASES.find((it) => it.id === id)!;

test("ids are unique, and tell a leader's loss to whoever reads the results", () => {
  expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
  expect(CASES.filter(({ given, expect: { bound } }) => bound === "node-lost" && given?.leader === "worker-node").every(({ id }) => id.includes("leader"))).toBe(true);
});

test("two workers are allowed in no case but that of a whole node that stood still", () => {
  expect(CASES.filter(({ expect: { overlap } }) => overlap).map(({ id, expect: { overlap } }) => [id, overlap!.milliseconds])).toEqual([["node-paused", 250]]);
});

test("a lost node is replaced within 45 s, a planned hand-over takes 5 s at most", () => {
  const gap = (id: string) => of(id).expect.gap?.seconds;
  for (const id of ["node-killed", "node-killed-leader", "node-paused", "partition-30", "partition-30-leader", "partition-90", "partition-90-leader", "partition-300", "partition-300-leader"]) expect([id, gap(id)]).toEqual([id, 45]);
  for (const id of ["drain", "redeploy", "job-restart", "alloc-stop", "stop-then-run", "replaced", "two-deploys"]) expect([id, gap(id)]).toEqual([id, 5]);
});

test("what should disturb nobody is expected not to, and what Nomad should refuse is", () => {
  const ids = (which: "undisturbed" | "refused") => CASES.filter((it) => it.expect[which]).map(({ id }) => id);
  expect(ids("undisturbed")).toEqual(["cut-short", "agent-killed", "consul-agent-dead", "scale-2", "count-2", "consul-leader", "clock"]);
  expect(ids("refused")).toEqual(["scale-2", "count-2"]);
});

test("the cut that must disturb nobody is shorter than Nomad's grace and than the lease's patience", () => {
  const [step] = of("cut-short").steps;
  expect("fault" in step && "for" in step && typeof step.for !== "string" && step.for.seconds).toBe(4);
});

test("the faults that an undisturbed worker does not feel are shown to have happened: by the exchange, or by what the case itself asks (acts.test)", () => {
  expect(CASES.filter(({ expect: { silentFor } }) => silentFor).map(({ id, expect: { silentFor } }) => [id, silentFor!.seconds])).toEqual([["cut-short", 3]]);
});

test("what is fixed of a case's time is a minute at most, where it is not asked to be longer", () => {
  const fixed = (steps: (typeof CASES)[number]["steps"]) => steps.reduce((sum, step) => sum + ("wait" in step ? step.wait.seconds : "for" in step && step.for !== undefined && typeof step.for !== "string" ? step.for.seconds : 0), 0);
  expect(CASES.filter(({ long, steps }) => !long && fixed(steps) > 45).map(({ id, steps }) => [id, fixed(steps)])).toEqual([["node-paused", 60], ["consul-down", 60]]);
});

test("a part of it is the end-to-end tests' own", () => expect(CASES.filter(({ smoke }) => smoke).map(({ id }) => id)).toEqual(["node-killed", "cut-short", "partition-30", "wrapper-killed", "redeploy"]));

test("cases are named in the table's order; an unknown one names all there are", () => {
  expect(casesNamed(["drain", "node-killed"]).map(({ id }) => id)).toEqual(["node-killed", "drain"]);
  expect(() => casesNamed(["none", "drain"])).toThrow(/no case named none.*node-killed, .*clock/);
});
