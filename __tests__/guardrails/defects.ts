/** For each rule of jobs the defects that it must find: a job of the platform with some values replaced. docs/guardrails.md lists them. */
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import type { leaseSettings } from "../../constructs/jobs/worker-lease";
import type { ReadJob } from "../../constructs/guardrails/rule";
import { renderJob } from "../../constructs/nomad/render";
import type { JobKey } from "../../contracts/services";
import { environment, pinned } from "../jobs/worked-example";

/** Values by path ("TaskGroups.0.Count"); undefined takes the field away. */
export type Edits = Readonly<Record<string, unknown>>;

export function rendered(key: JobKey): ReadJob {
  return renderJob(JOB_BUILDERS[key](environment, pinned));
}

/** A rendered job with some values replaced. */
export function planted(key: JobKey, edits: Edits): ReadJob {
  const job = structuredClone(rendered(key)) as unknown;
  for (const [path, value] of Object.entries(edits)) {
    const parts = path.split(".");
    const last = parts.pop()!;
    const parent = parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], job) as Record<string, unknown>;
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return job as ReadJob;
}

const GROUP = "TaskGroups.0";
const TASK = `${GROUP}.Tasks.0`;
const TEMPLATE = `${TASK}.Templates.0.EmbeddedTmpl`;
const WORKER_PROGRAM = ["run", "src/jobs/worker.ts"];
const SECOND_TASK = rendered("worker").TaskGroups![0].Tasks![0];

/** What a nightly job looks like: nothing that a deployment or a caller needs. */
export const BATCH: Edits = {
  Type: "batch",
  Periodic: { Enabled: true, Spec: "0 3 * * *", SpecType: "cron", ProhibitOverlap: true, TimeZone: "UTC" },
  [`${GROUP}.Services`]: undefined,
  [`${GROUP}.Update`]: undefined,
  [`${GROUP}.ReschedulePolicy`]: undefined,
  [`${GROUP}.Migrate`]: undefined,
};

const LEASE_TEMPLATES = SECOND_TASK.Templates!.filter(({ DestPath }) => DestPath?.includes("worker-lease."));
const settings = JSON.parse(LEASE_TEMPLATES[1].EmbeddedTmpl!) as ReturnType<typeof leaseSettings>;

/** The worker's lease with another program, or with other settings. */
export function lease(to: { readonly program?: string; readonly settings?: (given: typeof settings) => unknown; readonly timing?: Partial<typeof settings.timing> }): Edits {
  const changed = to.settings?.(settings) ?? { ...settings, timing: { ...settings.timing, ...to.timing } };
  const [program, file] = LEASE_TEMPLATES;
  return { [`${TASK}.Templates`]: [...("program" in to ? [{ ...program, EmbeddedTmpl: to.program }].filter(({ EmbeddedTmpl }) => EmbeddedTmpl !== undefined) : [program]), { ...file, EmbeddedTmpl: typeof changed === "string" ? changed : JSON.stringify(changed) }] };
}

/** A template of environment variables in the place of the first one. */
const env = (text: string): Edits => ({ [TEMPLATE]: text, [`${TASK}.Templates.0.Envvars`]: true });
const script = (text: string): Edits => ({ [TEMPLATE]: text, [`${TASK}.Templates.0.Envvars`]: false });
const fromVault = (text: string): string => `{{ with secret "gvfx/data/app/api-token" }}\n${text}\n{{ end }}\n`;

