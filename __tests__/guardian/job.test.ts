import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { jobViolations } from "../../constructs/guardrails/rules";
import { guardianJob } from "../../constructs/jobs/guardian";
import { guardianSettings, type GuardianSettings } from "../../constructs/jobs/guardian-settings";
import { GUARDIAN_SOURCE } from "../../constructs/jobs/guardian-source";
import { jobRules } from "../../constructs/consul/consul-rules";
import { escapeTemplates, unescapeTemplates } from "../../constructs/nomad/job";
import { renderJob, renderJobJson } from "../../constructs/nomad/render";
import { secretPathsFor, SECRETS } from "../../contracts/secrets";
import { JOBS } from "../../contracts/services";
import { Duration, port } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { environment, pinned } from "../jobs/worked-example";
import { FOLDER } from "./program";

const job = renderJob(guardianJob(environment, pinned));
const [task] = job.TaskGroups[0].Tasks;
const template = (destination: string) => task.Templates!.find((t) => t.DestPath === destination)!;
const settings = JSON.parse(template("local/settings.json").EmbeddedTmpl) as GuardianSettings;

test("keeps every rule of a job", () => {
  expect(jobViolations(job)).toEqual([]);
});

test("is one copy with its own identity in Nomad, Consul and Vault, and a health check", () => {
  expect(job.TaskGroups[0]).toMatchObject({ Count: 1, Scaling: { Min: 1, Max: 1 } });
  expect(task).toMatchObject({ Identity: { Name: "default", Env: true, File: false }, Consul: {}, Vault: { Role: "gvfx-gvfx-guardian", Env: false } });
  expect(task.Config).toMatchObject({ command: "bun", args: ["/local/guardian.mjs", "/local/settings.json"] });
  expect(job.TaskGroups[0].Services[0]).toMatchObject({ Name: "gvfx-guardian", Checks: [{ Type: "http", Path: "/healthz" }] });
});

test("delivers the whole program, unchanged by Nomad's templates and Terraform's", () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".mjs"));
  expect(Object.keys(GUARDIAN_SOURCE).sort()).toEqual(names.sort());
  for (const name of names) {
    const text = readFileSync(join(FOLDER, name), "utf8");
    expect(template(`local/${name}`).EmbeddedTmpl).toBe(text);
    expect(text).not.toContain("{{");
  }
  const json = renderJobJson(guardianJob(environment, pinned));
  expect(unescapeTemplates(escapeTemplates(json))).toBe(json);
  // What Terraform would read as an escape already, and take a character away from.
  expect(json).not.toMatch(/\$\$\{|%%\{/);
  expect(template("local/settings.json").EmbeddedTmpl).not.toContain("{{");
});

test("its settings are the environment's", () => {
  expect(settings).toMatchObject({
    mode: "advise",
    namespace: "gvfx",
    keys: { workerOwner: "gvfx/worker-owner", traffic: "gvfx/traffic" },
    ledger: "gvfx/cutover/guardian",
    sources: { api: "http://gvfx-api.service.consul:8787", rlService: "http://gvfx-rl-service.service.consul:9101", runTimeoutMs: 1_800_000, lookBackMs: 172_800_000 },
    triggers: { apiErrorRatio: { windowMs: 300_000, threshold: 0.05, minimumSamples: 20, missingData: "inconclusive" } },
    alerts: { destination: environment.alerts.destination },
    systemJobs: { ids: ["gvfx-gateway"], firstPauseMs: 30_000, longestPauseMs: 600_000, alertAfter: 3 },
  });
});

describe("rounds are close enough for every trigger", () => {
  const places = { port: port(9465), api: "http://api", rlService: "http://rl", keys: { workerOwner: "o", traffic: "t" }, ledger: "l" };
  const withTrigger = (name: keyof Environment["cutover"]["rollback"], window: Duration, minimumSamples: number): Environment => ({ ...environment, cutover: { ...environment.cutover, rollback: { ...environment.cutover.rollback, [name]: { ...environment.cutover.rollback[name], window, minimumSamples } } } });

  test("twice the samples fit into each window", () => {
    for (const [name, samplesARound, everyMs] of [["apiErrorRatio", 2, settings.probeIntervalMs], ["rlErrorRatio", 1, settings.probeIntervalMs], ["duplicateIngestionRuns", 1, settings.readIntervalMs], ["unresolvedConvexWriteFailures", 1, settings.readIntervalMs]] as const) {
      const { windowMs, minimumSamples } = settings.triggers[name];
      expect((windowMs / everyMs) * samplesARound).toBeGreaterThanOrEqual(2 * minimumSamples);
    }
    expect(guardianSettings(withTrigger("rlErrorRatio", Duration.seconds(30), 10), places).probeIntervalMs).toBe(1_500);
  });

  test("a window that cannot hold the samples fails synth, with what to do", () => {
    expect(() => guardianSettings(withTrigger("rlErrorRatio", Duration.seconds(9), 10), places)).toThrow(/rlErrorRatio needs 10 samples in 9s.*inconclusive for ever.*lower minimumSamples/);
  });
});

test("it reads the alert token and the API's, and nothing else; nobody but the backup, which alerts by itself, reads the alert token too", () => {
  expect(secretPathsFor(JOBS.guardian)).toEqual(["app/api-token", "ops/alert"]);
  expect(SECRETS.find((secret) => secret.field === "ALERT_TOKEN")?.readers).toEqual([JOBS.guardian, JOBS.backup]);
  expect(SECRETS.find((secret) => secret.field === "API_TOKEN")?.readers).toEqual([JOBS.api, JOBS.frontend, JOBS.guardian]);
});

test("it moves owner and traffic only where it may act", () => {
  const keys = (guardianMode: "advise" | "act") => jobRules("gvfx", JOBS.guardian, { leaseNodes: ["server-1"], guardianMode });
  const both = (policy: string) => ({ "gvfx/worker-owner": { policy }, "gvfx/traffic": { policy } });
  expect(keys("advise")).toEqual({ service: { "gvfx-guardian": { policy: "write" } }, key: both("read") });
  expect(keys("act")).toEqual({ service: { "gvfx-guardian": { policy: "write" } }, key: both("write") });
});
