/** Backups by the job, and restores by the commands: rehearsed, in place, and what was deleted while a row still named it. */
import { AwsClient } from "aws4fetch";
import { kvPaths } from "../../contracts/kv";
import { CONVEX_BUCKETS, serviceName } from "../../contracts/services";
import { Duration } from "../../contracts/units";
import { request } from "../../scripts/clients/http";
import type { RestoreReport } from "../../scripts/data/restore/report";
import { APP_JOBS } from "../../scripts/data/restore/types";
import { describeUnless } from "../terraform/terraform";
import { A_BACKUP, backup, type Fingerprint } from "./backups";
import { access, askConsul, CONVEX, eventually, environment, gvfxData, gvfxLab, gvfxLease, inMachine, dataTestsMissing, namespace, nomadJson, query } from "./lab-fixture";

const RECOVERY_POINT_GOAL = Duration.minutes(15);
const RECOVERY_TIME_GOAL = Duration.minutes(3);
const { workerOwner } = kvPaths(namespace);
const FILES = CONVEX_BUCKETS.S3_STORAGE_FILES_BUCKET;
/** Stands for a model artefact. */
const MODEL = "weights of a model";
const OBJECTSTORE = "http://127.0.0.1:19000";
/** Of the load that stores and deletes files. */
const WRITERS = 4;
const FILES_AT_ONCE = 20;

const json = async <T>(args: readonly string[], accept?: readonly number[]): Promise<T> => JSON.parse((await gvfxData([...args, "--json"], accept)).output) as T;

async function secret(path: string): Promise<Readonly<Record<string, string>>> {
  const { vault } = access();
  const answer = await request(`${vault.address}/v1/${environment.vault.kvMount}/data/${path}`, { ca: vault.caPem, headers: { "x-vault-token": vault.token } });
  return (JSON.parse(answer.text) as { data: { data: Record<string, string> } }).data.data;
}

