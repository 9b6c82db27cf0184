/** Lists restore points. */
import type { ActionContext } from "./command";
import { chooseSource, listPoints, lookAtNodes, readManifests, resticNode } from "./look-around";
import { textPoints } from "./text";

/** As many manifests as are read in a few seconds. */
const SHOWN = 12;

export async function listAction({ env, access, signal, progress, now, json, write, gvfx }: ActionContext, { from, all }: { readonly from: string; readonly all: boolean }): Promise<number> {
  const looking = progress.step("ask the nodes");
  const nodes = await lookAtNodes(env, access, signal);
  const source = chooseSource(env, nodes, from);
  const on = resticNode(source, env.dataPlane.node);
  const points = await listPoints(env, access, source, on, signal);
  looking.done(`${points.length} restore points ${source.kind === "s3" ? "in S3" : `on ${source.node}`}`);
  const shown = all ? points : points.slice(0, SHOWN);
  const reading = progress.step("read what they hold", shown.length);
  const manifests = await readManifests(access, source, on, shown, signal);
  reading.done();
  if (json) write(JSON.stringify({ environment: env.name, source, total: points.length, points: shown.map(({ id, time }) => ({ id, time, manifest: manifests.get(id) ?? null })) }, null, 2));
  else write(textPoints(shown.map((point) => ({ point, manifest: manifests.get(point.id) ?? null })), points.length, now(), `${gvfx} data backups`, env.nomad.namespace));
  return points.length > 0 ? 0 : 1;
}
