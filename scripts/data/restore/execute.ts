/**
 * Does what a plan says, step by step, and proves it. Nothing of what runs is
 * touched before everything is proven. When it breaks off, it says what state
 * that leaves, and which command goes on.
 */
import type { Progress } from "../progress";
import { danglingReferences, serverProblems, type Fingerprint } from "./fingerprint";
import { NotProven, type FilesProof, type RestoreOperations } from "./operations";
import { ELSEWHERE } from "./plan";
import { APP_JOBS, discardCommand, inPlaceCommand, type RestorePlan, type RestoreStep } from "./types";

export interface StepRecord {
  readonly step: string;
  readonly seconds: number;
  /** What it found or did, in a few words. */
  readonly note: string;
}

export interface Execution {
  readonly outcome: "done" | "not-proven" | "failed" | "interrupted";
  readonly steps: readonly StepRecord[];
  readonly files: FilesProof | undefined;
  readonly fingerprint: Fingerprint | undefined;
  /** What the proofs found wrong, all of it. */
  readonly problems: readonly string[];
  /** Why it broke off. */
  readonly error: string | undefined;
  /** What that leaves, and what helps. */
  readonly next: readonly string[];
}

export interface ExecuteOptions {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** Name of Convex's database. */
  readonly convexDatabase: string;
  /** Bytes of the restore point, for the progress of its transfer. */
  readonly bytes: number;
  /** As commands are typed. */
  readonly gvfx: string;
  /** Milliseconds that only grow. @default performance.now */
  readonly clock?: () => number;
}

class Interrupted extends Error {}

export async function executePlan(plan: RestorePlan, operations: RestoreOperations, options: ExecuteOptions): Promise<Execution> {
  const { progress, signal, clock = () => performance.now() } = options;
  const steps: StepRecord[] = [];
  const found: Found = { files: undefined, fingerprint: undefined, problems: [] };
  let at: RestoreStep["kind"] | undefined;
  const ended = (outcome: Execution["outcome"], error?: Error): Execution => ({ outcome, steps, ...found, error: error?.message, next: error ? whatNow(plan, at!, steps, options.gvfx) : [] });
  for (const step of plan.steps) {
    at = step.kind;
    const began = clock();
    const shown = progress.step(TITLES[step.kind], step.kind === "fetch" ? options.bytes : undefined);
    try {
      // Before the swap nothing of what runs has changed, and after it only going on helps.
      if (signal?.aborted && !COMMITTED.includes(step.kind)) throw new Interrupted("interrupted");
      const note = await doStep(step, operations, found, options, (count) => shown.advance(count));
      steps.push({ step: step.kind, seconds: secondsSince(began, clock), note });
      shown.done(note);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      steps.push({ step: step.kind, seconds: secondsSince(began, clock), note: failure instanceof NotProven ? failure.message : `broke off: ${failure.message}` });
      shown.failed(failure instanceof NotProven ? failure.message : "broke off");
      await operations.cleanUp();
      // What is wrong with a backup is left to be looked at; what broke off says nothing of it.
      if (plan.request.mode === "rehearse" && step.kind !== "remove" && !(failure instanceof NotProven)) await operations.remove().catch(() => undefined);
      // Nothing was renamed yet, in this run or an earlier one: what was stopped runs again on the data as it was.
      const restarted = BEFORE_SWAP.includes(step.kind) && !plan.begun ? await startAgain(plan, operations, progress) : undefined;
      if (restarted === true) return { ...ended(signal?.aborted ? "interrupted" : "failed", failure), next: ["nothing was renamed; what was stopped runs again on the data as it was", `to try again: ${putInPlace(plan, options.gvfx)}`] };
      if (failure instanceof NotProven) {
        found.problems.push(...failure.problems);
        return ended("not-proven", failure);
      }
      return ended(failure instanceof Interrupted || signal?.aborted ? "interrupted" : "failed", failure);
    }
  }
  return { ...ended("done"), next: plan.request.mode === "in-place" ? beforeTrading(plan.environment, options.gvfx) : [] };
}

interface Found {
  files: FilesProof | undefined;
  fingerprint: Fingerprint | undefined;
  problems: string[];
}

