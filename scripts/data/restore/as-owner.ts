/** Takes and ends a run's turn on a node, around what it does there. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { runScript } from "../../clients/ssh";
import type { ActionContext } from "./command";
import { cleanUpScript, MINE, ownerFolder, ownerProblem, ownScript, parseOwner, releaseScript, type RestoreRun } from "./owner";

const RUN_ID = /^[0-9a-f]{12}$/;

/**
 * Does something on a node as its one owner.
 * @param takeOver the run that is dead, as the operator says
 * @throws Error that says whose turn it is, and how to take over; nothing was changed then
 */
export async function asOwner<T>({ env, access, now, complain }: Pick<ActionContext, "env" | "access" | "now" | "complain">, node: string, takeOver: string | undefined, work: (run: RestoreRun) => Promise<T>): Promise<T> {
  if (takeOver !== undefined && !RUN_ID.test(takeOver)) throw new Error(`--take-over ${takeOver} is no run, so that nothing was changed; give the twelve hex digits by which the refusal names it`);
  const on = async (name: string, text: string): Promise<string[]> => runScript(access.machine(name), text, { variables: access.sshVariables });
  const run: RestoreRun = { id: randomBytes(6).toString("hex"), owner: ownerFolder(env.nodes.find(({ name }) => name === node)!.volumesRoot), takenOver: takeOver };
  const answer = await on(node, ownScript(run, `${hostname()} ${now().toISOString()}`));
  if (!answer.includes(MINE)) {
    const { what, fix } = ownerProblem(node, run.owner, parseOwner(answer));
    throw new Error(`${what}; nothing was changed; ${fix}`);
  }
  try {
    // It may have read its backups on another node.
    if (takeOver !== undefined) await Promise.all(env.nodes.filter(({ name }) => name !== node).map(({ name }) => on(name, cleanUpScript([takeOver])).catch(() => undefined)));
    return await work(run);
  } finally {
    await on(node, releaseScript(run)).catch((error: unknown) => complain(`${node} could not be told that this run is over (${error instanceof Error ? error.message : String(error)}), so that it refuses the next one; that one takes over with --take-over ${run.id}`));
  }
}
