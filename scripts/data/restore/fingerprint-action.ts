/** Counts and hashes of the server that runs. */
import { hostVolume } from "../../../contracts/volumes";
import { JOBS } from "../../../contracts/services";
import { convexDatabase } from "../../../constructs/jobs/postgres";
import { runScript } from "../../clients/ssh";
import type { ActionContext } from "./command";
import { liveDatabaseScript } from "./database";
import { parseFingerprint } from "./fingerprint";

export async function fingerprintAction({ env, access, signal, progress, json, write }: ActionContext, { node = env.dataPlane.node }: { readonly node?: string }): Promise<number> {
  const machine = access.machine(node);
  const { volumesRoot } = env.nodes.find(({ name }) => name === node)!;
  const step = progress.step(`read every row of Postgres on ${node}`);
  const fingerprint = parseFingerprint(await runScript(machine, liveDatabaseScript(`${volumesRoot}/${hostVolume(JOBS.postgres)}`, convexDatabase(env.dataPlane.convexInstance)), { variables: access.sshVariables, signal }));
  step.done(`${fingerprint.tables.length} tables`);
  const { references, ...counts } = fingerprint;
  if (json) write(JSON.stringify({ environment: env.name, node, ...counts, references: references.length }, null, 2));
  else write([...fingerprint.convex, ...fingerprint.tables].map(({ name, rows, hash }) => `${name.padEnd(44)} ${String(rows).padStart(9)}  ${hash}`).join("\n"));
  return 0;
}
