/** `gvfx secrets rotate` and `restart` over doubles of Vault and of the jobs. */
import { secretsFor } from "../../contracts/secrets";
import { JOBS, type JobName } from "../../contracts/services";
import { openAdminKey, parseInstanceSecret } from "../../scripts/data/convex/admin-key";
import { secretsCommand, type SecretsSurroundings } from "../../scripts/secrets/command";
import { ROTATABLE, type Restarter, type RunningCopy } from "../../scripts/secrets/rotate";
import { environment } from "../jobs/worked-example";
import { KeyValueDouble } from "./vault-double";

/** A cluster in which a copy that is stopped is placed anew, and is well a while later. */
class JobsDouble implements Restarter {
  private time = 0;
  private placed = 0;
  readonly stopped: string[] = [];
  readonly ranNow: JobName[] = [];
  /** Copies by job; each is well from a time on. */
  readonly copiesOf = new Map<JobName, { id: string; wellAt: number }[]>();
  holder: string | undefined;
  /** Its new copies never become well. */
  broken: JobName | undefined;
  /** How few good copies a job ever had. */
  readonly fewest = new Map<JobName, number>();

  constructor(counts: Partial<Record<JobName, number>>) {
    for (const [job, count] of Object.entries(counts)) this.copiesOf.set(job as JobName, Array.from({ length: count }, () => ({ id: this.nextId(job), wellAt: 0 })));
    this.holder = this.copiesOf.get(JOBS.worker)?.[0].id;
  }

  private nextId(job: string): string {
    this.placed += 1;
    return `${job}-${this.placed}`;
  }

  async copies(job: JobName): Promise<readonly RunningCopy[]> {
    const copies = (this.copiesOf.get(job) ?? []).map(({ id, wellAt }) => ({ id, well: wellAt <= this.time }));
    this.fewest.set(job, Math.min(this.fewest.get(job) ?? Infinity, copies.filter(({ well }) => well).length));
    return copies;
  }
  async stop(id: string): Promise<void> {
    const [job, copies] = [...this.copiesOf].find(([, all]) => all.some((copy) => copy.id === id))!;
    this.stopped.push(id);
    const fresh = { id: this.nextId(job), wellAt: this.broken === job ? Infinity : this.time + 5_000 };
    this.copiesOf.set(job, [...copies.filter((copy) => copy.id !== id), fresh]);
    if (this.holder === id) this.holder = fresh.id;
  }
  async leaseHolder(): Promise<string | undefined> {
    return this.holder;
  }
  /** A periodic job of which a run is under way. */
  busy: JobName | undefined;
  async underWay(job: JobName): Promise<boolean> {
    return this.busy === job;
  }
  async runNow(job: JobName): Promise<void> {
    this.ranNow.push(job);
  }
  readonly clock = { now: () => this.time, wait: async (ms: number) => void (this.time += ms) };
}

let vault: KeyValueDouble;
let jobs: JobsDouble;
beforeEach(async () => {
  vault = new KeyValueDouble();
  jobs = new JobsDouble({ [JOBS.postgres]: 1, [JOBS.objectstore]: 1, [JOBS.convex]: 1, [JOBS.api]: 2, [JOBS.frontend]: 2, [JOBS.rlService]: 2, [JOBS.guardian]: 1, [JOBS.worker]: 1 });
  await gvfxSecrets(["init"], { prompt: async (message) => `given for ${message.split(" ")[0]}` });
  for (const field of ["BINGX_API_KEY", "BINGX_SECRET_KEY"]) await gvfxSecrets(["put", field, "--file", "x"], { readFile: () => `old ${field}` });
  jobs.stopped.length = 0;
});

async function gvfxSecrets(args: readonly string[], surroundings: SecretsSurroundings = {}): Promise<{ readonly said: string; readonly exit: number | undefined }> {
  const lines: string[] = [];
  process.exitCode = undefined;
  const before = vault.values();
  try {
    await secretsCommand(() => environment, { variables: {}, write: (text) => lines.push(text), complain: (text) => lines.push(text), vault: () => vault, restarter: () => jobs, prompt: undefined, ...surroundings }).parseAsync([...args], { from: "user" });
    const said = lines.join("\n");
    for (const value of [...before, ...vault.values()]) expect(said).not.toContain(value);
    return { said, exit: process.exitCode as number | undefined };
  } finally {
    process.exitCode = undefined;
  }
}

/** Jobs of which copies were stopped, in order, each once. */
const order = (): string[] => [...new Set(jobs.stopped.map((id) => id.replace(/-\d+$/, "")))];

