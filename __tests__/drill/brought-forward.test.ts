/** Which runs of a drill still say something, once it goes on under other values. */
import { broughtForward, mayLoseLeader, withoutRunsOf } from "../../scripts/drill/brought-forward";
import { CASES, casesNamed } from "../../scripts/drill/cases";
import { drillRecord } from "../../scripts/drill/report/json";
import { drillSummary } from "../../scripts/drill/report/markdown";
import { drillPage } from "../../scripts/drill/report/page";
import type { DrillReport } from "../../scripts/drill/result";
import { exampleReport } from "./report-example";

const example = exampleReport();
const run = (caseId: string, repetition: number) => ({ ...example.runs[0], caseId, repetition });
const begun: DrillReport = {
  ...example,
  commit: "aaaa",
  settings: { ...example.settings, cases: ["node-killed", "node-killed-leader", "redeploy"], repetitions: 2, values: { "lease.ttl": "10s", "nomad.failoverHeartbeatTtl": "33s" } },
  runs: [run("node-killed", 1), run("node-killed-leader", 1), run("redeploy", 1), run("node-killed", 2)],
  notRun: [],
};
const under = (values: Record<string, string>, commit = "bbbb") => ({ commit, values: { ...begun.settings.values, ...values } });
const order = ({ runs }: DrillReport) => runs.map(({ caseId, repetition }) => `${caseId} ${repetition}`);

test("with the same commit and values it is the same drill", () => {
  expect(broughtForward(begun, under({}, "aaaa"))).toBe(begun);
});

test("another commit alone takes no run away, and is told", () => {
  const report = broughtForward(begun, under({}));
  expect(order(report)).toEqual(order(begun));
  expect([report.commit, report.earlier]).toEqual(["bbbb", [{ commit: "aaaa", values: {}, runs: [{ caseId: "node-killed", repetitions: [1, 2] }, { caseId: "node-killed-leader", repetitions: [1] }, { caseId: "redeploy", repetitions: [1] }] }]]);
});

test("runs that a changed value decides are taken out, to be made again; the others say under what they were made", () => {
  const report = broughtForward(begun, under({ "nomad.failoverHeartbeatTtl": "31s" }));
  expect(order(report)).toEqual(["node-killed 1", "redeploy 1", "node-killed 2"]);
  expect(report.settings.values["nomad.failoverHeartbeatTtl"]).toBe("31s");
  expect(report.earlier).toEqual([{ commit: "aaaa", values: { "nomad.failoverHeartbeatTtl": "33s" }, runs: [{ caseId: "node-killed", repetitions: [1, 2] }, { caseId: "redeploy", repetitions: [1] }] }]);
  const told = "3 runs are older, of commit `aaaa`, when `nomad.failoverHeartbeatTtl` was 33s, which decides none of their cases; those that it decides were run again: `node-killed` (1, 2), `redeploy` (1).";
  expect(drillSummary(drillRecord(report))).toContain(`\n\n${told}`);
  expect(drillPage(report)).toContain(told.replaceAll("`", ""));
});

test("twice: each run stays where it was made, and one that is made again leaves its place", () => {
  const once = broughtForward(begun, under({}));
  const twice = broughtForward({ ...once, runs: [...once.runs, run("redeploy", 2)] }, under({ "nomad.failoverHeartbeatTtl": "31s" }, "cccc"));
  expect(twice.earlier).toEqual([
    { commit: "aaaa", values: { "nomad.failoverHeartbeatTtl": "33s" }, runs: [{ caseId: "node-killed", repetitions: [1, 2] }, { caseId: "redeploy", repetitions: [1] }] },
    { commit: "bbbb", values: { "nomad.failoverHeartbeatTtl": "33s" }, runs: [{ caseId: "redeploy", repetitions: [2] }] },
  ]);
});

test("a value that decides every case leaves nothing to go on with: each is named, with then and now", () => {
  expect(() => broughtForward(begun, under({ "lease.ttl": "12s", "nomad.heartbeatGrace": "6s", "nomad.failoverHeartbeatTtl": "31s" }))).toThrow(/lease\.ttl 10s, now 12s; nomad\.heartbeatGrace unset, now 6s\. Nothing was done; begin a new one with: npm run gvfx -- drill singleton$/);
});

test("the cases that lose Nomad's leader, or may", () => {
  expect(CASES.filter(mayLoseLeader).map(({ id }) => id)).toEqual(["node-killed-leader", "leader-silent", "cut-short", "partition-30-leader", "partition-90-leader", "partition-300-leader", "agent-killed"]);
  expect(casesNamed(["node-killed", "partition-300", "nomad-cut", "container-paused", "consul-down"]).some(mayLoseLeader)).toBe(false);
});

test("runs of a case are made again on request, whatever they found", () => {
  expect(withoutRunsOf(begun, [])).toBe(begun);
  const once = broughtForward(begun, under({}));
  const without = withoutRunsOf(once, casesNamed(["node-killed"]));
  expect(order(without)).toEqual(["node-killed-leader 1", "redeploy 1"]);
  expect(without.earlier).toEqual([{ commit: "aaaa", values: {}, runs: [{ caseId: "node-killed-leader", repetitions: [1] }, { caseId: "redeploy", repetitions: [1] }] }]);
});
