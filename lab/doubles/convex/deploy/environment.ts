/** The functions' environment variables (`convex env`), which an export does not carry. */
import type { DocumentStore } from "../store/store";

const PREFIX = "env:";
/** Convex's own limits. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
const MAX_VALUE_BYTES = 8192;
/** Set by the backend itself. */
const OWN = ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"];

export interface EnvironmentChange {
  readonly name: string;
  /** null removes it. */
  readonly value: string | null;
}

/** What is wrong with a change, or undefined. */
export function wrongChange({ name, value }: EnvironmentChange): string | undefined {
  if (!NAME.test(name)) return `the name ${JSON.stringify(name)} is not one of letters, digits and _, 40 at most, no digit first`;
  if (OWN.includes(name)) return `${name} is set by the backend itself`;
  return value !== null && Buffer.byteLength(value) > MAX_VALUE_BYTES ? `the value of ${name} is over ${MAX_VALUE_BYTES} bytes` : undefined;
}

export class EnvironmentVariables {
  constructor(private readonly store: Pick<DocumentStore, "facts" | "setFact" | "removeFact">) {}

  /** By name. */
  async list(): Promise<{ name: string; value: string }[]> {
    return (await this.store.facts(PREFIX)).map(({ name, value }) => ({ name: name.slice(PREFIX.length), value }));
  }

  /** All of them, or none when one is wrong. @throws what is wrong */
  async update(changes: readonly EnvironmentChange[]): Promise<void> {
    const wrong = changes.flatMap((change) => wrongChange(change) ?? []);
    if (wrong.length > 0) throw new Error(wrong.join("; "));
    for (const { name, value } of changes) {
      if (value === null) await this.store.removeFact(`${PREFIX}${name}`);
      else await this.store.setFact(`${PREFIX}${name}`, value);
    }
  }
}
