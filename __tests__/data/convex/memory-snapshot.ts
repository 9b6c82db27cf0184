/** A snapshot in memory: what a backend's rows look like in an export. */
import { toText } from "../../../lab/doubles/convex/values/text";
import type { Snapshot, SnapshotReport } from "../../../scripts/data/snapshot/types";
import type { Fields } from "../../../scripts/data/convex/values";

export function memorySnapshot(tables: Readonly<Record<string, readonly Fields[]>>, files: readonly Fields[]): { snapshot: Snapshot; report: SnapshotReport } {
  const of = (table: string): readonly Fields[] => (table === "_storage" ? files : (tables[table] ?? []));
  const lines = (table: string) => of(table).map((row) => ({ id: String(row._id), line: Buffer.from(toText(row as Parameters<typeof toText>[0])) }));
  const snapshot: Snapshot = {
    path: "s.zip",
    bytes: 1,
    hasFiles: true,
    tables: () => Object.keys(tables).sort(),
    tableBytes: () => 0,
    async *documents(table) {
      yield* lines(table);
    },
    async *files() {
      yield* [];
    },
    close: async () => undefined,
  };
  const report: SnapshotReport = { path: "s.zip", bytes: 1, sha256: "00", tables: Object.entries(tables).map(([name, rows]) => ({ name, documents: rows.length, bytes: 0, digest: "" })), files: { count: files.length, bytes: 0, digest: "" }, problems: [] };
  return { snapshot, report };
}
