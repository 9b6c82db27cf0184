/** Imports by their states, as `_system/cli/queryImport` tells them: uploaded, waiting, in progress, over. */
import { randomUUID } from "node:crypto";
import type { Objects } from "../objects/objects";
import type { DocumentStore } from "../store/store";
import { newId } from "../values/document";
import { Importer, Snapshot, type ImportMode, type TableCount } from "./import";
import { joined, type Part } from "./upload";

export type ImportState =
  | { readonly state: "uploaded" }
  | { readonly state: "waiting_for_confirmation"; readonly message_to_confirm: string; readonly require_manual_confirmation: boolean }
  | { readonly state: "in_progress"; readonly progress_message: string; readonly checkpoint_messages: readonly string[] }
  | { readonly state: "completed"; readonly num_rows_written: number }
  | { readonly state: "failed"; readonly error_message: string };

export interface ImportRecord {
  readonly id: string;
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
  return ["Import change summary:", lines[0], "-".repeat(lines[0].length), ...lines.slice(1)].join("\n");
}

export class Imports {
  private readonly records = new Map<string, ImportRecord>();
  private readonly importer: Importer;
  constructor(private readonly store: DocumentStore, private readonly objects: Objects, private readonly log: (line: string) => void) {
    this.importer = new Importer(store, objects);
  }

  /** Reads what was there before a restart; an import that was under way is over, and has changed nothing. */
  async load(): Promise<void> {
    for (const { value } of await this.store.facts(PREFIX)) {
      const record = JSON.parse(value) as ImportRecord;
      this.records.set(record.id, record);
      if (record.state.state === "in_progress" || record.state.state === "uploaded") await this.become(record, { state: "failed", error_message: "the backend was restarted during the import, which changed nothing: import again" });
    }
  }

  list(): ImportRecord[] {
    return [...this.records.values()];
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

  /** Takes an uploaded file; it is looked through in the background, and then waits to be confirmed. */
  async start(parts: readonly Part[], mode: ImportMode): Promise<ImportRecord> {
    const record: ImportRecord = { id: newId(), mode, parts, state: { state: "uploaded" } };
    this.records.set(record.id, record);
    await this.become(record, record.state);
    void this.attempt(record, async () => {
      const snapshot = await Snapshot.open(joined(this.objects, parts));
      const counts = await this.importer.preview(snapshot, mode);
      return { state: "waiting_for_confirmation", message_to_confirm: confirmation(counts, mode), require_manual_confirmation: true };
    }).catch((error: unknown) => this.log(`import ${record.id}: ${String(error)}`));
    return record;
  }

  /** Goes on with one that waits. @returns false when it does not wait */
  async confirm(record: ImportRecord): Promise<boolean> {
    if (record.state.state !== "waiting_for_confirmation") return false;
    await this.become(record, { state: "in_progress", progress_message: "Importing", checkpoint_messages: [] });
    void this.perform(record).catch((error: unknown) => this.log(`import ${record.id}: ${String(error)}`));
    return true;
  }

  private async perform(record: ImportRecord): Promise<void> {
    const started = Date.now();
    await this.attempt(record, async () => {
      const snapshot = await Snapshot.open(joined(this.objects, record.parts));
      const written = await this.importer.perform(snapshot, record.mode, (progress_message) => {
        record.state = { state: "in_progress", progress_message, checkpoint_messages: [] };
      });
      this.log(`import ${record.id} (${record.mode}): ${written} documents and files in ${Date.now() - started} ms`);
      return { state: "completed", num_rows_written: written };
    });
    for (const { key } of record.parts) await this.objects.remove("imports", key);
  }

  /** Without the CLI's steps. @throws what is wrong with the file */
  async direct(parts: readonly Part[], mode: ImportMode): Promise<number> {
    const record: ImportRecord = { id: newId(), mode, parts, state: { state: "in_progress", progress_message: "Importing", checkpoint_messages: [] } };
    this.records.set(record.id, record);
    await this.importer.preview(await Snapshot.open(joined(this.objects, parts)), mode);
    await this.perform(record);
    const { state } = record;
    if (state.state === "completed") return state.num_rows_written;
    throw new Error(state.state === "failed" ? state.error_message : `import ended as ${state.state}`);
  }

  newUpload(): string {
    return randomUUID();
  }
}
