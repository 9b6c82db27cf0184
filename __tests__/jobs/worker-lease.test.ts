import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../properties";
import { workerJob } from "../../constructs/jobs/worker";
import { leaseSettings } from "../../constructs/jobs/worker-lease";
import { WORKER_LEASE_SOURCE } from "../../constructs/jobs/worker-lease-source";
import { deployTimeout } from "../../constructs/nomad/job";
import { renderJob } from "../../constructs/nomad/render";
import { Duration } from "../../contracts/units";
import { environmentNames, loadEnvironment } from "../../environments/load";
import { parseEnvironment } from "../../environments/parse";
import { lab } from "../../environments/lab";
import { production } from "../../environments/production";
import type { Environment, EnvironmentInput } from "../../environments/schema";
import { singletonFindings } from "../../environments/singleton/inequalities";
import { program } from "../lease/runtime/program";
import { environment, pinned } from "./worked-example";

const [group] = renderJob(workerJob(environment, pinned)).TaskGroups;
const [task] = group.Tasks;
const file = (path: string) => task.Templates!.find(({ DestPath }) => DestPath === path)?.EmbeddedTmpl;
const withFallback = (input: EnvironmentInput, fallback: EnvironmentInput["lease"]["fallback"], consul: Partial<EnvironmentInput["consul"]> = {}) =>
  parseEnvironment("other", { ...input, lease: { ...input.lease, fallback }, consul: { ...input.consul, ...consul } });

test("the lease program runs the worker", () => {
  expect(task.Config).toMatchObject({ command: "bun", args: ["/local/worker-lease.mjs", "/local/worker-lease.json", "--", "bun", "run", "src/jobs/worker.ts"], init: true });
  expect(file("local/worker-lease.mjs")).toBe(WORKER_LEASE_SOURCE);
});

test("it is told the environment's keys and times, and by Nomad what only the node knows", () => {
  expect(JSON.parse(file("local/worker-lease.json")!)).toEqual({
    owner: "nomad",
    keys: { owner: "gvfx/worker-owner", lease: "gvfx/worker-lease" },
    node: "{{ env `node.unique.name` }}",
    agents: ["http://{{ env `meta.tailnet_address` }}:8500"],
    servers: ["https://100.64.0.21:8501", "https://100.64.0.22:8501", "https://100.64.0.23:8501"],
    caFile: "/local/consul-ca.pem",
    tokenFile: "/secrets/consul-token",
    port: 9464,
    childMetricsUrl: "http://127.0.0.1:9465/metrics",
    containment: "container",
    fence: "kernel-timer",
    timing: { ttlMs: 10_000, lockDelayMs: 12_000, renewEveryMs: 1_000, requestTimeoutMs: 3_000, terminateAfterMs: 8_000, killAfterMs: 9_000, stopGraceMs: 20_000 },
  });
  const other = parseEnvironment("other", { ...production, nomad: { ...production.nomad, namespace: "other" }, lease: { ...production.lease, stopGrace: "15s" } });
  expect(leaseSettings(other)).toMatchObject({ keys: { owner: "other/worker-owner", lease: "other/worker-lease" }, timing: { stopGraceMs: 15_000 } });
});

/** The settings as Nomad renders them. */
const rendered = (env: Environment): unknown => JSON.parse(JSON.stringify(leaseSettings(env)).replaceAll("{{ env `node.unique.name` }}", "server-1").replaceAll("{{ env `meta.tailnet_address` }}", "100.64.0.11"));

test("the lease program takes them", () => {
  expect(JSON.stringify(rendered(environment))).not.toContain("{{");
  for (const name of environmentNames()) expect([name, program.checked(rendered(loadEnvironment(name)))]).toEqual([name, []]);
});

