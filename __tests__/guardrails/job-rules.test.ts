import { JOB_RULES, jobViolations } from "../../constructs/guardrails/rules";
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import type { ApiJob } from "../../constructs/nomad/api";
import { renderJob } from "../../constructs/nomad/render";
import { JOB_KEYS, type JobKey } from "../../contracts/services";
import { environment, pinned } from "../jobs/worked-example";

/** A rendered job with one value replaced: "TaskGroups.0.Count". */
function planted(key: JobKey, path: string, value: unknown): ApiJob {
  const job = structuredClone(renderJob(JOB_BUILDERS[key](environment, pinned))) as unknown;
  const parts = path.split(".");
  const last = parts.pop()!;
  const parent = parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], job) as Record<string, unknown>;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return job as ApiJob;
}

test.each(JOB_KEYS)("%s keeps every rule", (key) => {
  expect(jobViolations(renderJob(JOB_BUILDERS[key](environment, pinned)))).toEqual([]);
});

const GROUP = "TaskGroups.0";
const TASK = `${GROUP}.Tasks.0`;

/** For each rule the defect that it must find. docs/guardrails.md lists them. */
const DEFECTS: readonly (readonly [rule: string, defect: string, key: JobKey, path: string, value: unknown])[] = [
  ["no-witness", "a group without the constraint", "api", `${GROUP}.Constraints`, []],
  ["no-witness", "the constraint turned round", "api", `${GROUP}.Constraints`, [{ LTarget: "${node.class}", Operand: "=", RTarget: "witness" }]],
  ["no-witness", "the constraint on another attribute", "gateway", `${GROUP}.Constraints`, [{ LTarget: "${meta.class}", Operand: "!=", RTarget: "witness" }]],
  ["single-worker", "count 2", "worker", `${GROUP}.Count`, 2],
  ["single-worker", "scaling up to 2", "worker", `${GROUP}.Scaling`, { Min: 1, Max: 2, Enabled: true }],
  ["single-worker", "no scaling block", "worker", `${GROUP}.Scaling`, undefined],
  ["single-worker", "a canary", "worker", `${GROUP}.Update.Canary`, 1],
  ["single-worker", "a spread", "worker", `${GROUP}.Spreads`, [{ Attribute: "${node.unique.id}", Weight: 100 }]],
  ["single-worker", "no disconnect policy", "worker", `${GROUP}.Disconnect`, undefined],
  ["worker-only-env", "the market data socket in the API", "api", `${TASK}.Env.BINGX_WS_ENABLED`, "true"],
  ["worker-only-env", "a scheduler interval in a template of the API", "api", `${TASK}.Templates.0.EmbeddedTmpl`, "TRADE_RECONCILE_INTERVAL_MIN=5\n"],
  ["tailnet-ports", "a port on the default network", "api", `${GROUP}.Networks.0.DynamicPorts.0.HostNetwork`, undefined],
  ["tailnet-ports", "a port on a public network", "gateway", `${GROUP}.Networks.0.ReservedPorts.0.HostNetwork`, "public"],
  ["tailnet-ports", "the host's network", "gateway", `${TASK}.Config.network_mode`, "host"],
  ["tailnet-ports", "a privileged task", "api", `${TASK}.Config.privileged`, true],
  ["secrets-from-vault", "a secret as plain environment", "worker", `${TASK}.Env.BINGX_SECRET_KEY`, "abc"],
  ["secrets-from-vault", "the forbidden key", "frontend", `${TASK}.Env.NEXT_PUBLIC_API_TOKEN`, "abc"],
  ["secrets-from-vault", "a private key in a template", "api", `${TASK}.Templates.0.EmbeddedTmpl`, "-----BEGIN EC PRIVATE KEY-----"],
  ["secrets-from-vault", "a password in a URL", "convex", `${TASK}.Env.POSTGRES_URL`, "postgres://convex:hunter2@db:5432"],
  ["pinned-images", "a mutable tag", "api", `${TASK}.Config.image`, "registry.example.com/tv-goldviewfx-backend:latest"],
  ["pinned-images", "a tag beside a digest", "api", `${TASK}.Config.image`, `repo:1@sha256:${"a".repeat(64)}`],
  ["pinned-images", "no tag at all", "api", `${TASK}.Config.image`, "postgres"],
  ["checked-services", "a service without health check", "api", `${GROUP}.Services.0.Checks`, []],
  ["checked-services", "a check that outlasts its interval", "api", `${GROUP}.Services.0.Checks.0.Timeout`, 5_000_000_000],
  ["checked-services", "no service", "rlService", `${GROUP}.Services`, []],
  ["checked-services", "no restart policy", "frontend", `${GROUP}.RestartPolicy`, undefined],
  ["checked-services", "a limit on rescheduling", "worker", `${GROUP}.ReschedulePolicy.Unlimited`, false],
  ["checked-services", "no reschedule policy", "api", `${GROUP}.ReschedulePolicy`, undefined],
  ["checked-services", "no reason for the timings", "api", "Meta.rationale", " "],
  ["quiet-templates", "a template that restarts", "worker", `${TASK}.Templates.0.ChangeMode`, "restart"],
  ["quiet-templates", "a script outside the gateway", "api", `${TASK}.Templates.0.ChangeMode`, "script"],
  ["quiet-templates", "a Vault token that restarts", "worker", `${TASK}.Vault.ChangeMode`, "restart"],
];

test.each(DEFECTS)("%s finds %s", (rule, _defect, key, path, value) => {
  const found = jobViolations(planted(key, path, value));
  expect(found.filter((message) => message.startsWith(`[${rule}]`)).length).toBeGreaterThan(0);
});

test("every rule has the planted defects that it names", () => {
  for (const { id, defects } of JOB_RULES) {
    expect(defects.length).toBeGreaterThan(0);
    expect(DEFECTS.filter(([rule]) => rule === id).map(([, defect]) => defect)).toEqual(defects);
  }
});

test("a message says what, why and how to fix", () => {
  const [message] = jobViolations(planted("worker", `${GROUP}.Count`, 2));
  expect(message).toBe("[single-worker] gvfx-worker: group worker: count is 2: two workers trade twice; use a singleton group");
});
