/** The guardian's watch over the backup: late, in time again, unknown; and what Prometheus reads. */
import { double, NomadVariables, type Double } from "./doubles";
import { program } from "./program";

const START = Date.parse("2026-01-01T12:00:00Z");
const MINUTE = 60_000;
const SETTINGS = { variable: "gvfx/backup/status", lateAfterMs: 40 * MINUTE, copies: false };
const at = (minutes: number) => new Date(START + minutes * MINUTE).toISOString();

describe("the watch", () => {
  let now = START;
  let nomad: NomadVariables;
  let server: Double;
  let said: { severity: string; summary: string; facts: Record<string, string> }[];
  let log: string[];

  beforeEach(async () => {
    now = START;
    nomad = new NomadVariables();
    server = await double(nomad.answer);
    said = [];
    log = [];
  });
  afterEach(() => server.close());

  const watch = (settings = {}) => new program.BackupWatch({ ...SETTINGS, ...settings, namespace: "gvfx" }, { address: server.url, token: "nomad-token" }, { now: () => now, log: (_level, message) => log.push(message) }, (severity, summary, facts) => said.push({ severity, summary, facts }));
  const backup = (items: Record<string, string>) => nomad.entries.set(SETTINGS.variable, items);
  const after = async (minutes: number, looking: { look(): Promise<void> }) => {
    now = START + minutes * MINUTE;
    await looking.look();
  };

  test("planted: a backup that stays away is alerted when it is late, again after an hour, and said to be back", async () => {
    const looking = watch();
    backup({ recoveryPoint: at(0), lastSuccess: at(1), snapshot: "6a1f" });
    for (const minutes of [1, 39, 40]) await after(minutes, looking);
    expect(said).toEqual([]);
    for (const minutes of [41, 42, 100, 102]) await after(minutes, looking);
    expect(said.map(({ severity, summary }) => [severity, summary.split(":")[0]])).toEqual([["critical", "the newest backup is 41 min old, and 40 min are late"], ["critical", "the newest backup is 102 min old, and 40 min are late"]]);
    expect(said[0]).toMatchObject({ summary: expect.stringContaining("nomad job status -namespace gvfx gvfx-backup"), facts: { snapshot: "6a1f" } });
    backup({ recoveryPoint: at(105), lastSuccess: at(106) });
    await after(107, looking);
    expect(said.slice(2)).toEqual([expect.objectContaining({ severity: "info", summary: "the newest backup is 2 min old: in time again" })]);
    expect(server.requests.every(({ path, headers }) => path === "/v1/var/gvfx/backup/status" && headers["x-nomad-token"] === "nomad-token")).toBe(true);
  });

  test("the reason of the last failure is in the alert", async () => {
    backup({ recoveryPoint: at(-100), lastSuccess: at(-99), lastFailure: at(-5), failure: "database: the disk is full" });
    await after(0, watch());
    expect(said[0].summary).toContain("The last run failed: database: the disk is full.");
  });

  test("a platform without any backup is alerted once that has lasted", async () => {
    const looking = watch();
    await after(0, looking);
    await after(40, looking);
    expect(said).toEqual([]);
    await after(41, looking);
    expect(said).toEqual([expect.objectContaining({ severity: "critical", summary: expect.stringContaining("there is no backup yet") })]);
  });

  test("while Nomad does not answer, what was last read grows old", async () => {
    const looking = watch();
    backup({ recoveryPoint: at(0), lastSuccess: at(1) });
    await after(1, looking);
    nomad.outage = true;
    await after(39, looking);
    expect([said, log]).toEqual([[], [expect.stringContaining("the backup's status cannot be read: GET of gvfx/backup/status answered 500")]]);
    await after(41, looking);
    expect(said).toHaveLength(1);
    expect(looking.gauges().age_seconds).toBe(41 * 60);
  });

  test("a second copy is late by itself", async () => {
    backup({ recoveryPoint: at(0), lastSuccess: at(1), copied: at(-100), warning: "no second copy in S3: refused" });
    await after(2, watch({ copies: true }));
    expect(said).toEqual([expect.objectContaining({ severity: "critical", summary: expect.stringMatching(/^the newest second copy of the backup is 102 min old.*no second copy in S3: refused/) })]);
  });

  test("the gauges are what is known, and nothing else", async () => {
    const looking = watch();
    expect(looking.gauges()).toEqual({ late_after_seconds: 2_400 });
    backup({ recoveryPoint: at(0), lastSuccess: at(1), bytes: "123", seconds: "60", checked: at(-60) });
    await after(2, looking);
    expect(looking.gauges()).toEqual({ age_seconds: 120, last_success: START / 1000 + 60, last_check: START / 1000 - 3600, size_bytes: 123, duration_seconds: 60, late_after_seconds: 2_400 });
    const text = program.metricsText({ triggers: {}, overall: "pass", gauges: {}, counters: {}, switches: { workerOwner: "nomad", traffic: "nomad" }, backup: looking.gauges(), systemJobs: { evaluations: {}, failed: {} } });
    expect(text).toContain("# TYPE gvfx_backup_age_seconds gauge\ngvfx_backup_age_seconds 120\n");
    expect(text).toContain(`gvfx_backup_last_success ${START / 1000 + 60}\n`);
    expect(text).not.toContain("undefined");
  });
});