test("property: whatever times the environment may have, the lease program takes", () => {
  const from = (min: number, max: number) => fc.integer({ min, max });
  let taken = 0;
  fc.assert(
    // Steps from one time to the next, so that many fall on either side of what is refused.
    fc.property(from(7_800, 8_500), from(900, 1_500), from(900, 1_500), from(900, 1_500), from(900, 2_500), from(700, 2_500), from(2_500, 4_000), (terminate, kill, dead, ttlRoom, lockRoom, renew, request) => {
      const [terminateAfter, killAfter, deadAfter, ttl, lockDelay, renewEvery, requestTimeout] = [terminate, terminate + kill, terminate + kill + dead, terminate + kill + ttlRoom, terminate + kill + dead + lockRoom, renew, request].map((ms) => Duration.ms(ms));
      const env = { ...environment, lease: { ...environment.lease, ttl, lockDelay, renewEvery, requestTimeout, terminateAfter, killAfter, deadAfter } };
      if (singletonFindings(env).length > 0) return;
      taken += 1;
      expect(program.checked(rendered(env))).toEqual([]);
    }),
    { numRuns: 2_000, seed: 5 },
  );
  expect(taken).toBeGreaterThan(100);
  expect(taken).toBeLessThan(1_900);
});

test("its token is that of the role, where the image's user can read it", () => {
  expect(task.Consul).toEqual({});
  expect(task.Templates).toContainEqual(expect.objectContaining({ DestPath: "secrets/consul-token", EmbeddedTmpl: "{{ env `CONSUL_HTTP_TOKEN` }}\n", Perms: "0644", Envvars: false }));
});

test("it listens where Nomad publishes, and the worker beside it", () => {
  expect(group.Networks).toEqual([{ DynamicPorts: [{ Label: "metrics", To: 9464, HostNetwork: "tailnet" }] }]);
  expect(group.Services[0].Checks).toMatchObject([{ Type: "http", Path: "/healthz" }]);
  expect(task.Env).toMatchObject({ METRICS_PORT: "9465" });
});

test("it is stopped in time, started again at once, and hands over without a delay that nobody needs", () => {
  expect(task).toMatchObject({ KillSignal: "SIGTERM", KillTimeout: 28_000_000_000 });
  expect(group.ShutdownDelay).toBe(1_000_000_000);
  expect(group.RestartPolicy).toEqual({ Attempts: 5, Interval: 60_000_000_000, Delay: 1_000_000_000, Mode: "fail" });
  expect(group.ReschedulePolicy).toMatchObject({ Unlimited: true, Delay: 5_000_000_000, DelayFunction: "constant" });
  expect(deployTimeout(workerJob(environment, pinned)).seconds).toBe(28 + 1 + 300 + 300);
});

describe("Consul's servers", () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-authority-"));
  const made = join(folder, "ca.pem");
  const pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
  writeFileSync(made, pem);
  afterAll(() => rmSync(folder, { recursive: true }));
  const delivered = (fallback: EnvironmentInput["lease"]["fallback"], input = production) => workerJob(withFallback(input, fallback), pinned).group.tasks[0].templates;

  test("are trusted by the environment's own authority", () => {
    expect(new X509Certificate(file("local/consul-ca.pem")!).ca).toBe(true);
    expect(delivered({ enabled: true, authority: { pem } })).toContainEqual({ data: pem, destination: "local/consul-ca.pem" });
  });

  test("of a lab are asked once its authority is made", () => {
    const before = withFallback(lab, { enabled: true, authority: { file: join(folder, "none.pem") } });
    expect(leaseSettings(before)).toMatchObject({ servers: [] });
    expect(leaseSettings(before)).not.toHaveProperty("caFile");
    expect(delivered({ enabled: true, authority: { file: made } }, lab)).toContainEqual({ data: pem, destination: "local/consul-ca.pem" });
  });

  test("of the lab listen on their own port, not on the one that is published for the operator", () => {
    expect(loadEnvironment("lab").consul.address).toBe("https://127.0.0.1:18501");
    expect(leaseSettings(withFallback(lab, { enabled: true, authority: { file: made } })).servers).toEqual(["https://100.127.0.21:8501", "https://100.127.0.22:8501", "https://100.127.0.23:8501"]);
  });

  test("that speak http need none, and keep the port that is given", () => {
    expect(leaseSettings(withFallback(production, { enabled: true }, { address: "http://100.64.0.21:8599", servers: ["100.64.0.21"] }))).toMatchObject({ servers: ["http://100.64.0.21:8599"] });
  });

  test("are left alone when the environment says so", () => {
    const settings = leaseSettings(withFallback(production, { enabled: false, reason: "closed to the nodes" }));
    expect(settings.servers).toEqual([]);
    expect(settings.agents).toHaveLength(1);
  });
});
