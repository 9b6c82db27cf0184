/** What each step leaves in the journal for the steps after it, for the undo and for the record. Never a secret. */
import type { SnapshotFiles, SnapshotTable } from "../snapshot/types";
import type { KillSwitch, Writer } from "./world";

/** A file of the legacy checkout, and which of the keys that this move changes it sets. */
export interface EnvFile {
  readonly path: string;
  readonly keys: readonly string[];
}

export interface Facts {
  readonly preflight: {
    /** Writers that ran, and so run again afterwards. */
    readonly running: readonly Writer[];
    /** Files that set CONVEX_URL, or TIMESCALE_URL where its database moves too; the one that counts first. */
    readonly envFiles: readonly EnvFile[];
    /** Rows that the target had. */
    readonly targetRows: number;
    /** Names of Convex's environment variables that the target lacks. */
    readonly variables: readonly string[];
    /** What the gate said before this move. */
    readonly evidence: { readonly verdict: string | null; readonly record: string | null };
    readonly timescale: boolean;
  };
  readonly "keep-target": { readonly file: string; readonly rows: number; readonly counts: Readonly<Record<string, number>> };
  readonly functions: { readonly app: string };
  readonly variables: { readonly set: readonly string[] };
  readonly announce: { readonly told: boolean };
  readonly "note-trading": { readonly agents: readonly string[]; readonly killSwitch: KillSwitch | null; readonly impossible: string | null };
  readonly "halt-trading": Record<string, never>;
  readonly orders: { readonly reconciled: number };
  readonly stop: Record<string, never>;
  readonly quiet: { readonly counts: Readonly<Record<string, number>>; readonly newestRun: string | null };
  readonly export: ExportFacts;
  readonly import: Record<string, never>;
  readonly validate: { readonly tables: number };
  readonly compare: { readonly tables: number; readonly documents: number; readonly files: number };
  readonly timescale: { readonly tables: number; readonly rows: number } | null;
  readonly "close-runs": { readonly closed: number };
  readonly evidence: Record<string, never>;
  readonly switch: { readonly files: readonly string[] };
  readonly start: { readonly at: string };
  readonly writing: { readonly run: string | null };
  readonly "resume-trading": Record<string, never>;
  readonly record: Record<string, never>;
}

export interface ExportFacts {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly tables: readonly SnapshotTable[];
  readonly files: SnapshotFiles | null;
}
