/** Writes to Vault what is missing and can be made, and what an operator gives. What is there is never written over unasked. */
import { BACKUP_KEY_BEFORE, BACKUP_KEYS_KEPT, SECRETS, type Secret } from "../../contracts/secrets";
import type { Environment } from "../../environments/schema";
import { UnexpectedAnswer } from "../clients/http";
import { readPaths, stateOf, valuesOf, type AtPath, type KeyValue } from "./state";
import { derivationOf, generatedValue } from "./values";

/** Asks for a secret. @param required whether a job cannot do its work without it @returns undefined when it is left out for now, or made here */
export type Ask = (secret: Secret, required: boolean) => Promise<string | undefined>;

export interface Filled {
  /** Fields that were written, in the order of the catalog. */
  readonly written: readonly string[];
  /** Paths that were made although nothing is in them yet: their readers' templates wait for the path. */
  readonly emptyPaths: readonly string[];
}

/**
 * Asks for each secret that is absent and follows from no other, makes what it is not given and can make, and writes each path once.
 * @throws Error when Vault refuses; what was written before stays, and the same command goes on
 */
export async function fillSecrets(env: Environment, vault: KeyValue, ask: Ask): Promise<Filled> {
  const paths = await readPaths(env, vault);
  const state = stateOf(env, paths);
  const values: Record<string, string> = { ...valuesOf(paths) };
  const fresh = new Map<string, Record<string, string>>();
  const add = ({ path, field }: Secret, value: string): void => {
    values[field] = value;
    fresh.set(path, { ...fresh.get(path), [field]: value });
  };

  const absent = state.secrets.filter(({ state: of }) => of === "missing" || of === "stale");
  for (const { secret, required } of absent) {
    if (secret.origin === "derived") continue;
    const value = (await ask(secret, required)) ?? (secret.origin === "generated" ? generatedValue(secret.field) : undefined);
    if (value !== undefined) add(secret, value);
  }
  for (const { secret, required } of absent) {
    const { of, make } = secret.origin === "derived" ? derivationOf(secret) : { of: [], make: undefined };
    if (make && required && of.every((field) => values[field] !== undefined)) add(secret, make(env, values));
  }
  for (const path of state.missingPaths) if (!fresh.has(path)) fresh.set(path, {});

  for (const [path, fields] of fresh) await write(env, vault, path, fields, paths.get(path));
  const written = new Set([...fresh.values()].flatMap((fields) => Object.keys(fields)));
  return { written: SECRETS.flatMap(({ field }) => (written.has(field) ? [field] : [])), emptyPaths: [...fresh].flatMap(([path, fields]) => (Object.keys(fields).length === 0 ? [path] : [])) };
}

/**
 * Writes secrets over what is there, and what follows from them; each path once.
 * @returns fields that were written, in the order of the catalog
 */
export async function putSecrets(env: Environment, vault: KeyValue, given: ReadonlyMap<Secret, string>): Promise<readonly string[]> {
  const paths = await readPaths(env, vault);
  const before = valuesOf(paths);
  const fresh: Record<string, string> = Object.fromEntries([...given].map(([{ field }, value]) => [field, value]));
  const values = { ...before, ...fresh };
  for (const secret of SECRETS) if (secret.origin === "derived" && derivationOf(secret).of.some((field) => Object.hasOwn(fresh, field))) fresh[secret.field] = derivationOf(secret).make(env, values);
  const written = SECRETS.filter(({ field }) => Object.hasOwn(fresh, field));
  for (const path of new Set(written.map((secret) => secret.path))) {
    const fields = Object.fromEntries(written.flatMap((secret) => (secret.path === path ? [[secret.field, fresh[secret.field]] as const, ...keptBeside(secret, paths.get(secret.path))] : [])));
    await write(env, vault, path, fields, paths.get(path));
  }
  return written.map(({ field }) => field);
}

/** A backup's repository, and its copy in S3, is opened by an old key until a run of the backup has changed it. */
function keptBeside({ field }: Secret, at: AtPath): (readonly [string, string])[] {
  const fields = at === undefined || at === "unreadable" ? {} : at.fields;
  if (field !== "BACKUP_KEY" || !fields.BACKUP_KEY) return [];
  const former = [fields.BACKUP_KEY, ...(fields[BACKUP_KEY_BEFORE]?.split("\n") ?? [])].filter((key) => key !== "");
  return [[BACKUP_KEY_BEFORE, former.slice(0, BACKUP_KEYS_KEPT).join("\n")]];
}

async function write(env: Environment, vault: KeyValue, path: string, fields: Readonly<Record<string, string>>, before: AtPath): Promise<void> {
  const { kvMount } = env.vault;
  if (before === "unreadable") throw new Error(`the token in VAULT_TOKEN may not read ${kvMount}/${path}, whose other fields would be lost by a write; use one that may read, create and update it`);
  try {
    await vault.writeSecret(kvMount, path, { ...before?.fields, ...fields }, before?.version ?? 0);
  } catch (error) {
    if (error instanceof UnexpectedAnswer && error.status === 403) throw new Error(`the token in VAULT_TOKEN may not write ${kvMount}/${path}; use one that may read, create and update it`, { cause: error });
    if (error instanceof UnexpectedAnswer && error.status === 404) throw new Error(`Vault has no mount ${kvMount}: deploy foundation first, which makes it`, { cause: error });
    if (error instanceof UnexpectedAnswer && error.status === 400) throw new Error(`${kvMount}/${path} was changed by somebody else meanwhile, and is left alone; run the command again`, { cause: error });
    throw error;
  }
}