async function doStep(step: RestoreStep, operations: RestoreOperations, found: Found, { convexDatabase }: ExecuteOptions, onBytes: (count: number) => void): Promise<string> {
  /** Ends the restore when a proof found something wrong. */
  const proven = (problems: readonly string[], note: string): string => {
    if (problems.length > 0) throw new NotProven(problems);
    return note;
  };
  switch (step.kind) {
    case "pull":
      await operations.pull(step.images);
      return `${step.images.length} images`;
    case "fetch":
      await operations.fetch(step, onBytes);
      return step.way === "stream" ? `through this machine to ${step.node}` : step.way === "s3" ? `from S3 to ${step.node}` : `on ${step.node}`;
    case "check-files": {
      found.files = await operations.checkFiles();
      const { manifest, inventory, problems } = found.files;
      return proven(problems, `${manifest.postgres.files} files of Postgres, ${inventory.length} objects`);
    }
    case "prove-database": {
      found.fingerprint = await operations.proveDatabase();
      const { version, tables, convex } = found.fingerprint;
      return proven(serverProblems(found.fingerprint, found.files!.manifest, convexDatabase), `Postgres ${version}, ${tables.length} tables, ${convex.length} of Convex with ${sum(convex.map(({ rows }) => rows))} documents`);
    }
    case "load-objects":
      return proven(await operations.loadObjects(found.files!), `${found.files!.inventory.length} objects`);
    case "prove-references": {
      const { references } = found.fingerprint!;
      return proven(danglingReferences(references, found.files!.inventory), `${references.length} rows name an object, and each is there`);
    }
    case "mark-proven":
      await operations.markProven();
      return "";
    case "stop-backups":
      return (await operations.stopBackups()).join(", ") || "none runs";
    case "stop-jobs":
      await operations.stopJobs(step.jobs);
      return step.jobs.join(", ");
    case "prove-idle": {
      const users = await operations.volumeUsers();
      if (users.length > 0) throw new Error(`a volume is still in use, and this run renamed nothing: ${users.join("; ")}`);
      return "nobody has a volume open";
    }
    case "swap":
      await operations.swap();
      return "";
    case "start-jobs":
      await operations.startJobs(step.jobs);
      return step.jobs.join(", ");
    case "remove":
      await operations.remove();
      return "";
  }
}

const TITLES: Readonly<Record<RestoreStep["kind"], string>> = {
  pull: "pull images",
  fetch: "restore the files beside",
  "check-files": "check every file by its hash",
  "prove-database": "start a Postgres on them, read every row",
  "load-objects": "load the objects, read them back",
  "prove-references": "look up every file that a row names",
  "mark-proven": "note that it is proven",
  "stop-backups": "stop a backup that runs",
  "stop-jobs": "stop the app and the data plane",
  "prove-idle": "see that nobody uses the volumes",
  swap: "put the restored data in place",
  "start-jobs": "start the data plane",
  remove: "remove what was rehearsed",
};

/** From the swap on, going on is the only safe way. */
const COMMITTED: readonly RestoreStep["kind"][] = ["swap", "start-jobs"];
const BEFORE_SWAP: readonly RestoreStep["kind"][] = ["stop-backups", "stop-jobs", "prove-idle"];

/** @returns undefined when the plan stops nothing */
async function startAgain({ steps }: RestorePlan, operations: RestoreOperations, progress: Progress): Promise<boolean | undefined> {
  const stop = steps.find((step) => step.kind === "stop-jobs");
  if (stop?.kind !== "stop-jobs") return undefined;
  const shown = progress.step("start again what was stopped, on its data as it was");
  try {
    await operations.startJobs([...stop.jobs].reverse());
    shown.done();
    return true;
  } catch (error) {
    shown.failed(error instanceof Error ? error.message : String(error));
    return false;
  }
}

function putInPlace({ request, environment }: RestorePlan, gvfx: string): string {
  return inPlaceCommand(gvfx, environment, request);
}

/** What stands between data of an earlier moment and trading on it, in the order of doing it. */
export function beforeTrading(environment: string, gvfx: string): string[] {
  return [
    `${APP_JOBS.join(" and ")} are stopped and stay so: kill switches are restored data, and one that was set after the restore point is off again; orders since then are known to the exchange alone`,
    ELSEWHERE,
    `so that no worker trades once the app runs, set the owner in Consul to nobody, set every kill switch, reconcile with the exchange: docs/restore.md, "Before trading goes on"`,
    `to start the app of "${environment}": ${gvfx} data restore --start`,
  ];
}

/** What a restore that ended at a step has left, and the command for it. */
function whatNow(plan: RestorePlan, at: RestoreStep["kind"], steps: readonly StepRecord[], gvfx: string): string[] {
  const { request, folder, environment } = plan;
  const again = putInPlace(plan, gvfx);
  const undo = `${gvfx} data restore --undo --confirm ${environment}`;
  const stopped = steps.some(({ step }) => step === "stop-jobs");
  // A swap that broke off before this run: whatever step failed now, two states lie in the volumes.
  switch (plan.begun && BEFORE_SWAP.includes(at) ? "swap" : at) {
    case "stop-backups":
    case "stop-jobs":
    case "prove-idle":
      return [`the data is as it was; ${stopped ? "jobs of the data plane may be stopped" : "nothing was stopped"}`, `to go on: ${again}`, `to leave it, and start everything on the old data: ${gvfx} data restore --start`];
    case "swap":
      return ["the volumes may be half in place: start nothing on them; what ran was stopped, as far as the steps above say", `to go on where it ended: ${again}`, `to go back to the data before: ${undo}`];
    case "start-jobs":
      return ["the restored data is in place; the data plane did not start", `see why: ${gvfx} why gvfx-postgres gvfx-objectstore gvfx-convex`, `to start it again, and then the app: ${gvfx} data restore --start`, `to go back to the data before: ${undo}`];
    case "remove":
      return [`the rehearsal is done; ${folder} on ${request.target} was not removed; to remove it, and nothing that was kept aside: ${discardCommand(gvfx, environment, request.target, "beside")}`];
    default:
      return [`nothing that runs was touched; ${folder} on ${request.target} is removed by the next restore of this point`, `to try again, or another point: ${gvfx} data backups`];
  }
}

function secondsSince(began: number, clock: () => number): number {
  return Math.round(clock() - began) / 1_000;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
