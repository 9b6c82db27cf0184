import { JOB_RULES, jobViolations } from "../../constructs/guardrails/rules";
import { JOB_KEYS } from "../../contracts/services";
import { BATCH, DEFECTS, lease, planted, rendered, type Edits } from "./defects";

const TASK = "TaskGroups.0.Tasks.0";

test.each(JOB_KEYS)("%s keeps every rule", (key) => {
  expect(jobViolations(rendered(key))).toEqual([]);
});

test("a nightly batch job keeps every rule without services, update and reschedule policies", () => {
  expect(jobViolations({ ...planted("rlService", BATCH), ID: "gvfx-backup" })).toEqual(
    // It has taken the rl-service's place, not its variables.
    jobViolations({ ...rendered("rlService"), ID: "gvfx-backup" }),
  );
  expect(jobViolations(planted("rlService", BATCH))).toEqual([]);
});

test.each(DEFECTS)("%s finds %s", (rule, _defect, key, edits) => {
  const found = jobViolations(planted(key, edits));
  expect(found.filter((message) => message.startsWith(`[${rule}]`)).length).toBeGreaterThan(0);
});

test("a defect in the lease has one message: what it is planted in has none", () => {
  expect(jobViolations(planted("worker", lease({})))).toEqual([]);
  for (const [rule, defect, key, edits] of DEFECTS) {
    if (rule === "leased-worker") expect([defect, jobViolations(planted(key, edits)).filter((message) => message.startsWith("[leased-worker]")).length]).toEqual([defect, 1]);
  }
});

test("every rule has the planted defects that it names", () => {
  for (const { id, defects } of JOB_RULES) {
    expect(defects.length).toBeGreaterThan(0);
    expect(DEFECTS.filter(([rule]) => rule === id).map(([, defect]) => defect)).toEqual(defects);
  }
});

test.each<[string, string, Edits]>([
  ["a secret that Vault may lack", "api", { [`${TASK}.Templates.0.EmbeddedTmpl`]: '{{ with secret "gvfx/data/app/trading" }}\n{{ if index .Data.data "BINGX_API_KEY" }}BINGX_API_KEY={{ index .Data.data "BINGX_API_KEY" | toJSON }}{{ end }}\n{{ end }}\n' }],
  ["a URL around a secret", "api", { [`${TASK}.Templates.0.EmbeddedTmpl`]: '{{ with secret "gvfx/data/data/postgres-app" }}\nTIMESCALE_URL="postgres://gvfx:{{ .Data.data.APP_DB_PASSWORD | urlquery }}@db:5432/gvfx"\n{{ end }}\n' }],
  ["a secret that a script passes on", "postgres", { [`${TASK}.Templates.1.EmbeddedTmpl`]: '#!/bin/sh\nexport PGPASSWORD="$POSTGRES_PASSWORD" POSTGRES_PASSWORD="$POSTGRES_PASSWORD"\n' }],
  ["a program that reads a secret from its environment", "guardian", { [`${TASK}.Templates.0.EmbeddedTmpl`]: "const secrets = { API_TOKEN: process.env.API_TOKEN, same: process.env.API_TOKEN === other };\n" }],
  ["LostAfter in a job that is not the worker", "postgres", { "TaskGroups.0.Disconnect": { Replace: false, Reconcile: "keep_original", LostAfter: 1 } }],
])("%s is let pass", (_what, key, edits) => {
  expect(jobViolations(planted(key as (typeof JOB_KEYS)[number], edits))).toEqual([]);
});

test.each<[string, unknown]>([
  ["null for a list", null],
  ["a text for a list", "gvfx"],
  ["a list of nothing", [null]],
])("a job that no rule can read is a breach, not a crash: %s", (_what, value) => {
  for (const path of ["TaskGroups", "TaskGroups.0.Tasks", "TaskGroups.0.Services", "TaskGroups.0.Networks", `${TASK}.Templates`, `${TASK}.Config.args`]) {
    expect(jobViolations(planted("api", { [path]: value }))).toEqual([expect.stringMatching(/^\[known-fields\] gvfx-api: TaskGroups.* no rule could look into it/)]);
  }
});

test("nothing but a name and one group with one task: every part that is missing has a message", () => {
  const found = jobViolations({ ID: "gvfx-worker", TaskGroups: [{ Name: "worker", Tasks: [{ Name: "worker" }] }] });
  expect(found).toContainEqual(expect.stringMatching(/^\[single-worker\] gvfx-worker: group worker: states no update policy/));
  expect(new Set(found.map((message) => /^\[([\w-]+)\]/.exec(message)?.[1]))).toEqual(new Set(["no-witness", "single-worker", "leased-worker", "pinned-images", "checked-services"]));
});

test("a message says what, why and how to fix", () => {
  const [message] = jobViolations(planted("worker", { "TaskGroups.0.Count": 2 }));
  expect(message).toBe("[single-worker] gvfx-worker: group worker: count is 2: two workers trade twice; use a singleton group");
});
