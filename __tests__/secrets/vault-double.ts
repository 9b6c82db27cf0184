import { SECRETS } from "../../contracts/secrets";
import { UnexpectedAnswer } from "../../scripts/clients/http";
import type { VaultSecret } from "../../scripts/clients/vault";
import type { KeyValue } from "../../scripts/secrets/state";

/** A double of a key-value engine, version 2: versions, check-and-set, and paths that a token may not read or write. */
export class KeyValueDouble implements KeyValue {
  readonly paths = new Map<string, VaultSecret>();
  readonly writes: string[] = [];
  readonly unreadable = new Set<string>();
  /** Somebody else writes between a read and a write of this path. */
  racedAt: string | undefined;

  async readSecret(_mount: string, path: string): Promise<VaultSecret | undefined> {
    if (this.unreadable.has(path)) throw new UnexpectedAnswer(403, `Vault's secret ${path}`);
    return this.paths.get(path);
  }

  async writeSecret(_mount: string, path: string, fields: Readonly<Record<string, string>>, version: number): Promise<void> {
    if (this.racedAt === path || version !== (this.paths.get(path)?.version ?? 0)) throw new UnexpectedAnswer(400, `Writing Vault's secret ${path}`);
    this.paths.set(path, { fields, version: version + 1 });
    this.writes.push(path);
  }

  field(field: string): string | undefined {
    return this.paths.get(SECRETS.find((secret) => secret.field === field)!.path)?.fields[field];
  }

  values(): string[] {
    return [...this.paths.values()].flatMap(({ fields }) => Object.values(fields));
  }
}
