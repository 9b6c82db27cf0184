/** What may follow a restore in place: back to the data before, the jobs started again, what was kept removed. */
import { runScript } from "../../clients/ssh";
import { asOwner } from "./as-owner";
import type { ActionContext } from "./command";
import { beforeTrading } from "./execute";
import { DATA_JOBS, startTime, stopTime, type DataJobs } from "./jobs";
import { halfDoneScript } from "./look";
import { ofOwner, type RestoreRun } from "./owner";
import { discardScript, idleScript, stampOf, undoCheckScript, undoScript } from "./swap";
import { APP_JOBS } from "./types";
import { JOBS } from "../../../contracts/services";

interface Confirmed {
  readonly confirm?: string;
  readonly to?: string;
  readonly takeOver?: string;
}

function unconfirmed({ env, complain }: ActionContext, confirm: string | undefined, consequence: string): boolean {
  if (confirm === env.name) return false;
  complain(`${consequence} Nothing was done; to do it, give the environment's name: --confirm ${env.name}${confirm === undefined ? "" : ` (not "${confirm}")`}`);
  return true;
}

/** Runs a script on the data node. @param run that owns it; without one, what only looks */
function onDataNode({ env, access }: ActionContext, run?: RestoreRun): { readonly volumesRoot: string; readonly on: (text: string) => Promise<string[]> } {
  const { name, volumesRoot } = env.nodes.find((node) => node.name === env.dataPlane.node)!;
  return { volumesRoot, on: (text) => runScript(access.machine(name), run ? ofOwner(run, text) : text, { variables: access.sshVariables }) };
}

export async function undoAction(context: ActionContext, { confirm, takeOver }: Confirmed): Promise<number> {
  const { env } = context;
  if (unconfirmed(context, confirm, `This stops the app and the data plane of "${env.name}", puts back the data from before the last restore, and starts the data plane; what was written since is kept aside.`)) return 1;
  return asOwner(context, env.dataPlane.node, takeOver, (run) => undo(context, run));
}

async function undo(context: ActionContext, run: RestoreRun): Promise<number> {
  const { env, access, signal, progress, now, write, gvfx } = context;
  const { volumesRoot, on } = onDataNode(context, run);
  // Whether there is anything to go back to is known before anything is stopped.
  await on(undoCheckScript(volumesRoot));
  const jobs = access.jobs();
  const ran = (await jobs.facts()).filter(({ id, state }) => APP_JOBS.includes(id) && state === "running").map(({ id }) => id);
  context.changing();
  let lines: string[];
  try {
    const stopping = progress.step("stop the app and the data plane");
    await jobs.stopBackups(stopTime(env, JOBS.backup));
    for (const id of [...DATA_JOBS, ...ran].reverse()) await jobs.stop(id, stopTime(env, id));
    stopping.done();
    if (signal.aborted) throw new Error("interrupted");
    const users = (await on(idleScript(volumesRoot))).filter((line) => line.startsWith("user "));
    if (users.length > 0) throw new Error(`a volume is still in use, and nothing was renamed: ${users.join("; ")}`);
    lines = await on(undoScript(volumesRoot, stampOf(now())));
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}; ${await afterFailure(context, run, jobs, ran)}`, { cause: error });
  }
  await startAll(context, jobs, DATA_JOBS);
  write([...lines, ...beforeTrading(env.name, gvfx).map((line) => `Next: ${line}`)].join("\n"));
  return 0;
}

/** Starts again what an undo stopped, where it is known that nothing was renamed. @returns what the state is, and what helps */
async function afterFailure(context: ActionContext, run: RestoreRun, jobs: DataJobs, ran: readonly string[]): Promise<string> {
  const { env, gvfx } = context;
  const { volumesRoot, on } = onDataNode(context, run);
  const again = `to go on: ${gvfx} data restore --undo --confirm ${env.name}`;
  const half = await on(halfDoneScript(volumesRoot)).catch(() => undefined);
  if (half === undefined) return `${env.dataPlane.node} cannot be asked whether something was renamed: what was stopped stays so; ${again}`;
  if (half.length > 0) return `the volumes are of two states (${half.join("; ")}): start nothing on them; ${again}`;
  try {
    await startAll(context, jobs, [...DATA_JOBS, ...ran]);
    return `nothing is half done, and what was stopped runs again; ${again}`;
  } catch (error) {
    return `nothing is half done, and what was stopped could not be started again (${error instanceof Error ? error.message : String(error)}): ${gvfx} data restore --start`;
  }
}

async function startAll({ env, progress }: ActionContext, jobs: DataJobs, ids: readonly string[]): Promise<void> {
  const step = progress.step(`start ${ids.join(", ")}`);
  for (const id of ids) await jobs.start(id, startTime(env));
  step.done();
}

/** Starts the data plane, and then those of the app's jobs that are stopped. */
export async function startAction(context: ActionContext): Promise<number> {
  const { env, access, write, gvfx } = context;
  const { volumesRoot, on } = onDataNode(context);
  const half = await on(halfDoneScript(volumesRoot));
  if (half.length > 0) throw new Error(`the volumes on ${env.dataPlane.node} are of two states, since a restore broke off (${half.join("; ")}); nothing was started. To go back to the data before it: ${gvfx} data restore --undo --confirm ${env.name}; to go on with it, its own command again: --in-place with that --snapshot`);
  const jobs = access.jobs();
  const stopped = (await jobs.facts()).filter(({ id, state }) => APP_JOBS.includes(id) && state === "stopped").map(({ id }) => id);
  context.changing();
  const ids = [...DATA_JOBS, ...APP_JOBS.filter((id) => stopped.includes(id))];
  await startAll(context, jobs, ids);
  write(`"${env.name}" runs: ${ids.join(", ")} are healthy.`);
  return 0;
}

export async function discardAction(context: ActionContext, { confirm, to = context.env.dataPlane.node, beside = false, takeOver }: Confirmed & { readonly beside?: boolean }): Promise<number> {
  const { env, access, write } = context;
  const machine = access.machine(to);
  if (unconfirmed(context, confirm, `This removes from ${to}, for good, ${beside ? "" : "the data that restores in place kept aside, and "}what was restored beside.`)) return 1;
  const lines = await asOwner(context, to, takeOver, (run) => {
    context.changing();
    return runScript(machine, ofOwner(run, discardScript(env.nodes.find(({ name }) => name === to)!.volumesRoot, beside ? "beside" : "all")), { variables: access.sshVariables });
  });
  write(lines.length > 0 ? lines.join("\n") : `Restores left nothing on ${to}.`);
  return 0;
}
