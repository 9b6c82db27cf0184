/** Interruptions of imports, for tests of those who must go on after one: DOUBLE_IMPORT_FAULTS. */
import type { DocumentStore } from "../store/store";

export interface ImportFaults {
  /** The part of this number, of the first upload that has one, is answered with 503. */
  readonly "upload-part"?: number;
  /** The first import that has written this many documents fails. */
  readonly "fail-after"?: number;
  /** The process exits with 1, as in a crash, when an import has written this many documents for the first time. */
  readonly "exit-after"?: number;
  /** Every batch of documents waits so long, in milliseconds; always. */
  readonly "pause-ms"?: number;
}

const NAMES: readonly (keyof ImportFaults)[] = ["upload-part", "fail-after", "exit-after", "pause-ms"];

/** @param text as in `fail-after=5000,pause-ms=20`; empty for none. @throws what is wrong with it */
export function importFaultsFrom(text: string): ImportFaults {
  const faults: Partial<Record<keyof ImportFaults, number>> = {};
  for (const part of text.split(",").filter(Boolean)) {
    const [name, value] = part.split("=");
    const known = NAMES.find((candidate) => candidate === name?.trim());
    if (!known || !/^[1-9]\d*$/.test(value ?? "")) throw new Error(`DOUBLE_IMPORT_FAULTS has ${JSON.stringify(part)}: it must be a list of ${NAMES.map((each) => `${each}=<whole number from 1>`).join(", ")}`);
    faults[known] = Number(value);
  }
  return faults;
}

export class Faults {
  constructor(
    private readonly faults: ImportFaults,
    private readonly store: Pick<DocumentStore, "fact" | "setFact">,
    private readonly exit: (why: string) => void,
  ) {}

  /** A fault happens once, restarts included; with another number it is another fault. */
  private async once(name: keyof ImportFaults): Promise<boolean> {
    const fact = `fault:${name}=${this.faults[name]}`;
    if ((await this.store.fact(fact)) !== undefined) return false;
    await this.store.setFact(fact, new Date().toISOString());
    return true;
  }

  /** Whether this part of an upload must not be taken. */
  async refusesPart(number: number): Promise<boolean> {
    return number === this.faults["upload-part"] && this.once("upload-part");
  }

  /** To be called after every batch. @param total documents that the import has written so far */
  async written(total: number): Promise<void> {
    const { "fail-after": fail, "exit-after": exit, "pause-ms": pause } = this.faults;
    if (pause !== undefined) await new Promise((resolve) => setTimeout(resolve, pause));
    if (exit !== undefined && total >= exit && (await this.once("exit-after"))) this.exit(`DOUBLE_IMPORT_FAULTS: exit after ${total} documents`);
    if (fail !== undefined && total >= fail && (await this.once("fail-after"))) throw new Error(`interrupted by DOUBLE_IMPORT_FAULTS after ${total} documents`);
  }
}
