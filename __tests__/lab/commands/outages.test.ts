import { Command } from "commander";
import { Duration } from "../../../contracts/units";
import { loadEnvironment } from "../../../environments/load";
import type { LoadResult } from "../../../scripts/lab/load/tally";
import { registerOutages } from "../../../scripts/lab/outages/command";
import { outageTable, passed, runOutage, type Outage, type OutageSources } from "../../../scripts/lab/outages/outage";
import { goMilliseconds, lastTemplateRetry } from "../../../scripts/lab/outages/templates";
import type { LabStatus } from "../../../scripts/lab/status/report";

const env = loadEnvironment("lab");
const load: LoadResult = { run: "load-1", seconds: 1, rate: 5, sent: 10, ok: 9, failed: 1, late: 0, byMethod: { GET: { sent: 10, ok: 9, failed: 1 }, POST: { sent: 0, ok: 0, failed: 0 } }, byKind: { connection: 1, timeout: 0, status: 0 }, latency: undefined, firstFailures: [] };

/** A double of a lab whose time passes only while somebody waits. Times in seconds since it began. */
class LabDouble implements OutageSources {
  seconds = 0;
  readonly events: string[] = [];
  readonly lines: string[] = [];
  /** When it is well, as far as Nomad and Consul say. */
  well: (seconds: number) => boolean = () => !this.away;
  restartsAt = Infinity;
  retryUntil: number | undefined;
  private away = false;

  readonly now = () => this.seconds * 1_000;
  readonly write = (line: string) => void this.lines.push(line);
  readonly wait = async (time: Duration) => void (this.seconds += time.seconds);
  readonly status = async () => ({ problems: this.well(this.seconds) ? [] : [{ what: "gvfx-api: 1 of 2 healthy", help: "" }] }) as unknown as LabStatus;
  readonly tasks = async () => [{ name: "gvfx-api on server-1: api", id: "a" }, { name: "gvfx-worker on server-2: worker", id: "b" }];
  readonly running = async () => new Set(this.seconds >= this.restartsAt ? ["a", "c"] : ["a", "b"]);
  readonly lastTemplateRetry = async () => (this.retryUntil === undefined ? undefined : this.retryUntil * 1_000);
  readonly traffic = (signal: AbortSignal) => new Promise<LoadResult[]>((done) => signal.addEventListener("abort", () => done([load, load])));
  readonly takeAway = async (outage: Outage) => {
    this.away = true;
    this.events.push(`away ${outage} ${this.seconds}`);
  };
  readonly bringBack = async (outage: Outage) => {
    this.away = false;
    this.events.push(`back ${outage} ${this.seconds}`);
  };
}

test("nothing restarted and well after: passed, with the requests that failed", async () => {
  const lab = new LabDouble();
  const result = await runOutage("consul", Duration.minutes(10), lab);
  expect(lab.events).toEqual(["away consul 0", "back consul 600"]);
  expect(result).toMatchObject({ minutes: 10, tasks: 2, restarted: [], requests: { sent: 20, failed: 2 }, secondsUntilWell: 0, problems: [] });
  expect(passed(result)).toBe(true);
});

test("a task that was restarted is named, with when, and the outage goes on", async () => {
  const lab = new LabDouble();
  lab.restartsAt = 300;
  const result = await runOutage("openbao", Duration.minutes(10), lab);
  expect(result.restarted).toEqual([{ task: "gvfx-worker on server-2: worker", afterSeconds: 300 }]);
  expect(lab.events.at(-1)).toBe("back openbao 600");
  expect(passed(result)).toBe(false);
});

test("a task that restarts only after the heal counts too", async () => {
  const lab = new LabDouble();
  lab.restartsAt = 605;
  expect(passed(await runOutage("openbao", Duration.minutes(10), lab))).toBe(false);
});

test("well is what stays well: a status that relapses starts the clock anew", async () => {
  const lab = new LabDouble();
  lab.well = (seconds) => seconds === 0 || (seconds >= 603 && seconds < 608) || seconds >= 620;
  expect((await runOutage("nomad-servers", Duration.minutes(10), lab)).secondsUntilWell).toBe(20);
});

test("templates that wait for another attempt are not rendered yet", async () => {
  const lab = new LabDouble();
  lab.retryUntil = 650;
  const result = await runOutage("openbao", Duration.minutes(10), lab);
  expect(result.secondsUntilWell).toBe(50);
  expect(passed(result)).toBe(true);
});

