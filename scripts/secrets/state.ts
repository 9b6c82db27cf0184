/** Which secrets are in Vault, and what their absence means for each job. No value leaves this file. */
import { SECRETS, type Secret } from "../../contracts/secrets";
import type { JobName } from "../../contracts/services";
import type { Environment } from "../../environments/schema";
import { UnexpectedAnswer } from "../clients/http";
import type { VaultClient, VaultSecret } from "../clients/vault";
import { derivationOf } from "./values";

/** stale: it follows from another secret that has changed since. unreadable: the token may not look. */
export type FieldState = "present" | "missing" | "stale" | "unreadable";

export interface SecretState {
  readonly secret: Secret;
  readonly state: FieldState;
  /** Whether a job, or an operator's command, cannot do without it in this environment. */
  readonly required: boolean;
}

export interface SecretsState {
  readonly secrets: readonly SecretState[];
  /** Paths that are not there: a template that reads one waits for it, for ever. */
  readonly missingPaths: readonly string[];
}

export type KeyValue = Pick<VaultClient, "readSecret" | "writeSecret">;

/** Optional by the catalog, and needed by what the environment asks for. */
function neededBy(env: Environment): ReadonlySet<string> {
  const { s3, clusterSnapshots } = env.dataPlane.backup;
  return new Set([...(s3 ? ["BACKUP_S3_KEY_ID", "BACKUP_S3_SECRET_KEY"] : []), ...(clusterSnapshots.consul.permitted ? ["CONSUL_SNAPSHOT_TOKEN"] : [])]);
}

/** A path as Vault has it: undefined where nothing is, "unreadable" where the token may not look. */
export type AtPath = VaultSecret | undefined | "unreadable";

/** Every path of the catalog. */
export async function readPaths(env: Environment, vault: KeyValue): Promise<ReadonlyMap<string, AtPath>> {
  const paths = [...new Set(SECRETS.map(({ path }) => path))].sort();
  const read = await Promise.all(
    paths.map(async (path): Promise<readonly [string, AtPath]> => {
      try {
        return [path, await vault.readSecret(env.vault.kvMount, path)];
      } catch (error) {
        if (error instanceof UnexpectedAnswer && error.status === 403) return [path, "unreadable"];
        throw error;
      }
    }),
  );
  return new Map(read);
}

export function stateOf(env: Environment, paths: ReadonlyMap<string, AtPath>): SecretsState {
  const needed = neededBy(env);
  const values = valuesOf(paths);
  const fieldState = (secret: Secret): FieldState => {
    const at = paths.get(secret.path);
    if (at === "unreadable") return "unreadable";
    const value = at?.fields[secret.field];
    if (value === undefined || value === "") return "missing";
    if (secret.origin !== "derived") return "present";
    const { of, fits } = derivationOf(secret);
    return of.some((field) => values[field] === undefined) || fits(value, env, values) ? "present" : "stale";
  };
  return {
    secrets: SECRETS.map((secret) => ({ secret, state: fieldState(secret), required: secret.required || needed.has(secret.field) })),
    missingPaths: [...new Set(SECRETS.filter(({ readers, path }) => readers.length > 0 && paths.get(path) === undefined).map(({ path }) => path))],
  };
}

/** Values by field, of what may be read. */
export function valuesOf(paths: ReadonlyMap<string, AtPath>): Readonly<Record<string, string>> {
  return Object.fromEntries(SECRETS.flatMap(({ path, field }) => {
    const at = paths.get(path);
    const value = at === undefined || at === "unreadable" ? undefined : at.fields[field];
    return value === undefined || value === "" ? [] : [[field, value] as const];
  }));
}

export interface JobNeeds {
  readonly job: JobName | "operator";
  /** It cannot start, or do what it is for, without them. */
  readonly lacks: readonly SecretState[];
  /** It does less without them. */
  readonly without: readonly SecretState[];
}

/** For each job what it lacks; secrets that no job reads are the operator's. Jobs that lack nothing are left out. */
export function needsOf({ secrets }: SecretsState): JobNeeds[] {
  const absent = secrets.filter(({ state }) => state !== "present");
  const jobs = [...new Set(absent.flatMap(({ secret: { readers } }): readonly (JobName | "operator")[] => (readers.length > 0 ? readers : ["operator"])))].sort();
  return jobs.map((job) => {
    const own = absent.filter(({ secret }) => (job === "operator" ? secret.readers.length === 0 : secret.readers.includes(job)));
    return { job, lacks: own.filter(({ required }) => required), without: own.filter(({ required }) => !required) };
  });
}