test.each(ROTATABLE.map(({ field }) => field))("%s: another value, and exactly its readers are restarted", async (field) => {
  const optional = vault.field(field) === undefined;
  const before = vault.field(field);
  const { said, exit } = await gvfxSecrets(["rotate", field], { prompt: async () => "a new value" });
  if (optional) {
    expect([exit, jobs.stopped]).toEqual([2, []]);
    expect(said).toMatch(/not in Vault yet.*nothing was done: gvfx secrets check/);
    return;
  }
  expect([exit, vault.field(field) === before]).toEqual([0, false]);
  const written = /written: (.*)/.exec(said)![1].split(", ");
  const readers = Object.values(JOBS).filter((job) => secretsFor(job).some((secret) => written.includes(secret.field)));
  expect(order().sort()).toEqual(readers.filter((job) => jobs.copiesOf.has(job)).sort());
  if (readers.includes(JOBS.backup)) expect(said).toMatch(/gvfx-backup reads it at its next run/);
});

test("one copy at a time, so that there is always another one; who gives a password before who takes it, and the worker last", async () => {
  const { said } = await gvfxSecrets(["rotate", "APP_DB_PASSWORD"]);
  expect(order()).toEqual(["gvfx-postgres", "gvfx-api", "gvfx-worker"]);
  expect(jobs.fewest.get(JOBS.api)).toBe(1);
  expect(vault.field("TIMESCALE_URL")).toContain(vault.field("APP_DB_PASSWORD"));
  expect(said).toMatch(/gvfx-api: copy 1 of 2 restarted \(5\.0 s\)\n.*copy 2 of 2[\s\S]*gvfx-worker: handed over/);
});

test("of jobs that know each other by one secret, one copy each in turn", async () => {
  await gvfxSecrets(["rotate", "API_TOKEN"]);
  expect(jobs.stopped.map((id) => id.replace(/-\d+$/, ""))).toEqual(["gvfx-api", "gvfx-frontend", "gvfx-guardian", "gvfx-api", "gvfx-frontend"]);
});

test("several at once are written, and their readers restarted, once", async () => {
  await gvfxSecrets(["rotate", "BINGX_API_KEY", "BINGX_SECRET_KEY"], { prompt: async (message) => `new ${message}` });
  expect(jobs.stopped).toHaveLength(3);
  expect([vault.field("BINGX_API_KEY"), vault.field("BINGX_SECRET_KEY")]).toEqual(["new BINGX_API_KEY:", "new BINGX_SECRET_KEY:"]);
});

test("several that no program can make come from one file, with comments and quotes; of what can be made its value is taken too", async () => {
  const file = "# of the exchange\nBINGX_API_KEY=from-file-1\nexport BINGX_SECRET_KEY='from file 2'\nAPI_TOKEN=from-file-3\nPORT=8787\n";
  expect((await gvfxSecrets(["rotate", "BINGX_API_KEY", "BINGX_SECRET_KEY", "API_TOKEN", "BACKUP_STORE_SECRET", "--dotenv", "-"], { readInput: () => file })).exit).toBe(0);
  expect(["BINGX_API_KEY", "BINGX_SECRET_KEY", "API_TOKEN"].map((field) => vault.field(field))).toEqual(["from-file-1", "from file 2", "from-file-3"]);
  expect((await gvfxSecrets(["rotate", "API_TOKEN", "--file", "-"], { readInput: () => "given" })).exit).toBe(0);
  expect(vault.field("API_TOKEN")).toBe("given");
});

test.each<[string, readonly string[], RegExp]>([
  ["lacks one", ["BINGX_API_KEY", "ALERT_TOKEN", "BINGX_SECRET_KEY"], /^ALERT_TOKEN, BINGX_SECRET_KEY are not in standard input, or empty there, and nothing was done; it has BINGX_API_KEY$/],
  ["comes with --file", ["BINGX_API_KEY", "--file", "-"], /--file and --dotenv exclude each other/],
])("planted: a file that %s is refused before anything is done", async (_what, args, message) => {
  const before = vault.values();
  const { said, exit } = await gvfxSecrets(["rotate", ...args, "--dotenv", "-"], { readInput: () => "BINGX_API_KEY=other\nBINGX_SECRET_KEY=\n" });
  expect([exit, jobs.stopped, vault.values()]).toEqual([2, [], before]);
  expect(said).toMatch(message);
});

test("what follows from a secret is made anew with it", async () => {
  await gvfxSecrets(["rotate", "INSTANCE_SECRET"]);
  expect(openAdminKey(vault.field("CONVEX_ADMIN_KEY")!, parseInstanceSecret(vault.field("INSTANCE_SECRET")!))?.instance).toBe(environment.dataPlane.convexInstance);
});

