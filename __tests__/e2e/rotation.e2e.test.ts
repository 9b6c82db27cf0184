/** Certificates, keys, tokens and secrets are rotated for real, under 200 requests a second through both gateways. */
import { existsSync, readFileSync } from "node:fs";
import { kvPaths } from "../../contracts/kv";
import { FIRST_GENERATIONS, parseRotation, type Rotation } from "../../contracts/rotation";
import { NOMAD_ROLES } from "../../contracts/identity";
import { JOBS } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { request, Unreachable } from "../../scripts/clients/http";
import { stackOutputs } from "../../scripts/lab/access";
import { run } from "../../scripts/lab/run";
import { LAB_STACKS, OUTPUT_FOLDER, synthesizeLab, Terraform } from "../../scripts/lab/terraform";
import { ROTATABLE } from "../../scripts/secrets/rotate";
import { synthesize } from "../../synth";
import { describeUnless } from "../terraform/terraform";
import { access, apiToken, askConsul, askNomad, environment, eventually, GVFX_LAB, gvfxData, gvfxLease, inMachine, inTask, labMissing, namespace } from "./lab-fixture";
import { underLoad, type Measured } from "./under-load";

const NODES = [...environment.nodes.map(({ name }) => name), environment.witness.name];
/** What no rotation may do. */
const NOTHING_LOST = { failed: { GET: 0, POST: 0 }, lost: 0, repeated: 0, overlaps: 0 };
/** An election, by the servers' own timings, on a busy machine. */
const LEADERLESS_MS = 15_000;
/** A worker that runs all the while writes every 100 ms; a busy machine may be a moment late. */
const QUIET_MS = 5_000;

/** Secrets that are rotated by themselves, below; every other one together. */
const DATA_PLANE = ["POSTGRES_PASSWORD", "CONVEX_DB_PASSWORD", "APP_DB_PASSWORD", "BACKUP_DB_PASSWORD", "MINIO_ROOT_PASSWORD", "AWS_SECRET_ACCESS_KEY", "BACKUP_STORE_SECRET", "INSTANCE_SECRET", "BACKUP_KEY"];
const OTHERS = ROTATABLE.filter(({ field }) => ![...DATA_PLANE, "BINGX_API_KEY", "API_TOKEN"].includes(field));

const gvfx = (...args: string[]) => run(process.execPath, ["scripts/gvfx.mjs", ...args], { env: GVFX_LAB });
/** Serial and issuer of a node's certificate, and how many authorities it accepts. */
const certificateOf = async (node: string): Promise<string> => (await inMachine(node, "sh", "-c", "openssl x509 -in /etc/nomad.d/tls/agent.pem -noout -serial -issuer; grep -c BEGIN /etc/nomad.d/tls/ca.pem")).output;
const keyringOf = async (node: string): Promise<string> => (await inMachine(node, "cat", "/var/lib/nomad/server/serf.keyring")).output;
const onEachNode = <T>(ask: (node: string) => Promise<T>): Promise<T[]> => Promise.all(NODES.map(ask));
const rotation = (): Rotation => (existsSync(environment.nomad.rotationFile) ? parseRotation(readFileSync(environment.nomad.rotationFile, "utf8"), environment.nomad.rotationFile) : FIRST_GENERATIONS);
/** Gives the others by a file of KEY=value lines, as an operator has them. */
const gvfxSecrets = (args: readonly string[], values: Readonly<Record<string, string>>, accept: readonly number[] = [0]) =>
  run(process.execPath, ["scripts/gvfx.mjs", "secrets", ...args, "--dotenv", "-"], { env: GVFX_LAB, accept, input: Object.entries(values).map(([field, value]) => `${field}=${value}\n`).join("") });
