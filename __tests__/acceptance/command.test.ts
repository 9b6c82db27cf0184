/** What an acceptance command prints, keeps and ends with. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEnvironment } from "../../environments/load";
import { acceptanceCommands } from "../../scripts/acceptance/command";
import { acceptancePage, textAcceptance, writeAcceptance } from "../../scripts/acceptance/report";
import { verdictOf, type AcceptanceResult, type Checked } from "../../scripts/acceptance/result";
import { fail, inconclusive, pass, type Outcome } from "../../scripts/doctor/check";

const env = loadEnvironment("production");
let parent: string;
beforeEach(() => (parent = mkdtempSync(join(tmpdir(), "gvfx-acceptance-"))));
afterEach(() => rmSync(parent, { recursive: true }));

async function smoke(outcomes: readonly Outcome[], ...args: string[]) {
  const out: string[] = [];
  const sides: string[] = [];
  const commands = acceptanceCommands(() => env, {
    variables: {},
    write: (text) => out.push(text),
    complain: (text) => out.push(text),
    smoke: (_env, side) => {
      sides.push(side);
      return Promise.resolve(outcomes.map((outcome, index) => ({ id: `c${index}`, title: `check ${index}`, run: () => Promise.resolve(outcome) })));
    },
    save: (result) => writeAcceptance(result, parent),
    now: () => new Date("2026-01-01T12:00:00.000Z"),
  });
  process.exitCode = undefined;
  await commands.find((command) => command.name() === "smoke")!.parseAsync(args, { from: "user" });
  const status = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return { status, out: out.join("\n"), sides };
}

test("exit status by the worst verdict, and a report beside the table", async () => {
  expect(await smoke([pass("ok")])).toMatchObject({ status: 0, sides: ["nomad"], out: expect.stringMatching(/✓ pass {10}check 0 {2}ok\n1 checks: pass\nReport: .*2026-01-01T12-00-00\/report\.html$/) });
  expect(await smoke([pass("ok"), inconclusive("unseen", "look")])).toMatchObject({ status: 3 });
  expect(await smoke([fail("bad", "mend it"), inconclusive("unseen", "look")], "--side", "legacy")).toMatchObject({ status: 1, sides: ["legacy"], out: expect.stringContaining("mend: mend it") });
  expect(JSON.parse((await smoke([pass("ok")], "--json")).out)).toMatchObject({ name: "smoke", environment: "production", verdict: "pass" });
  expect(JSON.parse(readFileSync(join(parent, "2026-01-01T12-00-00", "result.json"), "utf8"))).toMatchObject({ version: 1, verdict: "pass" });
});

test("planted: nothing looked at is no success", async () => {
  expect(verdictOf([])).toBe("inconclusive");
  expect(await smoke([])).toMatchObject({ status: 3 });
});

test("figures and timelines: on the page with their words, the bound beside the value", () => {
  const checks: Checked[] = [{ id: "a", title: "<b>checked</b>", outcome: fail("it & that", "mend") }];
  const result: AcceptanceResult = {
    version: 1,
    name: "drill failover",
    environment: "lab",
    createdAt: "2026-01-01T12:00:00.000Z",
    verdict: "fail",
    checks,
    figures: [{ title: "longest gap", value: 5_200, unit: "ms", atMost: 5_000 }, { title: "p95", value: 1.234, unit: "ms" }],
    lanes: [{ label: "api", stretches: [{ from: 0, to: 4_000, kind: "good", what: "answered" }, { from: 4_000, to: 9_200, kind: "bad", what: "no answer" }] }],
  };
  expect(textAcceptance(result)).toContain("✗ fail          longest gap     5200 ms (at most 5000)");
  const page = acceptancePage(result);
  expect(page).toContain("&lt;b&gt;checked&lt;/b&gt;");
  expect(page).not.toContain("<b>");
  expect(page).toMatch(/<rect x="[\d.]+" y="5" width="[\d.]+"/);
  expect(page).toContain("no answer: 4.0 s to 9.2 s");
  expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
});