test("the backups' key: the one before stays beside it, and a backup is made with the new one at once", async () => {
  const before = vault.field("BACKUP_KEY")!;
  await gvfxSecrets(["rotate", "BACKUP_KEY"]);
  const second = vault.field("BACKUP_KEY")!;
  expect(vault.paths.get("ops/backup")!.fields).toEqual({ BACKUP_KEY: second, BACKUP_KEY_BEFORE: before });
  expect(jobs.ranNow).toEqual([JOBS.backup]);
  // A run that failed in between has left the repository with the first one.
  await gvfxSecrets(["rotate", "BACKUP_KEY"]);
  expect(vault.paths.get("ops/backup")!.fields).toEqual({ BACKUP_KEY: vault.field("BACKUP_KEY"), BACKUP_KEY_BEFORE: `${second}\n${before}` });
  for (let n = 0; n < 9; n++) await gvfxSecrets(["rotate", "BACKUP_KEY"]);
  expect(vault.paths.get("ops/backup")!.fields.BACKUP_KEY_BEFORE.split("\n")).toHaveLength(5);
});

test("planted: a copy that does not become well stops the rest, and what is left is named with the command that goes on", async () => {
  jobs.broken = JOBS.api;
  const { said, exit } = await gvfxSecrets(["rotate", "API_TOKEN"]);
  expect([exit, order()]).toEqual([2, ["gvfx-api"]]);
  expect(jobs.stopped).toHaveLength(1);
  expect(said).toMatch(/gvfx-api has not as many good copies as before[\s\S]*The new values are in Vault[\s\S]*gvfx why gvfx-api; then go on: gvfx secrets restart gvfx-api gvfx-frontend gvfx-guardian/);
  jobs.broken = undefined;
  jobs.copiesOf.set(JOBS.api, [{ id: "gvfx-api-90", wellAt: 0 }, { id: "gvfx-api-91", wellAt: 0 }]);
  expect((await gvfxSecrets(["restart", "gvfx-api", "gvfx-frontend", "gvfx-guardian"])).said).toMatch(/done: restarted gvfx-api, gvfx-frontend, gvfx-guardian/);
});

test("interrupted: the restart under way comes to its end, no other begins, and what is left is named with the command that goes on", async () => {
  const stop = jobs.stop.bind(jobs);
  jobs.stop = async (id) => {
    await stop(id);
    if (jobs.stopped.length === 1) process.emit("SIGINT");
  };
  const { said, exit } = await gvfxSecrets(["rotate", "API_TOKEN", "BACKUP_KEY"]);
  expect([exit, jobs.stopped.length, jobs.ranNow]).toEqual([130, 1, []]);
  expect(said).toMatch(/interrupted: the step that is under way is brought to its end\ngvfx-api: copy 1 of 2 restarted[\s\S]*nothing further was done\nThe new values are in Vault[\s\S]*\. Go on: gvfx secrets restart gvfx-api gvfx-frontend gvfx-guardian\n.*nomad job periodic force gvfx-backup/);
  expect((await gvfxSecrets(["restart", "gvfx-api", "gvfx-frontend", "gvfx-guardian"])).exit).toBe(0);
});

test("planted: interrupted while it still looks, nothing is written", async () => {
  const before = vault.values();
  const copies = jobs.copies.bind(jobs);
  jobs.copies = (job) => {
    process.emit("SIGINT");
    return copies(job);
  };
  expect(await gvfxSecrets(["rotate", "API_TOKEN"])).toMatchObject({ exit: 130, said: expect.stringMatching(/nothing further was done$/) });
  expect([vault.values(), jobs.stopped]).toEqual([before, []]);
});

test("planted: interrupted in the last restart, the backups' key is not changed unasked", async () => {
  jobs.copiesOf.delete(JOBS.frontend);
  jobs.copiesOf.delete(JOBS.guardian);
  jobs.copiesOf.set(JOBS.api, [{ id: "gvfx-api-80", wellAt: 0 }]);
  const stop = jobs.stop.bind(jobs);
  jobs.stop = async (id) => {
    await stop(id);
    process.emit("SIGINT");
  };
  expect(await gvfxSecrets(["rotate", "API_TOKEN", "BACKUP_KEY"])).toMatchObject({ exit: 130, said: expect.stringMatching(/nomad job periodic force gvfx-backup/) });
  expect(jobs.ranNow).toEqual([]);
});

