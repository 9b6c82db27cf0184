/** The last step: what the status says, who is woken, and when. */
import type { BackupStatus } from "../../../contracts/backup";
import { dumped, runStep, SECRETS, settingsAt, type Settings } from "./program";
import { RunFolder } from "./run-folder";
import { ServicesDouble } from "./services-double";

// Each run is a process of its own, and a busy machine starts them slowly.
jest.setTimeout(20_000);

let services: ServicesDouble;
let folder: RunFolder;
beforeEach(async () => {
  services = new ServicesDouble();
  await services.start();
  folder = new RunFolder();
});
afterEach(async () => {
  folder.remove();
  await services.stop();
});

const report = (changes: Partial<Settings> = {}) => runStep("report", folder, settingsAt(services.url, changes));
const status = () => services.variable?.Items as (BackupStatus & Record<string, string>) | undefined;
const RECOVERY_POINT = "2026-01-01T12:00:00Z";

const REPOSITORY = "a1".repeat(32);

/** A run that was stored. */
function stored(): void {
  dumped(folder);
  folder.write("manifest.json", JSON.stringify({ version: 1, startedAt: RECOVERY_POINT }));
  folder.write("steps/collected", "2026-01-01T12:01:00Z\n");
  folder.write("steps/warnings", "");
  folder.write("steps/stored", '{"message_type":"summary","snapshot_id":"6a1f0c22","total_bytes_processed":12345}\n');
  folder.write("steps/repository", `${REPOSITORY}\n`);
}

test("a success: recovery point, snapshot and size in the status, a sign of life, no alert", async () => {
  stored();
  const { status: code, output } = await report();
  expect([code, output]).toEqual([0, expect.stringContaining(`stored as 6a1f0c22, recovery point ${RECOVERY_POINT}`)]);
  expect(status()).toEqual({ recoveryPoint: RECOVERY_POINT, lastSuccess: expect.stringMatching(/Z$/), snapshot: "6a1f0c22", bytes: "12345", seconds: expect.stringMatching(/^\d+$/), repository: REPOSITORY, dataNode: "server-1" });
  expect([services.alerts, services.heartbeats]).toEqual([[], ["Bearer alert-secret"]]);
  for (const secret of Object.values(SECRETS)) expect(output).not.toContain(secret);
});

test("a failure: alerted once with its reason, the last success stays, no sign of life; then said to be over", async () => {
  stored();
  await report();
  const good = status()!;
  folder.remove();
  folder = new RunFolder();
  folder.write("steps/failed", "database: pg_basebackup: the server went away\n");
  for (let n = 0; n < 3; n++) await report();
  expect(status()).toMatchObject({ lastSuccess: good.lastSuccess, recoveryPoint: RECOVERY_POINT, failure: "database: pg_basebackup: the server went away" });
  expect(services.alerts).toEqual([expect.objectContaining({ source: "gvfx-backup", severity: "critical", summary: "the backup failed: database: pg_basebackup: the server went away", recoveryPoint: RECOVERY_POINT })]);
  expect(services.heartbeats).toHaveLength(1);
  stored();
  await report();
  expect(services.alerts.slice(1)).toEqual([expect.objectContaining({ severity: "info", summary: "the backup works again" })]);
  expect(services.heartbeats).toHaveLength(2);
});

test.each<[string, (folder: RunFolder) => void, RegExp]>([
  ["nothing was dumped", () => undefined, /log of the task database/],
  ["nothing was collected", (run) => dumped(run), /log of the task collect/],
  ["nothing was stored", (run) => (dumped(run), run.write("steps/collected", "x")), /log of the task restic/],
])("a run that was ended before it could say why: %s", async (_what, arrange, expected) => {
  arrange(folder);
  await report();
  expect(status()?.failure).toMatch(expected);
});

