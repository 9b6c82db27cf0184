/** Puts new values in the place of secrets, and has exactly the jobs that read them start anew, one copy at a time. */
import { SECRETS, type Secret } from "../../contracts/secrets";
import { JOBS, type JobName } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { Interrupted } from "../command-line";
import { putSecrets } from "./fill";
import { readPaths, stateOf, type KeyValue } from "./state";
import { derivationOf, generatedValue } from "./values";

/** A copy of a job that there should be. */
export interface RunningCopy {
  /** Empty of one that Nomad has not placed. */
  readonly id: string;
  /** Runs, and its checks in Consul pass where it has any. */
  readonly well: boolean;
}

/** What runs the jobs. */
export interface Restarter {
  /** As many as the job asks for, be they well or not; none of a job that is not deployed. */
  copies(job: JobName): Promise<readonly RunningCopy[]>;
  /** Whether a run of a periodic job is under way. */
  underWay(job: JobName): Promise<boolean>;
  /** Stops a copy, which is placed anew and reads its secrets then. */
  stop(copy: string): Promise<void>;
  /** Copy that holds the worker's lease; undefined while nobody does, or while it is legacy. */
  leaseHolder(): Promise<string | undefined>;
  /** Has a periodic job run now, and waits for its end. @throws Error when it fails */
  runNow(job: JobName): Promise<void>;
  readonly clock: { /** Milliseconds that only go forward. */ now(): number; wait(ms: number): Promise<void> };
}

/**
 * Whoever takes a password before whoever gives it: a server that has the new one lets the others in when they come with it.
 * The worker is last, so that its hand-over meets an API and a data plane that are well. Jobs of a schedule are not in it:
 * they read their secrets at every run.
 */
const ORDER: readonly JobName[] = [JOBS.postgres, JOBS.objectstore, JOBS.convex, JOBS.rlService, JOBS.api, JOBS.frontend, JOBS.gateway, JOBS.guardian, JOBS.worker];
const SCHEDULED: readonly JobName[] = [JOBS.backup, JOBS.images];

/** Names, which are no secrets: another one beside the old would be another user, and the old one would stay. */
const NAMES: Readonly<Record<string, string>> = { MINIO_ROOT_USER: "MINIO_ROOT_PASSWORD", AWS_ACCESS_KEY_ID: "AWS_SECRET_ACCESS_KEY", BACKUP_STORE_KEY_ID: "BACKUP_STORE_SECRET" };

/** Secrets of which another value can be put in the old one's place; the others follow from one of these, or are names. */
export const ROTATABLE: readonly Secret[] = SECRETS.filter(({ field, origin }) => origin !== "derived" && !Object.hasOwn(NAMES, field));

/** Postgres' and MinIO's stop, start and check, with room. */
const WELL_WITHIN_MS = 180_000;
const LOOK_EVERY_MS = 1_000;

export interface RotateOptions {
  readonly env: Environment;
  readonly vault: KeyValue;
  readonly restarter: Restarter;
  /** A new value of a secret. @returns undefined of one that is to be made here */
  readonly given: (secret: Secret) => Promise<string | undefined>;
  readonly say: (line: string) => void;
  /** Called before the values are written, and before each restart; it throws {@link Interrupted} when no other is to begin. @default never */
  readonly checkpoint?: () => void;
}

export interface Rotated {
  readonly written: readonly string[];
  readonly restarted: readonly JobName[];
  /** Jobs that have the new value from their next run on. */
  readonly scheduled: readonly JobName[];
}

/**
 * @returns secrets that can be rotated
 * @throws Error that lists what is wrong with the fields, all at once
 */
