import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../properties";
import { appEnvironment, serviceUrl } from "../../constructs/jobs/app-environment";
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { secretEnvTemplate, variablesHash } from "../../constructs/jobs/templates";
import type { ApiJob, ApiTask } from "../../constructs/nomad/api";
import { renderJob, renderJobJson } from "../../constructs/nomad/render";
import type { SingletonGroup } from "../../constructs/nomad/spec";
import { entriesFor } from "../../contracts/env";
import { CONVEX_BUCKETS, JOB_KEYS, JOBS, type JobKey } from "../../contracts/services";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { environment, pinned } from "./worked-example";

const rendered = (key: JobKey): ApiJob => renderJob(JOB_BUILDERS[key](environment, pinned));
const task = (key: JobKey, index = 0): ApiTask => rendered(key).TaskGroups[0].Tasks[index];
const template = (key: JobKey, destination: string, index = 0) => task(key, index).Templates!.find((t) => t.DestPath === destination)!.EmbeddedTmpl;

describe("replicated services", () => {
  test.each([
    ["api", "gvfx-api-alloc", 8787, "/health"],
    ["frontend", "gvfx-frontend-alloc", 3000, "/"],
    ["rlService", "gvfx-rl-service-alloc", 9101, "/health"],
  ] as const)("%s: two, spread, dynamic ports, checked, canary with auto-revert and auto-promote", (key, service, port, path) => {
    const [group] = rendered(key).TaskGroups;
    expect(group.Count).toBe(2);
    expect(group.Spreads).toEqual([{ Attribute: "${node.unique.id}", Weight: 100 }]);
    expect(group.Networks).toEqual([{ DynamicPorts: [{ Label: "http", To: port, HostNetwork: "tailnet" }] }]);
    expect(group.Services).toHaveLength(1);
    expect(group.Services[0]).toMatchObject({ Name: service, Provider: "consul", PortLabel: "http", Checks: [{ Type: "http", Path: path }] });
    expect(group.Update).toMatchObject({ Canary: 1, AutoRevert: true, AutoPromote: true, MaxParallel: 1, HealthCheck: "checks" });
    expect(group.ReschedulePolicy).toMatchObject({ Unlimited: true });
    expect(group.ShutdownDelay).toBe(5_000_000_000);
  });
});

describe("the worker", () => {
  test("is one: count, scaling, no canary, no spread, a stated disconnect policy", () => {
    const [group] = rendered("worker").TaskGroups;
    expect(group).toMatchObject({ Count: 1, Scaling: { Min: 1, Max: 1 }, Disconnect: { Replace: true, Reconcile: "keep_replacement" }, Update: { Canary: 0, AutoPromote: false } });
    expect(group.Spreads).toBeUndefined();
  });

  test("a second copy cannot be written", () => {
    const singleton = JOB_BUILDERS.worker(environment, pinned).group as SingletonGroup;
    // @ts-expect-error a singleton group has no count
    const two: SingletonGroup = { ...singleton, count: 2 };
    // @ts-expect-error nor canaries
    const canaries: SingletonGroup = { ...singleton, canary: { count: 1, autoPromote: true } };
    for (const group of [two, canaries]) expect(renderJob({ ...JOB_BUILDERS.worker(environment, pinned), group }).TaskGroups[0]).toMatchObject({ Count: 1, Update: { Canary: 0 } });
  });

  test("has the market data socket, and no other job has it", () => {
    for (const key of JOB_KEYS) {
      const names = JSON.stringify(rendered(key)).includes("BINGX_WS_ENABLED");
      expect(names).toBe(key === "worker");
    }
  });
});

