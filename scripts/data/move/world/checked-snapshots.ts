/** Snapshots that were checked are not checked again while their file is what it was: each look at a GiB lengthens the freeze. */
import { stat } from "node:fs/promises";
import type { SnapshotReport } from "../../snapshot/types";
import { validateSnapshot, type ValidateOptions } from "../../snapshot/validate";

export type CheckSnapshot = (file: string, options?: Pick<ValidateOptions, "filesRequired">) => Promise<SnapshotReport>;

/** @param check what really looks */
export function checkedSnapshots(options: ValidateOptions, check: typeof validateSnapshot = validateSnapshot): CheckSnapshot {
  const sound = new Map<string, { readonly size: number; readonly mtimeMs: number; readonly report: SnapshotReport }>();
  return async (file, more = {}) => {
    const { size, mtimeMs } = await stat(file);
    const known = sound.get(file);
    if (known && known.size === size && known.mtimeMs === mtimeMs) return known.report;
    const report = await check(file, { ...options, ...more });
    if (report.problems.length === 0) sound.set(file, { size, mtimeMs, report });
    return report;
  };
}