export function rotatable(fields: readonly string[]): readonly Secret[] {
  const problems = fields.flatMap((field) => {
    const secret = SECRETS.find((one) => one.field === field);
    if (!secret) return [`${field} is no secret of the platform; there are ${SECRETS.map((one) => one.field).join(", ")}`];
    if (secret.origin === "derived") return [`${field} follows from others: rotate ${field === "TIMESCALE_URL" ? "APP_DB_PASSWORD" : "INSTANCE_SECRET"}, and it follows`];
    if (Object.hasOwn(NAMES, field)) return [`${field} is a name, and no secret: rotate ${NAMES[field]}`];
    return [];
  });
  if (problems.length > 0) throw new Error(`nothing was done:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  return [...new Set(fields)].map((field) => SECRETS.find((one) => one.field === field)!);
}

/** @throws Error when a secret was never there, when Vault refuses, or when a job is not well again in time: what is not yet restarted is named, and `gvfx secrets restart` goes on */
export async function rotateSecrets(fields: readonly string[], { env, vault, restarter, given, say, checkpoint = () => undefined }: RotateOptions): Promise<Rotated> {
  const secrets = rotatable(fields);
  const state = stateOf(env, await readPaths(env, vault));
  const absent = secrets.filter((secret) => state.secrets.find((one) => one.secret === secret)!.state !== "present");
  if (absent.length > 0) throw new Error(`${absent.map(({ field }) => field).join(", ")} ${absent.length === 1 ? "is" : "are"} not in Vault yet, or not to be read, so that there is nothing to rotate, and nothing was done: gvfx secrets check`);
  const following = SECRETS.filter((other) => other.origin === "derived" && derivationOf(other).of.some((field) => secrets.some((secret) => secret.field === field)));
  await mustBeWell(readersOf([...secrets, ...following]), restarter);

  const values = new Map<Secret, string>();
  for (const secret of secrets) values.set(secret, (await given(secret)) ?? generatedValue(secret.field));
  checkpoint();
  const written = await putSecrets(env, vault, values);
  say(`written: ${written.join(", ")}`);

  const readers = readersOf(SECRETS.filter(({ field }) => written.includes(field)));
  const anotherBackupKey = written.includes("BACKUP_KEY");
  const restarts = async (): Promise<readonly JobName[]> => {
    const done = await restartJobs(readers, restarter, say, checkpoint);
    if (anotherBackupKey) checkpoint();
    return done;
  };
  const restarted = await restarts().catch((error: Error) => {
    if (anotherBackupKey) error.message += `\n${JOBS.backup} changes the key of its repositories at its next run; now: nomad job periodic force ${JOBS.backup}`;
    throw error;
  });
  const scheduled = SCHEDULED.filter((job) => readers.includes(job));
  if (anotherBackupKey) {
    // Not left to its schedule: until a run has changed the repository's key, a restore needs the old one.
    say(`${JOBS.backup}: runs now, and changes the key of its repositories`);
    await restarter.runNow(JOBS.backup);
  }
  return { written, restarted, scheduled };
}

/** Jobs that read a secret, in the order in which they are restarted. */
function readersOf(secrets: readonly Secret[]): readonly JobName[] {
  return [...ORDER, ...SCHEDULED].filter((job) => secrets.some(({ readers }) => readers.includes(job)));
}

/** A rotation is no mend: beside a copy that is not well it would take the last good one. */
async function mustBeWell(jobs: readonly JobName[], restarter: Restarter): Promise<void> {
  const ill: string[] = [];
  for (const job of jobs.filter((one) => !SCHEDULED.includes(one))) if (!(await restarter.copies(job)).every(({ well }) => well)) ill.push(job);
  for (const job of jobs.filter((one) => SCHEDULED.includes(one))) if (await restarter.underWay(job)) throw new Error(`a run of ${job} is under way, which would go on with another value than it began with; nothing was done. Wait for its end: nomad job status ${job}`);
  if (ill.length > 0) throw new Error(`${ill.join(", ")} ${ill.length === 1 ? "is" : "are"} not well, and a restart could take the last good copy; nothing was done. See why: gvfx why ${ill[0]}`);
}

/**
 * In rounds, of each job one copy: of jobs that know each other by one secret, a caller finds its like in every round but the last.
 * @returns those that had copies to restart
 * @throws Error when one is not well again in time, Interrupted at a checkpoint; either names what is left
 */
export async function restartJobs(jobs: readonly JobName[], restarter: Restarter, say: (line: string) => void, checkpoint: () => void = () => undefined): Promise<readonly JobName[]> {
  const queue = ORDER.filter((job) => jobs.includes(job));
  const turns: { readonly job: JobName; readonly copy: string; readonly n: number; readonly of: number }[] = [];
  for (const job of queue) {
    const copies = await restarter.copies(job);
    if (copies.length === 0) say(`${job}: does not run, and has the new value when it starts`);
    for (const [index, { id }] of copies.filter((copy) => copy.id !== "").entries()) turns.push({ job, copy: id, n: index + 1, of: copies.length });
  }
  turns.sort((a, b) => Number(a.job === JOBS.worker) - Number(b.job === JOBS.worker) || a.n - b.n || queue.indexOf(a.job) - queue.indexOf(b.job));
  for (const [index, { job, copy, n, of }] of turns.entries()) {
    try {
      checkpoint();
      const took = job === JOBS.worker ? await handedOver(copy, of, restarter) : await replaced(job, copy, of, restarter);
      say(`${job}: ${of > 1 ? `copy ${n} of ${of} ` : ""}${job === JOBS.worker ? "handed over" : "restarted"} (${(took / 1_000).toFixed(1)} s)`);
    } catch (error) {
      const left = queue.filter((one) => turns.slice(index).some((turn) => turn.job === one));
      const interrupted = error instanceof Interrupted;
      const goOn = `${interrupted ? "Go on" : `See why: gvfx why ${job}; then go on`}: gvfx secrets restart ${left.join(" ")}`;
      throw new (interrupted ? Interrupted : Error)(`${(error as Error).message}\nThe new values are in Vault. Not yet restarted with them, or not all of their copies: ${left.join(", ")}. ${goOn}`, { cause: error });
    }
  }
  return queue.filter((job) => turns.some((turn) => turn.job === job));
}

async function replaced(job: JobName, id: string, count: number, restarter: Restarter): Promise<number> {
  return within(restarter, `${job} has not as many good copies as before`, () => restarter.stop(id), async () => {
    const now = await restarter.copies(job);
    return now.every((copy) => copy.id !== id && copy.well) && now.length >= count;
  });
}

/** The copy that holds the lease lets go of it when it stops, and the one in its place takes it. */
async function handedOver(id: string, count: number, restarter: Restarter): Promise<number> {
  const held = (await restarter.leaseHolder()) === id;
  return within(restarter, held ? "nobody has taken the worker's lease" : `${JOBS.worker} does not run again`, () => restarter.stop(id), async () => {
    const now = await restarter.copies(JOBS.worker);
    const holder = await restarter.leaseHolder();
    return now.length >= count && now.every((copy) => copy.id !== id && copy.well) && (!held || (holder !== undefined && holder !== id));
  });
}

/** @returns milliseconds that it took */
async function within({ clock }: Restarter, problem: string, act: () => Promise<void>, done: () => Promise<boolean>): Promise<number> {
  const began = clock.now();
  await act();
  for (;;) {
    if (await done()) return clock.now() - began;
    if (clock.now() - began > WELL_WITHIN_MS) throw new Error(`for ${WELL_WITHIN_MS / 1_000} s ${problem}`);
    await clock.wait(LOOK_EVERY_MS);
  }
}