/** Digits, which a setting of any kind takes; a token for Consul's snapshots is Consul's to make. */
async function valuesOfOthers(): Promise<Readonly<Record<string, string>>> {
  const made = await askConsul("/v1/acl/token", { method: "PUT", body: JSON.stringify({ Description: "gvfx-backup: snapshots of Consul, rotated", Policies: [{ Name: "global-management" }] }) });
  const snapshots = (JSON.parse(made.text) as { SecretID: string }).SecretID;
  return Object.fromEntries(OTHERS.map(({ field }, n) => [field, field === "CONSUL_SNAPSHOT_TOKEN" ? snapshots : String(Date.now() + n)]));
}
const holds = async (token: string): Promise<boolean> => (await askNomad("/v1/acl/token/self", { headers: { "x-nomad-token": token } })).status === 200;
const outputOf = (stack: string, name: string): string => String(stackOutputs(environment, stack)![name]!.value);

function quiet({ longestGapMs, leaderlessMs, ...measured }: Measured): void {
  expect(measured).toMatchObject({ ...NOTHING_LOST, smallestQuorum: 2 });
  expect(longestGapMs).toBeLessThan(QUIET_MS);
  expect(leaderlessMs).toBeLessThan(LEADERLESS_MS);
}

describeUnless(labMissing(), "rotation, under load", () => {
  const terraform = new Terraform(environment);

  beforeAll(async () => {
    expect((await askConsul(`/v1/kv/${kvPaths(namespace).traffic}`, { method: "PUT", body: "nomad" })).status).toBe(200);
    await eventually(90, async () => expect((await gvfxLease<{ well: boolean }>("status")).well).toBe(true));
    // What came before may have deployed app alone, whose image is the guardian's too: a rotation deploys nothing unseen, and is refused.
    await synthesizeLab();
    for (const stack of LAB_STACKS) await terraform.apply(stack);
    // A machine that was busy with what came before.
    await new Promise((done) => setTimeout(done, 5_000));
  }, 240_000);
  afterAll(async () => {
    await synthesizeLab();
  });

  test("certificates near their end are renewed by an ordinary deploy, one server at a time", async () => {
    const before = await onEachNode(certificateOf);
    // What time does: with the whole life as the time of renewal, every certificate is near its end.
    const near: Environment = { ...environment, nomad: { ...environment.nomad, certificateRenewal: environment.nomad.certificateValidity } };
    synthesize(near, OUTPUT_FOLDER);
    try {
      quiet(await underLoad("certificates, by a deploy", () => terraform.apply("foundation")));
    } finally {
      await synthesizeLab();
      await terraform.apply("foundation");
    }
    const after = await onEachNode(certificateOf);
    for (const [index, text] of after.entries()) expect(text).not.toBe(before[index]);
  }, 480_000);

  test("gvfx rotate authority gossip-key certificates: the old authority is refused, the old key gone", async () => {
    const [oldCa, oldKeys] = [access().nomad.caPem, await onEachNode(keyringOf)];
    const before = rotation();
    quiet(await underLoad("authority, gossip key, certificates", () => gvfx("rotate", "authority", "gossip-key", "certificates")));
    expect(rotation()).toMatchObject({ authority: { used: before.authority.used + 1 }, gossipKey: { used: before.gossipKey.used + 1 } });
    for (const text of await onEachNode(certificateOf)) expect(text).toMatch(new RegExp(`cluster authority ${before.authority.used + 1}\\n1\\n$`));
    const keys = await onEachNode(keyringOf);
    expect(new Set(keys).size).toBe(1);
    expect(JSON.parse(keys[0])).toHaveLength(1);
    expect(keys[0]).not.toBe(oldKeys[0]);
    await expect(request(`${access().nomad.address}/v1/status/leader`, { ca: oldCa })).rejects.toThrow(Unreachable);
    expect((await askNomad("/v1/status/leader")).status).toBe(200);
  }, 900_000);

  test("gvfx rotate of every token: the old ones are void, the new ones work, and nobody notices", async () => {
    const roles = NOMAD_ROLES.map((role) => [role, outputOf("foundation", `${role}-token`)] as const);
    const old = [...roles.map(([, token]) => token), outputOf("foundation", "management-token"), outputOf("cutover", "operator-nomad-token")];
    quiet(await underLoad("tokens of Nomad, and of the nodes' Consul agents", () => gvfx("rotate", "consul-agents", "cutover-operator", "management-token", ...NOMAD_ROLES)));
    const now = [...roles.map(([role]) => outputOf("foundation", `${role}-token`)), outputOf("foundation", "management-token"), outputOf("cutover", "operator-nomad-token")];
    expect(await Promise.all(old.map(holds))).toEqual(old.map(() => false));
    expect(await Promise.all(now.map(holds))).toEqual(now.map(() => true));
  }, 900_000);

  test("gvfx secrets rotate of the exchange's keys: api and worker are restarted, one copy at a time, and the worker handed over", async () => {
    const measured = await underLoad("the exchange's keys", async () => {
      await run(process.execPath, ["scripts/gvfx.mjs", "secrets", "rotate", "BINGX_API_KEY", "--file", "-"], { env: GVFX_LAB, input: "another-key" });
    });
    expect(measured).toMatchObject({ ...NOTHING_LOST, smallestQuorum: 3 });
    // The old worker's end, the lease, and the new one's first rows.
    expect(measured.longestGapMs).toBeLessThan(30_000);
  }, 300_000);

  test("gvfx secrets rotate of the API's token: reads go on; who comes with the old one is refused", async () => {
    const old = await apiToken();
    const measured = await underLoad("API_TOKEN", () => gvfx("secrets", "rotate", "API_TOKEN"));
    expect(measured).toMatchObject({ failed: { GET: 0 }, lost: 0, repeated: 0, overlaps: 0, smallestQuorum: 3 });
    const asked = async (token: string): Promise<number> => (await request("http://127.0.0.1:18787/lab/echo", { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${token}` }, body: JSON.stringify({ id: `rotation-${Date.now()}` }) })).status;
    expect([await asked(old), await asked(await apiToken())]).toEqual([401, 200]);
  }, 300_000);

  test("gvfx secrets init and rotate of every other secret, from a file: each reader is restarted, and has the new values", async () => {
    // Those that the lab does without.
    await gvfxSecrets(["init"], await valuesOfOthers(), [0, 1]);
    const values = await valuesOfOthers();
    const measured = await underLoad(`${OTHERS.length} other secrets`, () => gvfxSecrets(["rotate", ...OTHERS.map(({ field }) => field)], values));
    expect(measured).toMatchObject({ ...NOTHING_LOST, smallestQuorum: 3 });
    expect(measured.longestGapMs).toBeLessThan(30_000);
    for (const [job, task] of [[JOBS.api, "api"], [JOBS.worker, "worker"], [JOBS.guardian, "guardian"]] as const) {
      const fields = OTHERS.filter(({ readers }) => readers.includes(job)).map(({ field }) => field);
      expect(fields).not.toEqual([]);
      const seen = (await inTask(job, task, "bun", "-e", `for (const field of ${JSON.stringify(fields)}) console.log(field + "=" + process.env[field])`)).output;
      expect([job, seen.trim().split("\n")]).toEqual([job, fields.map((field) => `${field}=${values[field]}`)]);
    }
  }, 300_000);

  test("gvfx secrets rotate of everything in the data plane: interrupted for its restarts, and whole after; the backups open with the new key", async () => {
    const measured = await underLoad("passwords of Postgres and MinIO, Convex's secret, the backups' key", () => gvfx("secrets", "rotate", ...DATA_PLANE));
    expect(measured).toMatchObject({ overlaps: 0, repeated: 0, smallestQuorum: 3 });
    await eventually(90, async () => expect((await gvfxLease<{ well: boolean }>("status")).well).toBe(true));
    // Opened with the key that Vault has: the run that the rotation made is in it.
    expect((await gvfxData(["backups"])).said).toMatch(/\d{4}-\d\d-\d\d/);
  }, 600_000);

  test("after all of it a deploy would change nothing", async () => {
    await synthesizeLab();
    for (const stack of LAB_STACKS) expect([stack, await terraform.hasChanges(stack)]).toEqual([stack, false]);
  }, 180_000);
});
