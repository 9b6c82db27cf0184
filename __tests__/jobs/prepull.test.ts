/** Every image of the platform is on every app node before it is needed. */
import { spawnSync } from "node:child_process";
import { jobViolations } from "../../constructs/guardrails/rules";
import { JOB_BUILDERS } from "../../constructs/jobs/catalog";
import { imagesJob } from "../../constructs/jobs/prepull";
import type { ApiJob } from "../../constructs/nomad/api";
import { deployTimeout } from "../../constructs/nomad/job";
import { renderJob, renderJobJson } from "../../constructs/nomad/render";
import type { SysbatchGroup } from "../../constructs/nomad/spec";
import { IMAGE_ROLES, type ImageLock } from "../../contracts/images";
import { JOB_KEYS } from "../../contracts/services";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import { environment, pinned, unpinned } from "./worked-example";

const imagesOf = ({ TaskGroups }: ApiJob): string[] => TaskGroups.flatMap((group) => group.Tasks.map((task) => task.Config.image));
const job = renderJob(imagesJob(environment, pinned));

/** Images that some job of the platform runs and that are not pulled ahead. */
function notPulled(pulled: ApiJob, env = environment, lock = pinned): string[] {
  const ahead = new Set(imagesOf(pulled));
  return [...new Set(JOB_KEYS.flatMap((key) => imagesOf(renderJob(JOB_BUILDERS[key](env, lock)))))].filter((image) => !ahead.has(image));
}

test("every image that any job runs is pulled, each once", () => {
  expect(notPulled(job)).toEqual([]);
  expect(imagesOf(job)).toHaveLength(IMAGE_ROLES.length);
  expect(new Set(imagesOf(job)).size).toBe(IMAGE_ROLES.length);
});

test("planted: an image that is left out is found", () => {
  const without = { ...job, TaskGroups: job.TaskGroups.filter(({ Name }) => Name !== "rl-service") };
  expect(notPulled(without)).toEqual([expect.stringMatching(/^registry\.example\.com\/tv-goldviewfx-rl-service@sha256:/)]);
});

test("planted: pinned by other digests than those that jobs run is found for every image", () => {
  const older = Object.fromEntries(IMAGE_ROLES.map((role) => [role, { digest: `sha256:${"f".repeat(64)}`, source: null }])) as unknown as ImageLock;
  expect(notPulled(renderJob(imagesJob(environment, older)))).toHaveLength(IMAGE_ROLES.length);
});

test("runs on every app node and never on the witness, whichever node holds the data", () => {
  for (const node of ["server-1", "server-2"]) {
    const moved = parseEnvironment("moved", { ...production, dataPlane: { ...production.dataPlane, node } });
    const { Type, TaskGroups } = renderJob(imagesJob(moved, pinned));
    expect(Type).toBe("sysbatch");
    for (const { Constraints } of TaskGroups) expect(Constraints).toEqual([{ LTarget: "${node.class}", Operand: "!=", RTarget: "witness" }]);
  }
});

test("one image that cannot be pulled ends no other's pull: each is a group of its own", () => {
  expect(job.TaskGroups.map(({ Name }) => Name)).toEqual(["backend", "frontend", "rl-service", "convex", "postgres", "minio", "minio-client", "haproxy", "restic"]);
  for (const group of job.TaskGroups) expect(group.Tasks.map(({ Name }) => Name)).toEqual([group.Name]);
});

test("stays registered when it has ended, and never runs twice at once", () => {
  expect(job.Periodic).toEqual({ Enabled: true, Specs: ["0 */1 * * *"], SpecType: "cron", ProhibitOverlap: true, TimeZone: "UTC" });
});

test("no run outlasts what a pull and its retries may take, so that the next one starts", () => {
  for (const { RestartPolicy, Tasks: [task] } of job.TaskGroups) {
    expect(RestartPolicy).toMatchObject({ Mode: "fail", Attempts: 2 });
    expect(task.Config.image_pull_timeout).toBe("30m");
  }
});

test("starts no program of an image, holds no secret and keeps little of the node", () => {
  for (const { Tasks: [task], Services, Volumes } of job.TaskGroups) {
    const [shell, ...args] = [...(task.Config.entrypoint as string[]), ...(task.Config.args as string[])];
    expect(spawnSync(shell, args)).toMatchObject({ status: 0 });
    for (const field of ["Vault", "Consul", "Identity", "Env", "Templates", "VolumeMounts"]) expect(task).not.toHaveProperty(field);
    expect(task.Resources).toEqual({ CPU: 20, MemoryMB: 32 });
    expect(Services).toEqual([]);
    expect(Volumes).toBeUndefined();
  }
});

test("has none of the policies that Nomad refuses in such a job, and keeps every rule", () => {
  for (const group of job.TaskGroups) for (const field of ["Count", "Update", "ReschedulePolicy", "Migrate", "Disconnect", "Scaling", "Spreads", "ShutdownDelay"]) expect(group).not.toHaveProperty(field);
  expect(jobViolations(job)).toEqual([]);
});

test("cannot be given a volume, a service or a number of copies", () => {
  const group = imagesJob(environment, pinned).group as SysbatchGroup;
  // @ts-expect-error a host volume is on one node only
  const volume: SysbatchGroup = { ...group, volume: { name: "data", source: "gvfx-postgres" } };
  // @ts-expect-error what ends is not called
  const service: SysbatchGroup = { ...group, services: [{ name: "images", port: "http" }] };
  // @ts-expect-error one on each node, neither more nor fewer
  const count: SysbatchGroup = { ...group, count: 2 };
  expect([volume, service, count].map(({ kind }) => kind)).toEqual(["sysbatch", "sysbatch", "sysbatch"]);
});

test("changes with a digest, and with nothing else that jobs read", () => {
  const text = renderJobJson(imagesJob(environment, pinned));
  const newer = { ...pinned, convex: { digest: `sha256:${"e".repeat(64)}`, source: null } };
  expect(renderJobJson(imagesJob(environment, newer))).not.toBe(text);
  const retuned = parseEnvironment("retuned", { ...production, replicas: { api: 1, frontend: 1, rlService: 1 }, tuning: { ...production.tuning, worker: {} } });
  expect(renderJobJson(imagesJob(retuned, pinned))).toBe(text);
});

test("two roles with one image pull it once", () => {
  const shared = parseEnvironment("shared", { ...production, images: { ...production.images, minioClient: production.images.minio } });
  const lock = { ...pinned, minioClient: pinned.minio };
  expect(imagesOf(renderJob(imagesJob(shared, lock)))).toHaveLength(IMAGE_ROLES.length - 1);
  expect(notPulled(renderJob(imagesJob(shared, lock)), shared, lock)).toEqual([]);
});

test("an apply registers it and waits for no pull", () => {
  expect(deployTimeout(imagesJob(environment, pinned)).toString()).toBe("5m");
  expect(imagesOf(renderJob(imagesJob(environment, unpinned)))).toHaveLength(IMAGE_ROLES.length);
});
