/** What may follow a restore in place: back to the data before, the jobs started again, what was kept removed. */
import { runScript } from "../../clients/ssh";
import type { ActionContext } from "./command";
import { DATA_JOBS } from "./jobs";
import { discardScript, idleScript, stampOf, undoScript } from "./swap";
import { Duration } from "../../../contracts/units";

/** Beyond the time in which a job is killed, or becomes healthy. */
const ROOM = Duration.seconds(60);

interface Confirmed {
  readonly confirm?: string;
  readonly to?: string;
}

function unconfirmed({ env, complain }: ActionContext, confirm: string | undefined, consequence: string): boolean {
  if (confirm === env.name) return false;
  complain(`${consequence} Nothing was done; to do it, give the environment's name: --confirm ${env.name}${confirm === undefined ? "" : ` (not "${confirm}")`}`);
  return true;
}

export async function undoAction(context: ActionContext, { confirm }: Confirmed): Promise<number> {
  const { env, access, signal, progress, now, write } = context;
  const { name, volumesRoot } = env.nodes.find((node) => node.name === env.dataPlane.node)!;
  if (unconfirmed(context, confirm, `This stops the data plane of "${env.name}" and puts back the data from before the last restore; what was written since is kept aside.`)) return 1;
  const on = (text: string) => runScript(access.machine(name), text, { variables: access.sshVariables });
  const jobs = access.jobs();
  const stopping = progress.step("stop the data plane");
  for (const id of [...DATA_JOBS].reverse()) await jobs.stop(id, env.dataPlane.killTimeout.plus(ROOM));
  stopping.done();
  if (signal.aborted) throw new Error("interrupted; the data plane is stopped");
  const users = (await on(idleScript(volumesRoot))).filter((line) => line.startsWith("user "));
  if (users.length > 0) throw new Error(`a volume is still in use, and nothing was renamed: ${users.join("; ")}; then: ${context.gvfx} data restore --start`);
  const lines = await on(undoScript(volumesRoot, stampOf(now())));
  const code = await startAction(context);
  write(lines.join("\n"));
  return code;
}

export async function startAction({ env, access, progress, write }: ActionContext): Promise<number> {
  const jobs = access.jobs();
  const step = progress.step("start the data plane");
  for (const id of DATA_JOBS) await jobs.start(id, env.rollout.healthyDeadline.plus(ROOM));
  step.done();
  write(`The data plane of "${env.name}" runs: ${DATA_JOBS.join(", ")} are healthy.`);
  return 0;
}

export async function discardAction(context: ActionContext, { confirm, to = context.env.dataPlane.node }: Confirmed): Promise<number> {
  const { env, access, write } = context;
  const machine = access.machine(to);
  if (unconfirmed(context, confirm, `This removes from ${to}, for good, the data that restores in place kept aside, and what was restored beside.`)) return 1;
  const lines = await runScript(machine, discardScript(env.nodes.find(({ name }) => name === to)!.volumesRoot), { variables: access.sshVariables });
  write(lines.length > 0 ? lines.join("\n") : `Restores left nothing on ${to}.`);
  return 0;
}