test("what a run lacks is alerted when it is new, and is in the status as long as it lasts", async () => {
  stored();
  folder.write("steps/warnings", "Consul gave no snapshot: it answered 500\n");
  await report();
  await report();
  expect(services.alerts.map(({ severity, summary }) => [severity, summary])).toEqual([["warning", "the backup is not whole: Consul gave no snapshot: it answered 500"]]);
  expect(status()?.warning).toBe("Consul gave no snapshot: it answered 500");
  folder.write("steps/warnings", "");
  await report();
  expect(status()).not.toHaveProperty("warning");
});

test("the second copy's recovery point moves only when a copy was made, and goes with the setting", async () => {
  stored();
  folder.write("steps/copied", "");
  await report({ copies: true });
  expect(status()?.copied).toBe(RECOVERY_POINT);
  folder.remove();
  folder = new RunFolder();
  stored();
  folder.write("steps/copy-failed", "no second copy in S3: refused\n");
  services.variable!.Items.copied = "2025-12-31T00:00:00Z";
  await report({ copies: true });
  expect(status()).toMatchObject({ copied: "2025-12-31T00:00:00Z", warning: "no second copy in S3: refused" });
  await report({ copies: false });
  expect(status()).not.toHaveProperty("copied");
});

test("a check moves the time of the last sound check; one that found damage does not", async () => {
  stored();
  folder.write("steps/checked", "");
  await report();
  const checked = status()?.checked;
  expect(checked).toMatch(/Z$/);
  folder.remove();
  folder = new RunFolder();
  stored();
  folder.write("steps/check-failed", "the repository is damaged: pack 12 is not what it was\n");
  await report();
  expect(status()).toMatchObject({ checked, warning: expect.stringContaining("the repository is damaged") });
});

test("two that write at once lose nothing", async () => {
  stored();
  services.conflicts = 1;
  await report();
  expect(status()).toMatchObject({ other: "1", snapshot: "6a1f0c22" });
});

describe("another repository than before", () => {
  const other = () => folder.write("steps/repository", "b2".repeat(32));
  const again = async (changes: Partial<Settings> = {}, arrange: () => unknown = () => undefined) => {
    folder.remove();
    folder = new RunFolder();
    stored();
    other();
    arrange();
    await report(changes);
  };
  beforeEach(async () => {
    stored();
    await report();
  });

  test("planted: a disk that is not mounted is a failure, in every run until it is mounted again", async () => {
    for (let n = 0; n < 2; n++) await again();
    expect(status()).toMatchObject({ repository: REPOSITORY, failure: expect.stringMatching(/is not the one of the runs before \(it is b2b2b2b2, it was a1a1a1a1\): the disk is not mounted.*touch accept-repository/) });
    expect(services.alerts.map(({ severity }) => severity)).toEqual(["critical"]);
    expect(services.heartbeats).toHaveLength(1);
    await again({}, () => folder.write("steps/repository", REPOSITORY));
    expect(services.alerts.map(({ severity }) => severity)).toEqual(["critical", "info"]);
  });

  test("one that an operator accepts counts, and is the one to compare with", async () => {
    await again();
    await again({}, () => folder.write("steps/accepted", ""));
    await again();
    expect(status()).toMatchObject({ repository: "b2".repeat(32) });
    expect(services.alerts.map(({ severity }) => severity)).toEqual(["critical", "info"]);
  });

  test("where the data moved to another node, the backups did too", async () => {
    await again({ dataNode: "server-2" });
    expect([status()?.repository, services.alerts]).toEqual(["b2".repeat(32), []]);
  });

  test("planted: a status of before this was compared, and a repository that was just made", async () => {
    delete services.variable!.Items.repository;
    delete services.variable!.Items.dataNode;
    await again({}, () => folder.write("steps/new-repository", ""));
    await again();
    expect(status()).toMatchObject({ repository: "unknown", failure: expect.stringContaining("is not the one of the runs before") });
  });
});

test("planted: an alert that is not taken the first time is sent again", async () => {
  services.refusedAlerts = 1;
  folder.write("steps/failed", "database: it is gone\n");
  expect((await report()).output).toContain("the alert cannot be delivered, and is sent again: it answered 503");
  expect(services.alerts).toHaveLength(1);
});
