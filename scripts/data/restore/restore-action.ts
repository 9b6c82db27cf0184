/** One restore: look, plan, confirm, do, report. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convexDatabase } from "../../../constructs/jobs/postgres";
import { INTERRUPTED } from "../../command-line";
import type { ActionContext } from "./command";
import { executePlan } from "./execute";
import type { DataJobs } from "./jobs";
import { chooseSource, listPoints, lookAtJobs, lookAtNodes, readManifests, resticNode } from "./look-around";
import { planRestore } from "./plan";
import { choosePoint, parseMoment } from "./points";
import { isLate, restoreReport, type RestoreReport } from "./report";
import { sshOperations } from "./ssh-operations";
import { stampOf } from "./swap";
import { textPlan, textProblems, textReport } from "./text";
import { inPlaceCommand, type RestoreFacts, type RestoreMode, type RestorePlan } from "./types";

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
    complain(`This replaces the data of "${env.name}" with that of ${plan.request.point.time.toISOString()}. Nothing was changed; to do it: ${inPlaceCommand(gvfx, env.name, plan.request)}`);
    return 1;
  }
  const jobs: DataJobs | undefined = plan.request.mode === "in-place" ? access.jobs() : undefined;
  const operations = sshOperations({ env, images: access.images, plan, machine: (node) => access.machine(node), repository: await access.repository(plan.request.from), objectstore: await access.objectstore(), jobs, variables: access.sshVariables, signal: context.signal, now });
  context.changing();
  const execution = await executePlan(plan, operations, { progress: context.progress, signal: context.signal, convexDatabase: convexDatabase(env.dataPlane.convexInstance), bytes, gvfx });
  const report = restoreReport(env, plan, execution, startedAt, now());
  const files = writeReport(context.reports, report, startedAt);
  write(json ? JSON.stringify(report, null, 2) : textReport(report, files));
  if (execution.outcome === "interrupted") return INTERRUPTED;
  if (execution.outcome === "failed") return 2;
  return execution.outcome === "done" && !isLate(report) ? 0 : 1;
}

type Prepared = { readonly plan: RestorePlan; readonly bytes: number } | { readonly problems: readonly { readonly what: string; readonly fix: string }[] };

async function prepare({ env, access, signal, progress, gvfx }: ActionContext, options: RestoreOptions, now: Date): Promise<Prepared> {
  const mode: RestoreMode = options.inPlace ? "in-place" : options.rehearse ? "rehearse" : "beside";
  const at = options.at === undefined ? undefined : parseMoment(options.at, now);
  if (options.snapshot !== undefined && !/^[0-9a-f]{4,64}$/.test(options.snapshot)) throw new Error(`--snapshot ${options.snapshot} is no restore point's id: give at least four of its hex digits; see: ${gvfx} data backups`);
  if (options.to !== undefined && !env.nodes.some(({ name }) => name === options.to)) throw new Error(`--to ${options.to}: there is no such app node; there are ${env.nodes.map(({ name }) => name).join(", ")}`);
  const looking = progress.step("look at the nodes and the backups");
  const [nodes, jobs] = await Promise.all([lookAtNodes(env, access, signal), mode === "in-place" ? lookAtJobs(access) : undefined]);
  const from = chooseSource(env, nodes, options.from);
  const target = options.to ?? (mode === "rehearse" && from.kind === "local" ? from.node : env.dataPlane.node);
  const on = resticNode(from, target);
  const point = choosePoint(await listPoints(env, access, from, on, signal), { at, snapshot: options.snapshot }, `${gvfx} data backups`, env.nomad.namespace);
  const manifest = (await readManifests(access, from, on, [point], signal)).get(point.id);
  if (!manifest) throw new Error(`backup ${point.id.slice(0, 8)} has no manifest that can be read: it was not made by this platform's job, or is damaged; choose another: ${gvfx} data backups`);
  looking.done(`backup ${point.id.slice(0, 8)} of ${point.time.toISOString()}`);
  const objectBytes = Object.values(manifest.objects).reduce((sum, bucket) => sum + bucket.bytes, 0);
  const bytes = manifest.postgres.bytes + objectBytes;
  const facts: RestoreFacts = { environment: env.name, gvfx, dataNode: env.dataPlane.node, nodes, bytes, objectBytes, jobs };
  const planned = planRestore(facts, { mode, point, target, from });
  return "problems" in planned ? planned : { plan: planned.plan, bytes };
}

/** @returns the files */
function writeReport(folder: string, report: RestoreReport, startedAt: Date): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const base = join(folder, `${stampOf(startedAt)}-${report.mode}`);
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  writeFileSync(`${base}.txt`, `${textReport(report, [])}\n`, { mode: 0o600 });
  return [`${base}.json`, `${base}.txt`];
}
