/** Imports by their states, as `_system/cli/queryImport` tells them: uploaded, waiting, in progress, over. */
import { randomUUID } from "node:crypto";
import type { Objects } from "../objects/objects";
import type { DocumentStore } from "../store/store";
import { newId } from "../values/document";
import type { Faults } from "./faults";
import { Importer, type ImportMode, type TableCount } from "./import";
import { Snapshot } from "./snapshot";
import { joined, type Part } from "./upload";

export type ImportState =
  | { readonly state: "uploaded" }
  | { readonly state: "waiting_for_confirmation"; readonly message_to_confirm: string; readonly require_manual_confirmation: boolean }
  | { readonly state: "in_progress"; readonly progress_message: string; readonly checkpoint_messages: readonly string[] }
  | { readonly state: "completed"; readonly num_rows_written: number }
  | { readonly state: "failed"; readonly error_message: string };

export interface ImportRecord {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly requested: number;
  readonly mode: ImportMode;
  readonly parts: readonly Part[];
  state: ImportState;
}

const PREFIX = "import:";

/** The table that the CLI prints before it asks. */
export function confirmation(counts: readonly TableCount[], mode: ImportMode): string {
  const rows = counts.map(({ table, create, present }) => [table, String(create), mode === "append" ? "0" : `${present} of ${present}`]);
  const all = [["table", "create", "delete"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`);
  const last = "Once the import has started, it will run in the background.\nInterrupting `npx convex import` will not cancel it.";
  return ["Import change summary:", lines[0], "-".repeat(lines[0].length), ...lines.slice(1), last].join("\n");
}

/** As the real list: the newest ones. */
const LISTED = 20;

export class Imports {
  private readonly records = new Map<string, ImportRecord>();
  private readonly importer: Importer;
  /** Imports are looked through and performed one after the other. */
  private worker: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: DocumentStore,
    private readonly objects: Objects,
    private readonly log: (line: string) => void,
    readonly faults: Faults,
    schemaTables: () => readonly string[] = () => [],
  ) {
    this.importer = new Importer(store, objects, faults, schemaTables);
  }

  /** Reads what was there before a restart, and goes on with what was under way, as the real one does: from the beginning, for it had changed nothing. */
  async load(): Promise<void> {
    const records = (await this.store.facts(PREFIX)).map(({ value }) => JSON.parse(value) as ImportRecord);
    for (const record of records.sort((a, b) => a.requested - b.requested)) {
      this.records.set(record.id, record);
      if (record.state.state === "uploaded") this.work(record, () => this.preview(record));
      if (record.state.state === "in_progress") this.work(record, () => this.perform(record));
    }
  }

  /** Newest first. */
  list(): ImportRecord[] {
    return [...this.records.values()].reverse().slice(0, LISTED);
  }

  get(id: string): ImportRecord | undefined {
    return this.records.get(id);
  }

  private async become(record: ImportRecord, state: ImportState): Promise<void> {
    record.state = state;
    await this.store.setFact(`${PREFIX}${record.id}`, JSON.stringify(record));
  }

  private async attempt(record: ImportRecord, run: () => Promise<ImportState>): Promise<void> {
    try {
      await this.become(record, await run());
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.log(`import ${record.id} failed: ${message}`);
      await this.become(record, { state: "failed", error_message: message });
    }
  }

  private work(record: ImportRecord, run: () => Promise<void>): void {
    this.worker = this.worker.then(run).catch((error: unknown) => this.log(`import ${record.id}: ${String(error)}`));
  }

  private newRecord(parts: readonly Part[], mode: ImportMode, state: ImportState): ImportRecord {
    const record: ImportRecord = { id: newId(), requested: Date.now(), mode, parts, state };
    this.records.set(record.id, record);
    return record;
  }

  private preview(record: ImportRecord): Promise<void> {
    return this.attempt(record, async () => {
      const snapshot = await Snapshot.open(joined(this.objects, record.parts));
      const counts = await this.importer.preview(snapshot, record.mode);
      return { state: "waiting_for_confirmation", message_to_confirm: confirmation(counts, record.mode), require_manual_confirmation: true };
    });
  }

  /** Takes an uploaded file; it is looked through in the background, and then waits to be confirmed. */
  async start(parts: readonly Part[], mode: ImportMode): Promise<ImportRecord> {
    const record = this.newRecord(parts, mode, { state: "uploaded" });
    await this.become(record, record.state);
    this.work(record, () => this.preview(record));
    return record;
  }

  /** Goes on with one that waits. @returns false when it does not wait */
  async confirm(record: ImportRecord): Promise<boolean> {
    if (record.state.state !== "waiting_for_confirmation") return false;
    await this.become(record, { state: "in_progress", progress_message: "Importing", checkpoint_messages: [] });
    this.work(record, () => this.perform(record));
    return true;
  }

  private async perform(record: ImportRecord): Promise<void> {
    const started = Date.now();
    await this.attempt(record, async () => {
      const snapshot = await Snapshot.open(joined(this.objects, record.parts));
      const checkpoints: string[] = [];
      const told = (progress_message: string) => {
        record.state = { state: "in_progress", progress_message, checkpoint_messages: [...checkpoints] };
      };
      const written = await this.importer.perform(snapshot, record.mode, {
        message: told,
        checkpoint(text) {
          checkpoints.push(text);
          told("Importing");
        },
      });
      this.log(`import ${record.id} (${record.mode}): ${written} documents in ${Date.now() - started} ms`);
      return { state: "completed", num_rows_written: written };
    });
    for (const { key } of record.parts) await this.objects.remove("imports", key);
  }

  /** Without the CLI's steps. @throws what is wrong with the file */
  async direct(parts: readonly Part[], mode: ImportMode): Promise<number> {
    const record = this.newRecord(parts, mode, { state: "in_progress", progress_message: "Importing", checkpoint_messages: [] });
    try {
      await this.importer.preview(await Snapshot.open(joined(this.objects, parts)), mode);
    } catch (error) {
      this.records.delete(record.id);
      throw error;
    }
    await this.perform(record);
    const { state } = record;
    if (state.state === "completed") return state.num_rows_written;
    throw new Error(state.state === "failed" ? state.error_message : `import ended as ${state.state}`);
  }

  newUpload(): string {
    return randomUUID();
  }
}
