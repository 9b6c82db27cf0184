/** `--against SIDE` of validate and diff: opens the side, the snapshot, and compares. */
import type { Environment } from "../../../environments/schema";
import type { Side } from "../../lease/sources";
import type { Progress } from "../progress";
import { openSnapshot } from "../snapshot/open";
import type { SnapshotReport, TableDiff } from "../snapshot/types";
import { diffAgainst, validateAgainst, type AgainstReport } from "./against";
import { dataFolder, openSide, type ConvexSurroundings } from "./sides";

/** A snapshot that was checked offline already, against a running Convex. @throws when either cannot be read */
export async function validateFileAgainst(env: Environment, report: SnapshotReport, side: Side, surroundings: ConvexSurroundings & { readonly progress?: Progress }): Promise<AgainstReport> {
  const { instance } = await openSide(env, side, surroundings);
  await instance.version();
  const snapshot = await openSnapshot(report.path);
  try {
    return await validateAgainst(report, snapshot, instance, { criticalTables: env.dataMove.criticalTables, progress: surroundings.progress, signal: surroundings.signal });
  } finally {
    await snapshot.close();
  }
}

/** What a running Convex has in addition to the snapshot is "added". @throws when either cannot be read */
export async function diffFileAgainst(env: Environment, path: string, side: Side, surroundings: ConvexSurroundings & { readonly progress?: Progress }): Promise<readonly TableDiff[]> {
  const { instance, cli } = await openSide(env, side, surroundings);
  await instance.version();
  return diffAgainst(path, instance, cli, { folder: dataFolder(env, "snapshots"), progress: surroundings.progress, signal: surroundings.signal });
}