describe("the data plane", () => {
  test.each(["postgres", "objectstore", "convex"] as const)("%s is single and on the data node", (key) => {
    const [group] = rendered(key).TaskGroups;
    expect(group.Count).toBe(1);
    expect(group.Constraints).toContainEqual({ LTarget: "${node.unique.name}", Operand: "=", RTarget: environment.dataPlane.node });
    expect(group.Update?.Canary).toBe(0);
  });

  test("Postgres and MinIO keep their data on static host volumes", () => {
    for (const key of ["postgres", "objectstore"] as const) {
      expect(rendered(key).TaskGroups[0].Volumes).toEqual({ data: { Name: "data", Type: "host", Source: JOBS[key], ReadOnly: false } });
      expect(task(key).VolumeMounts).toHaveLength(1);
    }
  });

  test("Convex: SIGINT, path style, both ports, all five buckets and the region, at least 2 GiB", () => {
    const convex = task("convex");
    expect(convex.KillSignal).toBe("SIGINT");
    expect(convex.Env).toMatchObject({ AWS_S3_FORCE_PATH_STYLE: "true", AWS_REGION: "us-east-1", POSTGRES_MAX_CONNECTIONS: "48", ...CONVEX_BUCKETS });
    expect(rendered("convex").TaskGroups[0].Networks[0].ReservedPorts!.map((p) => p.Value)).toEqual([3210, 3211]);
    expect(convex.Resources.MemoryMB).toBeGreaterThanOrEqual(2048);
    expect(template("convex", "secrets/postgres.env")).toMatch(/POSTGRES_URL="postgres:\/\/convex:\{\{ \.Data\.data\.CONVEX_DB_PASSWORD \| urlquery \}\}@gvfx-postgres\.service\.consul:5432"\n/);
    expect(JSON.stringify(convex.Env)).not.toMatch(/SECRET|PASSWORD/);
  });

  test("all five buckets are made by a task after start", () => {
    expect(task("objectstore", 1).Lifecycle).toEqual({ Hook: "poststart", Sidecar: false });
    for (const bucket of Object.values(CONVEX_BUCKETS)) expect(template("objectstore", "local/buckets.sh", 1)).toContain(bucket);
  });

  describe("an empty volume", () => {
    const folder = mkdtempSync(join(tmpdir(), "gvfx-volume-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    // The official entrypoint is replaced by one that says that it was reached.
    writeFileSync(join(folder, "docker-entrypoint.sh"), "#!/bin/sh\necho reached\n", { mode: 0o755 });
    writeFileSync(join(folder, "start.sh"), template("postgres", "local/start.sh"));
    const start = (pgdata: string, initialize: string) =>
      spawnSync("bash", [join(folder, "start.sh"), "postgres"], { env: { PATH: `${folder}:${process.env.PATH}`, PGDATA: pgdata, GVFX_INITIALIZE: initialize }, encoding: "utf8" });

    test("is refused, with what to do", () => {
      const result = start(join(folder, "empty"), "no");
      expect(result.status).toBe(78);
      expect(result.stderr).toMatch(/is empty, and this is not the first boot[\s\S]*dataPlane\.initializeEmptyVolumes = true/);
    });

    test("is initialized on the first boot only by saying so", () => {
      expect(start(join(folder, "empty"), "yes").stdout).toBe("reached\n");
    });

    test("is no matter once there is data", () => {
      mkdirSync(join(folder, "full"));
      writeFileSync(join(folder, "full", "PG_VERSION"), "17\n");
      expect(start(join(folder, "full"), "no").stdout).toBe("reached\n");
    });
  });

  test("the scripts are sound shell", () => {
    for (const [key, destination, index] of [["postgres", "local/start.sh", 0], ["postgres", "local/roles.sh", 1], ["objectstore", "local/start.sh", 0], ["objectstore", "local/buckets.sh", 1], ["gateway", "local/gateway.sh", 0]] as const) {
      const text = template(key, destination, index);
      const shell = text.split("\n")[0].replace("#!", "");
      expect(spawnSync(shell, ["-n"], { input: text, encoding: "utf8" }).stderr).toBe("");
    }
  });
});

describe("environment of the app", () => {
  test("the worked example honours the contract for every service", () => {
    for (const service of ["api", "worker", "frontend", "rl-service"] as const) {
      const known = new Set(entriesFor(service).map((e) => e.key));
      expect(Object.keys(appEnvironment(environment, service)).filter((key) => !known.has(key))).toEqual([]);
    }
  });

  test("the frontend adds the API token itself", () => {
    expect(appEnvironment(environment, "frontend").API_TOKEN).toEqual({ from: "secret" });
    expect(serviceUrl(environment, "api")).toBe("http://gvfx-api.service.consul:8787");
  });

  test("optional secrets are left out when Vault has none, required ones stop the start", () => {
    const { data } = secretEnvTemplate("gvfx", JOBS.worker, ["TIMESCALE_URL", "BINGX_API_KEY"]);
    expect(data).toContain('{{ if index .Data.data "BINGX_API_KEY" }}BINGX_API_KEY={{ index .Data.data "BINGX_API_KEY" | toJSON }}{{ end }}');
    expect(data).toContain("TIMESCALE_URL={{ .Data.data.TIMESCALE_URL | toJSON }}");
    expect(() => secretEnvTemplate("gvfx", JOBS.frontend, ["BINGX_API_KEY"])).toThrow(/gvfx-frontend may not read BINGX_API_KEY/);
  });

  test("a changed catalog changes the meta of the jobs that read it, and of no other", () => {
    const other = parseEnvironment("other", { ...production, markets: { ...production.markets, crypto: ["BTC-USDT"] } });
    const changed = JOB_KEYS.filter((key) => renderJobJson(JOB_BUILDERS[key](other, pinned)) !== renderJobJson(JOB_BUILDERS[key](environment, pinned)));
    expect(changed).toEqual(["api", "frontend", "worker"]);
    expect(variablesHash(appEnvironment(other, "api"))).not.toBe(variablesHash(appEnvironment(environment, "api")));
  });
});

test("property: whatever the replicas and resources, no job but the replicated ones has more than one copy", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4000 }), (replicas, cpuMhz) => {
      const other = parseEnvironment("other", {
        ...production,
        replicas: { api: Math.min(replicas, 4), frontend: replicas, rlService: replicas },
        resources: { ...production.resources, api: { ...production.resources.api, cpuMhz } },
        dataPlane: { ...production.dataPlane, postgres: { ...production.dataPlane.postgres, maxConnections: 500 } },
      });
      for (const key of JOB_KEYS) {
        const { Count } = renderJob(JOB_BUILDERS[key](other, pinned)).TaskGroups[0];
        // Undefined: one on each node.
        expect(Count).toBe(["api", "frontend", "rlService"].includes(key) ? replicas : ["gateway", "images"].includes(key) ? undefined : 1);
      }
    }),
    { numRuns: 30 },
  );
});

test("durations are integer nanoseconds: Nomad drops what it cannot read without a word", () => {
  const durations = /"(Interval|Timeout|Delay|MaxDelay|KillTimeout|ShutdownDelay|MinHealthyTime|HealthyDeadline|ProgressDeadline)": ?("[^"]*"|[\d.]+)/g;
  for (const key of JOB_KEYS) for (const [, name, value] of renderJobJson(JOB_BUILDERS[key](environment, pinned)).matchAll(durations)) expect(`${name} ${value}`).toMatch(/ \d+$/);
});
