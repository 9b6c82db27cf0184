/** One restore: look, plan, confirm, do, report. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convexDatabase } from "../../../constructs/jobs/postgres";
import type { Environment } from "../../../environments/schema";
import { INTERRUPTED } from "../../command-line";
import { asOwner } from "./as-owner";
import type { ActionContext } from "./command";
import { executePlan } from "./execute";
import type { DataJobs } from "./jobs";
import { chooseSource, listPoints, lookAtJobs, lookAtNodes, readManifests, resticNode } from "./look-around";
import { planRestore } from "./plan";
import { choosePoint, parseMoment } from "./points";
import { chooseRecord, recordsOn } from "./record";
import { isLate, restoreReport, type RestoreReport } from "./report";
import { sshOperations } from "./ssh-operations";
import { stampOf } from "./swap";
import { textPlan, textProblems, textReport } from "./text";
import { inPlaceCommand, type NodeFacts, type RepositorySource, type RestoreFacts, type RestoreMode, type RestorePlan, type RestoreRecord, type SilentNode } from "./types";

export interface RestoreOptions {
  readonly at?: string;
  readonly snapshot?: string;
  readonly to?: string;
  readonly from: string;
  readonly beside?: boolean;
  readonly inPlace?: boolean;
  readonly rehearse?: boolean;
  readonly confirm?: string;
  readonly plan: boolean;
  readonly undo?: boolean;
  readonly start?: boolean;
  readonly discardOld?: boolean;
  readonly takeOver?: string;
  readonly json: boolean;
}

export async function restoreAction(context: ActionContext, options: RestoreOptions): Promise<number> {
  const { env, access, json, write, complain, gvfx, now } = context;
  const startedAt = now();
  const prepared = await prepare(context, options, startedAt);
  if ("problems" in prepared) {
    if (json) write(JSON.stringify({ environment: env.name, problems: prepared.problems }, null, 2));
    else complain(textProblems(prepared.problems));
    return 1;
  }
  const { plan, bytes } = prepared;
  if (!json) write(textPlan(plan, startedAt));
  if (options.plan) {
    if (json) write(JSON.stringify({ environment: env.name, plan }, null, 2));
    return 0;
  }
  if (plan.request.mode === "in-place" && options.confirm !== env.name) {
    complain(`This replaces the data of "${env.name}" with that of ${plan.request.point.time.toISOString()}. Nothing was changed; to do it: ${inPlaceCommand(gvfx, env.name, plan.request)}${options.takeOver === undefined ? "" : ` --take-over ${options.takeOver}`}`);
    return 1;
  }
  const jobs: DataJobs | undefined = plan.request.mode === "in-place" ? access.jobs() : undefined;
  // What is proven already needs neither the backups' key nor the repository, which may be gone.
  const sources = plan.steps.some(({ kind }) => kind === "fetch") ? { repository: await access.repository(plan.request.from), objectstore: await access.objectstore() } : undefined;
  const execution = await asOwner(context, plan.request.target, options.takeOver, (run) => {
    const operations = sshOperations({ env, images: access.images, plan, run, machine: (node) => access.machine(node), sources, jobs, variables: access.sshVariables, signal: context.signal, now });
    context.changing();
    return executePlan(plan, operations, { progress: context.progress, signal: context.signal, convexDatabase: convexDatabase(env.dataPlane.convexInstance), bytes, gvfx });
  });
  const report = restoreReport(env, plan, execution, startedAt, now());
  const files = writeReport(context.reports, report, startedAt);
  write(json ? JSON.stringify(report, null, 2) : textReport(report, files));
  if (execution.outcome === "interrupted") return INTERRUPTED;
  if (execution.outcome === "failed") return 2;
  return execution.outcome === "done" && !isLate(report) ? 0 : 1;
}

type Prepared = { readonly plan: RestorePlan; readonly bytes: number } | { readonly problems: readonly { readonly what: string; readonly fix: string }[] };

async function prepare(context: ActionContext, options: RestoreOptions, now: Date): Promise<Prepared> {
  const { env, access, signal, progress, gvfx } = context;
  const mode: RestoreMode = options.inPlace ? "in-place" : options.rehearse ? "rehearse" : "beside";
  const at = options.at === undefined ? undefined : parseMoment(options.at, now);
  if (options.snapshot !== undefined && !/^[0-9a-f]{4,64}$/.test(options.snapshot)) throw new Error(`--snapshot ${options.snapshot} is no restore point's id: give at least four of its hex digits; see: ${gvfx} data backups`);
  if (options.to !== undefined && !env.nodes.some(({ name }) => name === options.to)) throw new Error(`--to ${options.to}: there is no such app node; there are ${env.nodes.map(({ name }) => name).join(", ")}`);
  const looking = progress.step("look at the nodes and the backups");
  const [nodes, jobs] = await Promise.all([lookAtNodes(env, access, signal), mode === "in-place" ? lookAtJobs(access, signal) : undefined]);
  const destination = options.to ?? env.dataPlane.node;
  const proven = mode === "in-place" ? recordsOn(nodes, destination) : [];
  const { point, from, manifest } =
    chooseRecord(proven, options.snapshot) ??
    (await readRepository(context, nodes, { mode, at, options }).catch((error: unknown) => {
      if (signal.aborted || proven.length === 0) throw error;
      throw new Error(`${error instanceof Error ? error.message : String(error)}; what was restored on ${destination} and proven needs no repository: ${proven.map((record) => inPlaceCommand(gvfx, env.name, { ...record, target: destination })).join(", or ")}`, { cause: error });
    }));
  const target = targetOf(env, options, mode, from);
  looking.done(`backup ${point.id.slice(0, 8)} of ${point.time.toISOString()}`);
  const objectBytes = Object.values(manifest.objects).reduce((sum, bucket) => sum + bucket.bytes, 0);
  const bytes = manifest.postgres.bytes + objectBytes;
  const facts: RestoreFacts = { environment: env.name, gvfx, dataNode: env.dataPlane.node, nodes, bytes, objectBytes, jobs };
  const planned = planRestore(facts, { mode, point, target, from, ...(options.takeOver === undefined ? {} : { takeOver: options.takeOver }) });
  return "problems" in planned ? planned : { plan: planned.plan, bytes };
}

function targetOf(env: Pick<Environment, "dataPlane">, { to }: RestoreOptions, mode: RestoreMode, from: RepositorySource): string {
  return to ?? (mode === "rehearse" && from.kind === "local" ? from.node : env.dataPlane.node);
}

interface Wish {
  readonly mode: RestoreMode;
  readonly at: Date | undefined;
  readonly options: RestoreOptions;
}

/** @throws Error that says which backups there are, or why none can be read */
async function readRepository({ env, access, signal, gvfx }: ActionContext, nodes: readonly (NodeFacts | SilentNode)[], { mode, at, options }: Wish): Promise<RestoreRecord> {
  const from = chooseSource(env, nodes, options.from);
  const on = resticNode(from, targetOf(env, options, mode, from));
  const point = choosePoint(await listPoints(env, access, from, on, signal), { at, snapshot: options.snapshot }, `${gvfx} data backups`, env.nomad.namespace);
  const manifest = (await readManifests(access, from, on, [point], signal)).get(point.id);
  if (!manifest) throw new Error(`backup ${point.id.slice(0, 8)} has no manifest that can be read: it was not made by this platform's job, or is damaged; choose another: ${gvfx} data backups`);
  return { point, from, manifest };
}

/** @returns the files */
function writeReport(folder: string, report: RestoreReport, startedAt: Date): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const base = join(folder, `${stampOf(startedAt)}-${report.mode}`);
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  writeFileSync(`${base}.txt`, `${textReport(report, [])}\n`, { mode: 0o600 });
  return [`${base}.json`, `${base}.txt`];
}