test.each<[string, readonly string[], string]>([
  ["a file of lines", ["rotate", "BACKUP_KEY", "BINGX_API_KEY", "--dotenv", "-"], "BACKUP_KEY=kept-in-a-safe\nBINGX_API_KEY=x\n"],
  ["a file", ["rotate", "APP_DB_PASSWORD", "--file", "-"], "p@ss/1"],
])("planted: a value of the data plane's in %s is refused, and not passed over", async (_what, args, input) => {
  const before = vault.values();
  expect(await gvfxSecrets(args, { readInput: () => input })).toMatchObject({ exit: 2, said: expect.stringMatching(/is made here.*would not be used; nothing was done/) });
  expect([vault.values(), jobs.stopped]).toEqual([before, []]);
});

test.each(["abc#def", "a$b", "'it'\\''s'", '"a\\"b"', "two words", "'a' # comment", '"unclosed'])("planted: a line that programs read differently is refused: %s", async (value) => {
  const before = vault.values();
  const { said, exit } = await gvfxSecrets(["rotate", "BINGX_API_KEY", "BINGX_SECRET_KEY", "--dotenv", "-"], { readInput: () => `BINGX_SECRET_KEY=sound\nexport BINGX_API_KEY=${value}\n` });
  expect([exit, vault.values(), jobs.stopped]).toEqual([2, before, []]);
  expect(said).toMatch(/^BINGX_API_KEY in standard input: .*nothing was done.*gvfx secrets put BINGX_API_KEY --file -$/);
});

test("planted: beside a copy that is not well nothing is written or restarted", async () => {
  jobs.copiesOf.get(JOBS.frontend)![0].wellAt = Infinity;
  const before = vault.field("API_TOKEN");
  const { said, exit } = await gvfxSecrets(["rotate", "API_TOKEN"]);
  expect([exit, jobs.stopped, vault.field("API_TOKEN")]).toEqual([2, [], before]);
  expect(said).toMatch(/gvfx-frontend is not well.*nothing was done.*gvfx why gvfx-frontend/);
});

test("planted: a copy that Nomad has not placed, or that does not run, is one that is not well", async () => {
  jobs.copiesOf.set(JOBS.api, [{ id: "gvfx-api-1", wellAt: 0 }, { id: "", wellAt: Infinity }]);
  expect(await gvfxSecrets(["rotate", "BINGX_API_KEY"], { prompt: async () => "new" })).toMatchObject({ exit: 2, said: expect.stringMatching(/gvfx-api is not well/) });
});

test("planted: readers of what follows from a secret are looked at too", async () => {
  jobs.copiesOf.get(JOBS.worker)![0].wellAt = Infinity;
  const before = vault.field("APP_DB_PASSWORD");
  expect(await gvfxSecrets(["rotate", "APP_DB_PASSWORD"])).toMatchObject({ exit: 2, said: expect.stringMatching(/gvfx-worker is not well/) });
  expect(vault.field("APP_DB_PASSWORD")).toBe(before);
});

test("planted: while a backup runs its key stays", async () => {
  jobs.busy = JOBS.backup;
  expect(await gvfxSecrets(["rotate", "BACKUP_KEY"])).toMatchObject({ exit: 2, said: expect.stringMatching(/a run of gvfx-backup is under way.*nothing was done/) });
  expect(vault.paths.get("ops/backup")!.fields.BACKUP_KEY_BEFORE).toBeUndefined();
});

test("planted: the lease that nobody takes is no hand-over", async () => {
  jobs.stop = async (id) => {
    jobs.stopped.push(id);
    jobs.copiesOf.set(JOBS.worker, [{ id: "gvfx-worker-99", wellAt: 0 }]);
    jobs.holder = undefined;
  };
  expect((await gvfxSecrets(["restart", JOBS.worker])).said).toMatch(/nobody has taken the worker's lease/);
});

test("while legacy has the lease, Nomad's worker that stands by is restarted all the same", async () => {
  jobs.holder = undefined;
  expect((await gvfxSecrets(["restart", JOBS.worker])).said).toMatch(/gvfx-worker: handed over/);
});

test("what cannot be rotated is said, all at once, and nothing is done", async () => {
  const { said, exit } = await gvfxSecrets(["rotate", "TIMESCALE_URL", "AWS_ACCESS_KEY_ID", "NO_SUCH_THING"]);
  expect([exit, jobs.stopped]).toEqual([2, []]);
  expect(said).toMatch(/TIMESCALE_URL follows from others: rotate APP_DB_PASSWORD[\s\S]*AWS_ACCESS_KEY_ID is a name.*rotate AWS_SECRET_ACCESS_KEY[\s\S]*NO_SUCH_THING is no secret/);
  expect((await gvfxSecrets(["restart", "gvfx-nothing"])).said).toMatch(/gvfx-nothing is no job of the platform; there are gvfx-/);
});
