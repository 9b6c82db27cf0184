/** Secrets that a program can make: random ones in the form that their users take, and those that follow from others. */
import { randomBytes } from "node:crypto";
import type { Secret } from "../../contracts/secrets";
import { serviceName } from "../../contracts/services";
import { APP_DATABASE, APP_ROLE } from "../../constructs/jobs/postgres";
import type { Environment } from "../../environments/schema";
import { computeAdminKey, openAdminKey, parseInstanceSecret } from "../data/convex/admin-key";

/** Fields whose form somebody else decides. */
const FORMS: Readonly<Record<string, () => string>> = {
  // 32 bytes of hex, facts of the Convex backend.
  INSTANCE_SECRET: () => randomBytes(32).toString("hex"),
  MINIO_ROOT_USER: () => `gvfx-${randomBytes(6).toString("hex")}`,
  // MinIO takes 3 to 20 characters.
  AWS_ACCESS_KEY_ID: () => randomBytes(10).toString("hex").toUpperCase(),
  BACKUP_STORE_KEY_ID: () => randomBytes(10).toString("hex").toUpperCase(),
};

/** 192 bits, in characters that no shell, URL or connection string has to quote. */
const random = (): string => randomBytes(24).toString("hex");

/** A new value of a secret whose origin is "generated". */
export function generatedValue(field: string): string {
  return (FORMS[field] ?? random)();
}

interface Derivation {
  /** Fields that it is made of. */
  readonly of: readonly string[];
  readonly make: (env: Environment, from: Readonly<Record<string, string>>) => string;
  /** Whether a value is still of those others. */
  readonly fits: (value: string, env: Environment, from: Readonly<Record<string, string>>) => boolean;
}

const timescaleUrl = (env: Environment, { APP_DB_PASSWORD }: Readonly<Record<string, string>>): string =>
  `postgres://${APP_ROLE}:${APP_DB_PASSWORD}@${serviceName("postgres")}.service.${env.consul.domain}:${env.ports.postgres}/${APP_DATABASE}`;

const DERIVATIONS: Readonly<Record<string, Derivation>> = {
  TIMESCALE_URL: { of: ["APP_DB_PASSWORD"], make: timescaleUrl, fits: (value, env, from) => value === timescaleUrl(env, from) },
  CONVEX_ADMIN_KEY: {
    of: ["INSTANCE_SECRET"],
    make: (env, { INSTANCE_SECRET }) => computeAdminKey(env.dataPlane.convexInstance, parseInstanceSecret(INSTANCE_SECRET)),
    // Two keys of one secret differ: each has the time of its making.
    fits: (value, env, { INSTANCE_SECRET }) => openAdminKey(value, parseInstanceSecret(INSTANCE_SECRET))?.instance === env.dataPlane.convexInstance,
  },
};

/** @throws Error when nobody has said how it is made */
export function derivationOf({ field }: Pick<Secret, "field">): Derivation {
  const derivation = DERIVATIONS[field];
  if (!derivation) throw new Error(`${field} follows from other secrets, and nothing says how: add it to scripts/secrets/values.ts`);
  return derivation;
}