/** A public function of Convex that writes. */
async function convex<T>(kind: "mutation" | "action", path: string, args: unknown): Promise<T> {
  const answer = await request(`${CONVEX}/api/${kind}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path, args, format: "json" }) });
  const { status: outcome, value, errorMessage } = JSON.parse(answer.text) as { status: string; value: T; errorMessage?: string };
  if (outcome !== "success") throw new Error(`${path}: ${errorMessage}`);
  return value;
}

/** What a stored file holds; undefined when there is none. */
async function stored(storageId: string): Promise<string | undefined> {
  const url = await query<string | null>("storage:getFileUrl", { storageId });
  return url === null ? undefined : (await request(`${CONVEX}${new URL(url).pathname}`)).text;
}

const count = async (table: string): Promise<number> => (await query<{ count: number }>("data:query", { table, filters: [], includeCount: true, limit: 1 })).count;

describeUnless(dataTestsMissing(), "backup and restore", () => {
  let mark: string;
  /** The restore point of the second test; a later one may have come since, with what is deleted here. */
  let taken: string;
  let file: string;

  beforeAll(async () => {
    // Nobody writes: what a restore brings can be compared to the row.
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "nobody" });
    await eventually(60, async () => expect((await gvfxLease<{ holder?: unknown }>("status")).exit).toBe(1));
    mark = new Date().toISOString();
    file = (await convex<{ storageId: string }>("action", "storage:storeTextFile", { content: MODEL, contentType: "text/plain" })).storageId;
  }, 120_000);
  afterAll(async () => {
    await gvfxData(["restore", "--start"], [0, 1, 2]);
    await gvfxData(["restore", "--discard-old", "--confirm", "lab"], [0, 1, 2]);
    await askConsul(`/v1/kv/${workerOwner}`, { method: "PUT", body: "nomad" });
    await eventually(120, async () => expect((await gvfxLease<{ well: boolean }>("status")).well).toBe(true));
    await eventually(120, async () => void (await gvfxLab("status")));
  }, 300_000);

  test("Convex may delete an object, and no version of one", async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = await secret("data/objectstore-convex");
    const store = new AwsClient({ accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, service: "s3", region: "us-east-1" });
    const url = `${OBJECTSTORE}/${FILES}/e2e-undeletable`;
    const put = await store.fetch(url, { method: "PUT", body: "kept" });
    expect(put.status).toBe(200);
    const version = put.headers.get("x-amz-version-id")!;
    expect(version).toBeTruthy();
    expect((await store.fetch(url, { method: "DELETE" })).status).toBe(204);
    expect((await store.fetch(url)).status).toBe(404);
    expect((await store.fetch(`${url}?versionId=${version}`, { method: "DELETE" })).status).toBe(403);
  });

  test("a run stores everything, with the clusters' snapshots and what was deleted a moment before, and says so where the guardian looks", async () => {
    const written = await backup();
    expect(written.warning).toBeUndefined();
    const { points } = await json<{ points: readonly { readonly id: string; readonly manifest: { readonly objects: Readonly<Record<string, { readonly deletedSinceStart: number }>>; readonly cluster: unknown } }[] }>(["backups"]);
    const [newest] = points;
    expect(newest.id.startsWith(written.snapshot)).toBe(true);
    expect(newest.manifest.objects[FILES].deletedSinceStart).toBeGreaterThanOrEqual(1);
    expect(JSON.stringify(newest.manifest.cluster)).toMatch(/nomad.*consul.*vault/);
    taken = written.snapshot;
    const [{ ServiceAddress, ServicePort }] = JSON.parse((await askConsul(`/v1/catalog/service/${serviceName("guardian")}`)).text) as readonly { readonly ServiceAddress: string; readonly ServicePort: number }[];
    await eventually(90, async () => {
      const { output } = await inMachine("device", "curl", "--silent", "--fail", `http://${ServiceAddress}:${ServicePort}/metrics`);
      expect(Number(/^gvfx_backup_age_seconds(?:\{[^}]*\})? (\S+)$/m.exec(output)?.[1])).toBeLessThan(RECOVERY_POINT_GOAL.seconds);
    });
  }, A_BACKUP * 2_000);

  test("a rehearsal proves the newest backup within the recovery time, and leaves nothing", async () => {
    const report = await json<RestoreReport>(["restore", "--rehearse"]);
    process.stderr.write(`rehearsal: recovery point ${report.recoveryPointAgeSeconds} s old, recovery time ${report.recoverySeconds} s\n`);
    expect([report.verdict, report.problems]).toEqual(["proven", []]);
    expect(report.recoverySeconds).toBeLessThan(RECOVERY_TIME_GOAL.seconds);
    expect(report.recoveryPointAgeSeconds).toBeLessThan(RECOVERY_POINT_GOAL.seconds);
    const backups = environment.nodes.find(({ name }) => name !== environment.dataPlane.node)!;
    expect((await inMachine(backups.name, "sh", "-c", `ls -d ${backups.volumesRoot}/gvfx-restore-* 2>/dev/null | wc -l`)).output.trim()).toBe("0");
  }, 300_000);

  test("rows and a file are deleted by mistake, and a restore in place brings back every row and every hash", async () => {
    const [trades, before] = [await count("bingx_trades"), await json<Fingerprint>(["fingerprint"])];
    expect(trades).toBeGreaterThan(0);
    const gone = await query<{ data: readonly { readonly id: string }[] }>("data:query", { table: "ingestion_runs", filters: [{ field: "started_at", op: "lte", value: mark }], select: ["id"], limit: 5 });
    await convex("mutation", "data:write", { table: "ingestion_runs", action: "delete", filters: [{ field: "id", op: "in", value: gone.data.map(({ id }) => id) }] });
    await convex("mutation", "storage:deleteFile", { storageId: file });
    expect(await stored(file)).toBeUndefined();
    expect(await json<Fingerprint>(["fingerprint"])).not.toEqual(before);

    const report = await json<RestoreReport>(["restore", "--in-place", "--snapshot", taken, "--confirm", "lab"]);
    process.stderr.write(`in place: recovery time ${report.recoverySeconds} s\n`);
    expect([report.verdict, report.problems]).toEqual(["proven", []]);
    expect(report.references).toBeGreaterThan(0);
    expect(report.recoverySeconds).toBeLessThan(RECOVERY_TIME_GOAL.seconds);
    await eventually(60, async () => expect(await count("bingx_trades")).toBe(trades));
    const after = await json<Fingerprint>(["fingerprint"]);
    expect(after.convex).toEqual(before.convex);
    expect(report.convex).toEqual(before.convex);
    expect(await stored(file)).toBe(MODEL);

    // What trades stays stopped until it is told to start.
    const appIsStopped = async () => Promise.all(APP_JOBS.map(async (id) => (await nomadJson<{ readonly Stop: boolean }>(`/v1/job/${id}?namespace=${namespace}`)).Stop));
    expect(await appIsStopped()).toEqual([true, true]);
    expect(report.next.join("\n")).toMatch(/data restore --start/);
    await gvfxData(["restore", "--start"]);
    expect(await appIsStopped()).toEqual([false, false]);
  }, 600_000);

  test("taken at a random moment of a load that stores and deletes files, it has every file that its rows name", async () => {
    const over = new AbortController();
    const kept: string[] = [];
    const counted = { stored: 0, deleted: 0 };
    // Files live for a few seconds: at any moment some are new, and some have just gone.
    const writer = async (name: number): Promise<void> => {
      while (!over.signal.aborted) {
        kept.push((await convex<{ storageId: string }>("action", "storage:storeTextFile", { content: `${MODEL} ${name} ${(counted.stored += 1)}`, contentType: "text/plain" })).storageId);
        if (kept.length <= FILES_AT_ONCE) continue;
        await convex("mutation", "storage:deleteFile", { storageId: kept.shift()! });
        counted.deleted += 1;
      }
    };
    const writers = Promise.all(Array.from({ length: WRITERS }, (_, name) => writer(name)));
    let report: RestoreReport;
    try {
      await new Promise((done) => setTimeout(done, 2_000 + Math.random() * 10_000));
      await backup();
      report = await json<RestoreReport>(["restore", "--rehearse"]);
    } finally {
      over.abort();
      await writers;
      for (const storageId of kept) await convex("mutation", "storage:deleteFile", { storageId });
    }
    process.stderr.write(`under load: ${counted.stored} files stored, ${counted.deleted} deleted, ${report.references} references restored\n`);
    expect([report.verdict, report.problems]).toEqual(["proven", []]);
    expect(report.references).toBeGreaterThanOrEqual(FILES_AT_ONCE);
    expect(counted.deleted).toBeGreaterThan(100);
  }, A_BACKUP * 4_000);
});