export const DEFECTS: readonly (readonly [rule: string, defect: string, key: JobKey, edits: Edits])[] = [
  ["known-fields", "a field of the job that Nomad does not know", "api", { Contraints: [] }],
  ["known-fields", "a field in another case, which Nomad takes", "worker", { [`${GROUP}.count`]: 2 }],
  ["known-fields", "a field of the group that Nomad ignores", "api", { [`${GROUP}.StopAfterClientDisconnect`]: 1 }],
  ["known-fields", "a network of the host's mode", "api", { [`${GROUP}.Networks.0.Mode`]: "host" }],
  ["known-fields", "a network of a task", "api", { [`${TASK}.Resources.Networks`]: [{ DynamicPorts: [{ Label: "open" }] }] }],
  ["known-fields", "another driver", "api", { [`${TASK}.Driver`]: "raw_exec" }],
  ["known-fields", "a bind mount", "api", { [`${TASK}.Config.volumes`]: ["/var/run/docker.sock:/var/run/docker.sock"] }],
  ["known-fields", "an added capability", "api", { [`${TASK}.Config.cap_add`]: ["SYS_ADMIN"] }],
  ["known-fields", "the host's processes", "api", { [`${TASK}.Config.pid_mode`]: "host" }],
  ["known-fields", "a device", "api", { [`${TASK}.Config.devices`]: [{ host_path: "/dev/mem" }] }],
  ["known-fields", "a task that is privileged", "api", { [`${TASK}.Config.privileged`]: true }],
  ["known-fields", "a service of a task", "api", { [`${TASK}.Services`]: [{ Name: "unchecked" }] }],
  ["known-fields", "a service in the mesh", "api", { [`${GROUP}.Services.0.Connect`]: { SidecarService: {} } }],
  ["known-fields", "a check that runs a script", "api", { [`${GROUP}.Services.0.Checks.0.Type`]: "script" }],
  ["known-fields", "a template from a file", "api", { [`${TASK}.Templates.0.SourcePath`]: "local/x.tpl" }],
  ["known-fields", "a volume that is no host volume", "postgres", { [`${GROUP}.Volumes.data.Type`]: "csi" }],
  ["known-fields", "a text where a number belongs", "api", { [`${GROUP}.Networks.0.DynamicPorts.0.To`]: "8787" }],
  ["known-fields", "no group", "api", { TaskGroups: [] }],
  ["no-witness", "a group without the constraint", "api", { [`${GROUP}.Constraints`]: undefined }],
  ["no-witness", "the constraint turned round", "api", { [`${GROUP}.Constraints`]: [{ LTarget: "${node.class}", Operand: "=", RTarget: "witness" }] }],
  ["no-witness", "one group of several without the constraint", "images", { "TaskGroups.8.Constraints": [] }],
  ["no-witness", "the constraint on another attribute", "gateway", { [`${GROUP}.Constraints`]: [{ LTarget: "${meta.class}", Operand: "!=", RTarget: "witness" }] }],
  ["single-worker", "count 2", "worker", { [`${GROUP}.Count`]: 2 }],
  ["single-worker", "scaling up to 2", "worker", { [`${GROUP}.Scaling`]: { Min: 1, Max: 2, Enabled: true } }],
  ["single-worker", "no scaling block", "worker", { [`${GROUP}.Scaling`]: undefined }],
  ["single-worker", "a canary", "worker", { [`${GROUP}.Update.Canary`]: 1 }],
  ["single-worker", "a spread", "worker", { [`${GROUP}.Spreads`]: [{ Attribute: "${node.unique.id}", Weight: 100 }] }],
  ["single-worker", "no disconnect policy", "worker", { [`${GROUP}.Disconnect`]: undefined }],
  ["single-worker", "a disconnect policy that waits", "worker", { [`${GROUP}.Disconnect.LostAfter`]: 5_000_000_000 }],
  ["single-worker", "a disconnect policy that stops the client's copy", "worker", { [`${GROUP}.Disconnect.StopOnClientAfter`]: 15_000_000_000 }],
  ["single-worker", "a disconnect policy that keeps the original", "worker", { [`${GROUP}.Disconnect.Reconcile`]: "keep_original" }],
  ["single-worker", "a disconnect policy that does not replace", "worker", { [`${GROUP}.Disconnect.Replace`]: false }],
  ["single-worker", "a system job", "worker", { Type: "system" }],
  ["single-worker", "a periodic job", "worker", BATCH],
  ["single-worker", "a parameterized job", "worker", { ParameterizedJob: {} }],
  ["single-worker", "a job in several regions", "worker", { Multiregion: { Regions: [{ Name: "global" }, { Name: "other" }] } }],
  ["single-worker", "an empty restart policy", "worker", { [`${GROUP}.RestartPolicy`]: {} }],
  ["single-worker", "no update policy", "worker", { [`${GROUP}.Update`]: undefined }],
  ["single-worker", "the worker's program in the API", "api", { [`${TASK}.Config.args`]: WORKER_PROGRAM }],
  ["single-worker", "the worker's program in a script of another job", "postgres", { [`${TASK}.Templates.1.EmbeddedTmpl`]: "#!/bin/sh\ncd src && exec bun jobs/worker.ts\n" }],
  ["single-worker", "the worker's program in two tasks", "worker", { [`${GROUP}.Tasks.1`]: { ...SECOND_TASK, Name: "second" } }],
  ["leased-worker", "the worker's program without the lease", "worker", { [`${TASK}.Config.args`]: WORKER_PROGRAM }],
  ["leased-worker", "the lease program below a shell", "worker", { [`${TASK}.Config.command`]: "sh", [`${TASK}.Config.args`]: ["-c", "bun /local/worker-lease.mjs /local/worker-lease.json -- bun run src/jobs/worker.ts"] }],
  ["leased-worker", "the lease program as an argument of something else", "worker", { [`${TASK}.Config.entrypoint`]: ["/usr/bin/env"] }],
  ["leased-worker", "other settings than those that are checked", "worker", { [`${TASK}.Config.args`]: ["/local/worker-lease.mjs", "/local/other.json", "--", "bun", ...WORKER_PROGRAM] }],
  ["leased-worker", "another lease program", "worker", lease({ program: "process.exit(0);\n" })],
  ["leased-worker", "no lease program", "worker", lease({ program: undefined })],
  ["leased-worker", "a lease program that is written over", "worker", { [`${TASK}.Templates`]: [...LEASE_TEMPLATES, { ...LEASE_TEMPLATES[0], EmbeddedTmpl: "process.exit(0);\n", DestPath: "local/../local/worker-lease.mjs" }] }],
  ["leased-worker", "no init", "worker", { [`${TASK}.Config.init`]: undefined }],
  ["leased-worker", "another signal", "worker", { [`${TASK}.KillSignal`]: "SIGKILL" }],
  ["leased-worker", "no identity in Consul", "worker", { [`${TASK}.Consul`]: undefined }],
  ["leased-worker", "the worker on the lease program's port", "worker", { [`${TASK}.Env.METRICS_PORT`]: "9464" }],
  ["leased-worker", "settings that are no JSON", "worker", lease({ settings: () => "{" })],
  ["leased-worker", "another owner", "worker", lease({ settings: (s) => ({ ...s, owner: "legacy" }) })],
  ["leased-worker", "another lease key", "worker", lease({ settings: (s) => ({ ...s, keys: { ...s.keys, lease: "gvfx/worker-lease-2" } }) })],
  ["leased-worker", "the keys of another namespace", "worker", { Namespace: "gvfx-staging" }],
  ["leased-worker", "the containment of a host", "worker", lease({ settings: (s) => ({ ...s, containment: "host" }) })],
  ["leased-worker", "no fence", "worker", lease({ settings: (s) => ({ ...s, fence: "none" }) })],
  ["leased-worker", "no timing", "worker", lease({ settings: (s) => ({ ...s, timing: undefined }) })],
  ["leased-worker", "a kill after the session's TTL", "worker", lease({ timing: { killAfterMs: 11_000, lockDelayMs: 20_000 } })],
  ["leased-worker", "a kill that leaves half a second of the TTL", "worker", lease({ timing: { killAfterMs: 9_500, lockDelayMs: 20_000 } })],
  ["leased-worker", "a lock-delay of zero", "worker", lease({ timing: { lockDelayMs: 0 } })],
  ["leased-worker", "a lock-delay that leaves half a second", "worker", lease({ timing: { lockDelayMs: 10_500 } })],
  ["leased-worker", "a lock-delay that Consul cuts down", "worker", lease({ timing: { lockDelayMs: 61_000 } })],
  ["leased-worker", "a TTL that Consul refuses", "worker", lease({ timing: { ttlMs: 9_900, killAfterMs: 8_500 } })],
  ["leased-worker", "a kill before the worker is asked", "worker", lease({ timing: { terminateAfterMs: 9_000 } })],
  ["leased-worker", "a kill timeout that leaves no time to give the lease back", "worker", { [`${TASK}.KillTimeout`]: 20_000_000_000 }],
  ["leased-worker", "a kill timeout that leaves half a second", "worker", { [`${TASK}.KillTimeout`]: 27_500_000_000 }],
  ["leased-worker", "a kill timeout that clients cut down", "worker", { [`${TASK}.KillTimeout`]: 3_600_000_000_000 }],
  ["worker-only-env", "the market data socket in the API", "api", { [`${TASK}.Env.BINGX_WS_ENABLED`]: "true" }],
  ["worker-only-env", "a scheduler interval in a template of the API", "api", env("TRADE_RECONCILE_INTERVAL_MIN=5\n")],
  ["worker-only-env", "Binance's socket in the API", "api", { [`${TASK}.Env.BINANCE_WS_ENABLED`]: "true" }],
  ["worker-only-env", "Binance's market data in the API", "api", { [`${TASK}.Env.BINANCE_MARKET_DATA_ENABLED`]: "true" }],
  ["worker-only-env", "Binance's backfill in the API", "api", { [`${TASK}.Env.BINANCE_BACKFILL_ENABLED`]: "true" }],
  ["worker-only-env", "the market data socket in an argument", "api", { [`${TASK}.Config.args`]: ["-c", "BINGX_WS_ENABLED=true exec bun run src/api/server.ts"] }],
  ["worker-only-env", "the market data socket in a command", "api", { [`${TASK}.Config.command`]: "BINGX_WS_ENABLED=true bun" }],
  ["worker-only-env", "the market data socket in an entrypoint", "api", { [`${TASK}.Config.entrypoint`]: ["/usr/bin/env", "BINGX_WS_ENABLED=true"] }],
  ["own-variables", "the worker's tuning in the API", "api", env('{{ with nomadVar "gvfx/tuning/worker" }}{{ range .Tuples }}{{ .K }}={{ .V }}\n{{ end }}{{ end }}')],
  ["own-variables", "the worker's tuning in a job that is no service of the app", "guardian", env('{{ if nomadVarExists "gvfx/tuning/worker" }}A=1{{ end }}')],
  ["own-variables", "a variable of another namespace", "api", env('{{ with nomadVar "gvfx/tuning/api@default" }}A={{ .A }}{{ end }}')],
  ["own-variables", "a path that is not written out", "api", env('{{ $path := "gvfx/tuning/worker" }}{{ with nomadVar $path }}A={{ .A }}{{ end }}')],
  ["own-variables", "a list of variables", "worker", env('{{ range nomadVarList "gvfx/tuning" }}{{ .Path }}{{ end }}')],
  ["tailnet-ports", "a port on the default network", "api", { [`${GROUP}.Networks.0.DynamicPorts.0.HostNetwork`]: undefined }],
  ["tailnet-ports", "a port on a public network", "gateway", { [`${GROUP}.Networks.0.ReservedPorts.0.HostNetwork`]: "public" }],
  ["tailnet-ports", "the host's network", "gateway", { [`${TASK}.Config.network_mode`]: "host" }],
  ["tailnet-ports", "a group in the host's network", "gateway", { [`${GROUP}.Networks.0.Mode`]: "host" }],
  ["tailnet-ports", "a port mapped by Docker", "api", { [`${TASK}.Config.port_map`]: [{ http: 8787 }] }],
  ["tailnet-ports", "a privileged task", "api", { [`${TASK}.Config.privileged`]: true }],
  ["secrets-from-vault", "a secret as plain environment", "worker", { [`${TASK}.Env.BINGX_SECRET_KEY`]: "abc" }],
  ["secrets-from-vault", "a secret of the platform as plain environment", "postgres", { [`${TASK}.Env.POSTGRES_PASSWORD`]: "abc" }],
  ["secrets-from-vault", "Convex's instance secret as plain environment", "convex", { [`${TASK}.Env.INSTANCE_SECRET`]: "abc" }],
  ["secrets-from-vault", "a secret that only its name gives away", "postgres", { [`${TASK}.Env.PGPASSWORD`]: "abc" }],
  ["secrets-from-vault", "a secret inside the value of another key", "api", { [`${TASK}.Env.BUN_OPTIONS`]: "--define API_TOKEN=plain" }],
  ["secrets-from-vault", "a secret as plain text in a template", "api", env("API_TOKEN=plain\n")],
  ["secrets-from-vault", "a secret as plain text inside with secret", "api", env(fromVault("API_TOKEN=plain"))],
  ["secrets-from-vault", "a constant in the form of an expression", "api", env(fromVault('API_TOKEN={{ "plain" | toJSON }}'))],
  ["secrets-from-vault", "a secret for the case that Vault has none", "api", env('{{ with secret "gvfx/data/app/api-token" }}API_TOKEN={{ .Data.data.API_TOKEN }}{{ else }}\nAPI_TOKEN={{ .Data.data.API_TOKEN }}\n{{ end }}')],
  ["secrets-from-vault", "a secret from a Nomad variable", "api", env('{{ with nomadVar "gvfx/tuning/api" }}\nAPI_TOKEN={{ .API_TOKEN.Value | toJSON }}\n{{ end }}')],
  ["secrets-from-vault", "a secret in a script", "api", script("#!/bin/sh\nexport API_TOKEN=plain\n")],
  ["secrets-from-vault", "a secret in a configuration file", "api", script('{ "API_TOKEN": "plain" }\n')],
  ["secrets-from-vault", "a secret in the arguments", "worker", { [`${TASK}.Config.args`]: ["BINGX_SECRET_KEY=abc", "bun", ...WORKER_PROGRAM] }],
  ["secrets-from-vault", "a secret in the command", "worker", { [`${TASK}.Config.command`]: "env BINGX_SECRET_KEY=abc bun" }],
  ["secrets-from-vault", "a secret in the entrypoint", "worker", { [`${TASK}.Config.entrypoint`]: ["/usr/bin/env", "BINGX_SECRET_KEY=abc"] }],
  ["secrets-from-vault", "a secret in the job's meta", "api", { "Meta.API_TOKEN": "plain" }],
  ["secrets-from-vault", "a secret in the group's meta", "api", { [`${GROUP}.Meta`]: { API_TOKEN: "plain" } }],
  ["secrets-from-vault", "a secret in the task's meta", "api", { [`${TASK}.Meta`]: { API_TOKEN: "plain" } }],
  ["secrets-from-vault", "a secret in a service's meta", "api", { [`${GROUP}.Services.0.Meta`]: { API_TOKEN: "plain" } }],
  ["secrets-from-vault", "a secret in a service's tag", "api", { [`${GROUP}.Services.0.Tags`]: ["API_TOKEN=plain"] }],
  ["secrets-from-vault", "the forbidden key", "frontend", { [`${TASK}.Env.NEXT_PUBLIC_API_TOKEN`]: "abc" }],
  ["secrets-from-vault", "the forbidden key in a template", "frontend", env(fromVault("NEXT_PUBLIC_API_TOKEN={{ .Data.data.API_TOKEN | toJSON }}"))],
  ["secrets-from-vault", "the forbidden key in an argument", "frontend", { [`${TASK}.Config.args`]: ["-c", "NEXT_PUBLIC_API_TOKEN=$API_TOKEN exec node server.js"] }],
  ["secrets-from-vault", "the Vault token in the environment", "api", { [`${TASK}.Vault.Env`]: true }],
  ["secrets-from-vault", "the Vault token in the environment by default", "api", { [`${TASK}.Vault.Env`]: undefined }],
  ["secrets-from-vault", "the Vault token for another task of the backup", "backup", { [`${TASK}.Vault.Env`]: true }],
  ["secrets-from-vault", "the Vault token as a file", "api", { [`${TASK}.Vault.DisableFile`]: undefined }],
  ["secrets-from-vault", "a private key in a template", "api", { [TEMPLATE]: "-----BEGIN EC PRIVATE KEY-----" }],
  ["secrets-from-vault", "a password in a URL", "convex", { [`${TASK}.Env.POSTGRES_URL`]: "postgres://convex:hunter2@db:5432" }],
  ["pinned-images", "a mutable tag", "api", { [`${TASK}.Config.image`]: "registry.example.com/tv-goldviewfx-backend:latest" }],
  ["pinned-images", "a tag beside a digest", "api", { [`${TASK}.Config.image`]: `repo:1@sha256:${"a".repeat(64)}` }],
  ["pinned-images", "a tag of an image that is pulled ahead", "images", { "TaskGroups.3.Tasks.0.Config.image": "ghcr.io/get-convex/convex-backend:latest" }],
  ["pinned-images", "no tag at all", "api", { [`${TASK}.Config.image`]: "postgres" }],
  ["checked-services", "a service without health check", "api", { [`${GROUP}.Services.0.Checks`]: [] }],
  ["checked-services", "a check that outlasts its interval", "api", { [`${GROUP}.Services.0.Checks.0.Timeout`]: 5_000_000_000 }],
  ["checked-services", "no service", "rlService", { [`${GROUP}.Services`]: undefined }],
  ["checked-services", "no restart policy", "frontend", { [`${GROUP}.RestartPolicy`]: undefined }],
  ["checked-services", "an empty restart policy", "gateway", { [`${GROUP}.RestartPolicy`]: {} }],
  ["checked-services", "a limit on rescheduling", "worker", { [`${GROUP}.ReschedulePolicy.Unlimited`]: false }],
  ["checked-services", "no reschedule policy", "api", { [`${GROUP}.ReschedulePolicy`]: undefined }],
  ["checked-services", "no update policy", "api", { [`${GROUP}.Update`]: undefined }],
  ["checked-services", "no reason for the timings", "api", { "Meta.rationale": " " }],
  ["checked-services", "a job of no stated type without a reschedule policy", "api", { Type: undefined, [`${GROUP}.ReschedulePolicy`]: undefined }],
  ["checked-services", "a batch job without restart policy", "rlService", { ...BATCH, [`${GROUP}.RestartPolicy`]: undefined }],
  ["checked-services", "a batch job without a reason for its timings", "rlService", { ...BATCH, Meta: {} }],
  ["checked-services", "a batch job on every node without restart policy", "images", { [`${GROUP}.RestartPolicy`]: undefined }],
  ["quiet-templates", "a template that restarts", "worker", { [`${TASK}.Templates.0.ChangeMode`]: "restart" }],
  ["quiet-templates", "a template that runs a script", "api", { [`${TASK}.Templates.0.ChangeMode`]: "script" }],
  ["quiet-templates", "a Vault token that restarts", "worker", { [`${TASK}.Vault.ChangeMode`]: "restart" }],
];
