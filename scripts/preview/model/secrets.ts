/** Which secrets must exist in Vault, where, and who brings them. */
import { pathsThatMustExist, SECRETS, type Secret } from "../../../contracts/secrets";
import type { Environment } from "../../../environments/schema";

export interface SecretPathModel {
  /** Mount and path, as `vault kv get` takes it. */
  readonly path: string;
  /** A job waits for the path, be it empty. */
  readonly mustExist: boolean;
  /** Jobs that may read it; empty: operators only. */
  readonly readers: readonly string[];
  readonly fields: readonly Pick<Secret, "field" | "origin" | "required" | "purpose">[];
}

export function secretModels(env: Environment): SecretPathModel[] {
  const waitedFor = new Set(pathsThatMustExist());
  const byPath = new Map<string, Secret[]>();
  for (const secret of SECRETS) byPath.set(secret.path, [...(byPath.get(secret.path) ?? []), secret]);
  return [...byPath]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, secrets]) => ({
      path: `${env.vault.kvMount}/${path}`,
      mustExist: waitedFor.has(path),
      readers: secrets[0].readers,
      fields: secrets.map(({ field, origin, required, purpose }) => ({ field, origin, required, purpose })),
    }));
}