test("not well within three minutes fails, and says what is amiss", async () => {
  const lab = new LabDouble();
  lab.well = (seconds) => seconds === 0;
  const result = await runOutage("consul", Duration.minutes(1), lab);
  expect(result).toMatchObject({ secondsUntilWell: undefined, problems: ["gvfx-api: 1 of 2 healthy"] });
  expect(passed(result)).toBe(false);
  expect(outageTable([result])).toContain("| consul | 1.0 | 0 of 2 | 2 of 20 | not within 180 |");
});

test("a lab that is not well before is left alone", async () => {
  const lab = new LabDouble();
  lab.well = () => false;
  await expect(runOutage("consul", Duration.minutes(1), lab)).rejects.toThrow(/would show nothing: gvfx-api: 1 of 2 healthy.*Mend it first/);
  expect(lab.events).toEqual([]);
});

test("what was taken away comes back when something fails meanwhile, or somebody interrupts", async () => {
  const lab = Object.assign(new LabDouble(), { running: async () => Promise.reject(new Error("no engine")) });
  await expect(runOutage("consul", Duration.minutes(1), lab)).rejects.toThrow("no engine");
  expect(lab.events.at(-1)).toMatch("back consul");
  const interrupted = new LabDouble();
  const stop = new AbortController();
  const result = await runOutage("consul", Duration.minutes(10), Object.assign(interrupted, { wait: async () => (interrupted.seconds++, stop.abort()) }), stop.signal);
  expect(interrupted.events).toEqual(["away consul 0", "back consul 1"]);
  expect(passed(result)).toBe(false);
});

describe("templates", () => {
  const line = (time: string, text: string) => `2026-11-24T${time}+0000 server-1 nomad: 2026-11-24T${time}.123Z [WARN]  agent: ${text}`;
  test("wait until the last attempt that the agent announced", () => {
    expect(lastTemplateRetry([line("21:00:00", '(view) vault.read(kv/data/app): vault.read(kv/data/app): dial tcp: connection refused (retry attempt 7 after "16s")'), line("21:00:05", '* Vault is sealed (retry attempt 8 after "1m0s")'), line("21:09:00", "something else")])).toBe(Date.parse("2026-11-24T21:01:05Z"));
    expect(lastTemplateRetry(["", "something else"])).toBeUndefined();
  });
  test("durations are read as Go prints them", () => {
    expect(["1m0s", "250ms", "1.5s", "1h2m3s"].map(goMilliseconds)).toEqual([60_000, 250, 1_500, 3_723_000]);
  });
});

describe("the command", () => {
  afterEach(() => void (process.exitCode = undefined));
  const run = async (lab: OutageSources, ...args: string[]) => {
    const lines: string[] = [];
    const root = new Command("lab");
    registerOutages(root, { environment: () => ({ env, lab: env.lab! }), write: (text) => void lines.push(text), sources: async (_env, _lab, write) => Object.assign(lab, { write }) });
    root.commands.forEach((sub) => sub.exitOverride().configureOutput({ writeErr: () => undefined }));
    await root.parseAsync(["outages", ...args], { from: "user" });
    return lines.join("\n");
  };

  test("takes the three away one after the other and prints a table", async () => {
    const lab = new LabDouble();
    const text = await run(lab, "--minutes", "1");
    expect(lab.events.map((event) => event.split(" ").slice(0, 2).join(" "))).toEqual(["away consul", "back consul", "away openbao", "back openbao", "away nomad-servers", "back nomad-servers"]);
    expect(text.match(/^\| (consul|openbao|nomad-servers) \|/gm)).toHaveLength(3);
    expect(process.exitCode).toBe(0);
  });

  test("ends with 1 when a task was restarted, and JSON says which", async () => {
    const lab = new LabDouble();
    lab.restartsAt = 10;
    const result = JSON.parse(await run(lab, "--minutes", "1", "--only", "openbao", "--json")) as { passed: boolean; results: { restarted: unknown[] }[] };
    expect([result.passed, result.results[0].restarted.length, process.exitCode]).toEqual([false, 1, 1]);
  });

  test("knows the names", async () => {
    await expect(run(new LabDouble(), "--only", "postgres")).rejects.toThrow("no outage named postgres");
  });
});
