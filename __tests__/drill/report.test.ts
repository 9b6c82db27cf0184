import { readFileSync } from "node:fs";
import { drillMarginsSchema } from "../../scripts/docs/worker";
import { html } from "../../scripts/preview/page/html";
import { drillDocsPage, recordedDrill } from "../../scripts/drill/report/docs-page";
import { verdictTitle } from "../../scripts/drill/report/glance";
import { drillRecord, recordJson, reportJson } from "../../scripts/drill/report/json";
import { lanesOf, nodesOf } from "../../scripts/drill/report/lanes";
import { drillSummary } from "../../scripts/drill/report/markdown";
import { drillPage } from "../../scripts/drill/report/page";
import { timelineHtml } from "../../scripts/drill/report/timeline";
import { timeText } from "../../scripts/drill/report/words";
import type { CaseRun, DrillReport } from "../../scripts/drill/result";
import { exampleReport } from "./report-example";

const report = exampleReport();
const page = drillPage(report);
const escaped = (text: string): string => html`${text}`.toString();
const runOf = (caseId: string): CaseRun => report.runs.find((run) => run.caseId === caseId)!;
const drawn = (run: CaseRun): string => timelineHtml(run, "one").toString();
const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

describe("the page", () => {
  test("is well-formed: every element that is opened is closed in order", () => {
    const open: string[] = [];
    for (const [, closing, name, selfClosing] of page.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(\/?)>/g)) {
      if (["meta", "br"].includes(name) || selfClosing) continue;
      if (closing) expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });

  test("loads nothing, runs nothing, and its links lead to places of its own", () => {
    expect(page).not.toMatch(/<(script|img|link|iframe|object|embed|image|use)\b|@import|\bon\w+=/i);
    expect([...page.matchAll(/url\(([^)]*)\)/g)].every(([, target]) => target === "#stripes")).toBe(true);
    expect(page).toContain("default-src 'none'");
    for (const [, target] of page.matchAll(/href="([^"]*)"/g)) {
      expect(target[0]).toBe("#");
      expect(page).toContain(`id="${target.slice(1)}"`);
    }
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("shows every case, repetition, expectation and event, what was not run and why, the settings, the machine, and what is a double", () => {
    const words = [
      ...report.runs.flatMap(({ title, group, expectations, events }) => [title, group, ...expectations.flatMap(({ what, found }) => [what, found]), ...events.map(({ what }) => what)]),
      ...report.notRun.flatMap(({ title, why }) => [title, why]),
      ...Object.entries(report.settings.values).flat(),
      report.commit,
      report.machine.kernel,
      report.machine.engine,
      "the lab's double",
      "broke off",
    ];
    for (const word of words) expect(page).toContain(escaped(word));
    expect(count(page, /<svg class="plot"/g)).toBe(report.runs.length);
  });

  test("runs that broke off and were begun again are counted and told, wherever the drill is summed up", () => {
    const { caseId, title, startedAt } = report.runs[0];
    const held = { ...report, runs: report.runs.filter(({ error, expectations }) => error === null && expectations.every((it) => it.held)), notRun: [] };
    const settings = { ...report.settings, cases: [caseId], repetitions: 1 };
    const begunAgain = { ...held, settings, brokeOff: [{ caseId, title, repetition: 2, startedAt, error: "the <engine> was gone" }] };
    expect(verdictTitle({ ...held, settings })).not.toContain("broke off");
    expect(verdictTitle(begunAgain)).toMatch(/^Held: .* \(1 run broke off before\)$/);
    const told = drillPage(begunAgain);
    for (const word of ["Begun again", escaped(`${title}, repetition 2`), escaped("the <engine> was gone")]) expect(told).toContain(word);
    expect(drillSummary(drillRecord(begunAgain))).toContain("; 1 run broke off before, and was begun again.");
    expect(JSON.parse(recordJson(begunAgain)).brokeOff).toHaveLength(1);
  });

  test("what a report says is text, never markup", () => {
    const planted = "\"><script>1</script>'&";
    const [run] = report.runs;
    const hostile: CaseRun = {
      ...run,
      title: planted,
      group: planted,
      startedAt: planted,
      events: run.events.map((event) => ({ ...event, what: planted })),
      stretches: run.stretches.map((stretch) => ({ ...stretch, instance: planted, node: planted })),
      phases: run.phases.map((phase) => ({ ...phase, node: planted, phase: planted, reason: planted, allocation: planted })),
      expectations: [{ what: planted, held: false, found: planted }],
    };
    const all = drillPage({ ...report, commit: planted, runs: [hostile, { ...hostile, repetition: 2, error: planted }], notRun: [{ caseId: planted, title: planted, why: planted }], settings: { ...report.settings, environment: planted, values: { [planted]: planted } } });
    expect(all).not.toContain("<script");
  });

  test("is the same for the same report", () => expect(drillPage(exampleReport())).toBe(page));

  test("is a page for a report without a run, too", () => {
    const empty = drillPage(exampleReport({ runs: [] }));
    expect(empty).toContain("Nothing was run");
    expect(empty).not.toMatch(/NaN|Infinity|undefined/);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("the verdict in words", () => {
  const held = report.runs.filter(({ error }) => error === null);
  const failing = { ...held[0], expectations: [{ what: "never two", held: false, found: "40 ms" }] };
  test.each<[string, Partial<DrillReport>, RegExp]>([
    ["held", { runs: held, notRun: [], settings: { ...report.settings, repetitions: 2 } }, /^Held: all expectations, in 26 runs$/],
    ["ended before", { runs: held.slice(3), notRun: [] }, /^Held in what was run; 4 runs still to do$/],
    ["failed", { runs: [failing, ...held.slice(1)], notRun: [] }, /^Failed: 1 run of 26$/],
    ["broken off and left out", {}, /^Held in what was run; 1 run broke off, 1 case not run$/],
    ["nothing", { runs: [] }, /^Nothing was run$/],
  ])("%s", (_name, more, words) => expect(verdictTitle(exampleReport(more))).toMatch(words));
});

test("time with two at once is marked as bad for the plain policy, and for the lease where it is not expected", () => {
  const lease = (shown: string): string => /<div class="card lease">.*?<\/div>/s.exec(shown)![0];
  expect(lease(page)).toContain("within what is expected there: A whole node is paused");
  expect(lease(page)).not.toContain('class="figure twice"');
  expect(/<div class="card plain">.*?<\/div>/s.exec(page)![0]).toContain('class="figure twice"');
  const runs = report.runs.map((run) => (run.caseId === "node-paused" ? { ...run, expectations: run.expectations.map((it) => ({ ...it, held: false })) } : run));
  const failed = drillPage({ ...report, runs });
  expect(lease(failed)).toContain('class="figure twice"');
  expect(lease(failed)).not.toContain("within what is expected");
});

describe("a timeline", () => {
  test("paints what two ran at once, and nothing where they did not", () => {
    expect(count(drawn(runOf("partition-90s")), /class="overlap"/g)).toBe(1);
    expect(count(drawn(runOf("node-killed")), /class="overlap"/g)).toBe(0);
    const touching = runOf("node-killed");
    const last = touching.stretches.find(({ instance }) => instance.includes("-b-"))!;
    const early = { ...touching, stretches: [...touching.stretches, { ...last, instance: "third", from: last.from + 5_000, to: last.from + 6_000 }] };
    expect(drawn(early)).toMatch(/class="overlap"[^>]*><title>server-1-b-1 and third: 1.0\u00a0s at once/);
  });

  test("measures each gap, and says how long it is", () => {
    expect(drawn(runOf("node-killed"))).toMatch(/class="dimension gap"><title>none 31.2\u00a0s: -0.0 s to 31.2 s/);
    expect(drawn(runOf("consul-cut-short"))).not.toContain("dimension gap");
  });

  test("shades from the fault to the heal, and nothing when it was over at once or an act", () => {
    expect(drawn(runOf("partition-30s"))).toMatch(/<rect class="fault" x="13.793%" width="51.724%"/);
    expect(drawn(runOf("drain"))).not.toContain('<rect class="fault"');
    const momentary = { ...runOf("partition-30s"), events: runOf("partition-30s").events.filter(({ kind }) => kind !== "heal") };
    expect(drawn(momentary)).not.toContain('<rect class="fault"');
  });

  test("has the same lanes for both policies; two at once on one node have a lane each", () => {
    const run = runOf("count-2");
    expect(nodesOf(run)).toEqual(["server-1"]);
    expect(lanesOf("lease", run, ["server-1", "server-2"]).map(({ node }) => node)).toEqual(["server-1", "server-2"]);
    const plain = lanesOf("plain", run, ["server-1"]);
    expect(plain.map(({ stretches }) => stretches.map(({ ordinal }) => ordinal))).toEqual([[1], [2]]);
  });

  test("workers that follow each other on a node share its lane", () => {
    expect(lanesOf("plain", runOf("engine-killed"), ["server-1", "server-2"]).map(({ stretches }) => stretches.map(({ ordinal }) => ordinal))).toEqual([[1, 2], [3]]);
  });

  test("a lease that was held before the run is drawn, too, though its log says nothing of it within the run", () => {
    const run = runOf("partition-30s");
    expect(run.phases[0].phase).toBe("draining");
    expect(lanesOf("lease", run, ["server-2"])[0].phases[0]).toMatchObject({ phase: "active", from: run.from, to: run.phases[0].at });
    expect(lanesOf("lease", run, ["server-1"])[0].phases[0]).toMatchObject({ phase: "standby" });
  });

  test("a lease whose holder was frozen is drawn for as long as its worker ran", () => {
    const run = runOf("node-paused");
    const [first] = lanesOf("lease", run, ["server-2"])[0].phases;
    expect(first).toMatchObject({ phase: "active", from: run.from });
    expect(first.to).toBe(run.stretches[0].to);
  });
});

describe("times", () => {
  test.each<[number, string]>([[0, "0 ms"], [240.4, "240 ms"], [999.4, "999 ms"], [999.6, "1.0 s"], [9_340, "9.3 s"], [99_949, "99.9 s"], [99_950, "100 s"], [312_400, "312 s"]])("%d is %s", (ms, text) => expect(timeText(ms)).toBe(text.replace(" ", "\u00a0")));
});

describe("as data", () => {
  test("report.json is the report with what it comes to", () => {
    const data = JSON.parse(reportJson(report)) as Record<string, unknown>;
    const { runs, ...known } = JSON.parse(JSON.stringify(report)) as DrillReport;
    expect(data).toMatchObject({ format: 1, verdict: "incomplete", ...known, runs });
    expect(Object.keys(data)).toEqual(["format", "verdict", "createdAt", "commit", "settings", "machine", "notRun", "summary", "margins", "runs"]);
  });

  test("docs/drill.json is the same without who ran when, and docs/drill.md tells every field", () => {
    const record = JSON.parse(recordJson(report)) as Record<string, unknown>;
    expect(record).not.toHaveProperty("runs");
    expect(drillMarginsSchema.parse(record).margins["dead-after"]).toEqual({ measuredMs: 8_610, of: 10_000, samples: 6 });
    const told = readFileSync("docs/drill.md", "utf8");
    for (const field of [...Object.keys(record), ...Object.keys(report.runs[0]), ...Object.keys(drillRecord(report).summary[0].policies!.lease), ...Object.keys(drillRecord(report).margins)]) expect(told).toMatch(new RegExp(`\`${field}(\\[\\])?\``));
  });
});

describe("in docs/", () => {
  test("a row a case, with both policies and what was not run", () => {
    const text = drillSummary(drillRecord(report));
    expect(text).toContain("| The worker's client is cut off for 90 s | 0 ms | **86.5 s** | 24.5 s | 0 ms | 0 of 360 orders | 3 of 3 |");
    expect(text).toContain("- The system clock is moved by an hour: containers share");
    expect(text).toContain("in 26 runs of 9 cases");
    expect(text).toMatch(/one tick \(100 ms\)[^\n]*the worker is the lab's double/);
  });

  test("docs/drill.md takes it in between its markers; before the first drill it says so", () => {
    const page = readFileSync("docs/drill.md", "utf8");
    const made = drillDocsPage(page, drillRecord(report));
    expect(made).toContain("**86.5 s**");
    expect(drillDocsPage(made, null)).toBe(drillDocsPage(page, null));
    expect(drillDocsPage(page, null)).toContain("No drill has been recorded yet.");
    expect(() => drillDocsPage("# A page", null)).toThrow(/no ".*" with an/);
    expect(recordedDrill("docs/no-such-drill.json")).toBeUndefined();
    expect(() => recordedDrill("package.json")).toThrow(/has format undefined, and this code reads 1/);
  });
});
