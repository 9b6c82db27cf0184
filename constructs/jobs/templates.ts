/** Templates that a task renders through its workload identity: from Vault and from Nomad variables. */
import { createHash } from "node:crypto";
import type { EnvSpec } from "../../contracts/env";
import { secretFor, type Secret } from "../../contracts/secrets";
import type { JobName } from "../../contracts/services";
import type { TemplateSpec } from "../nomad/spec";
import { stableJson } from "../nomad/render";

/**
 * A template that turns fields of Vault entries into environment variables. An
 * optional field that Vault does not have is left out: the app refuses empty values.
 */
export function secretEnvTemplate(mount: string, job: JobName, fields: readonly string[], destination = "secrets/vault.env"): TemplateSpec {
  const byPath = new Map<string, Secret[]>();
  for (const field of [...fields].sort()) {
    const secret = secretFor(job, field);
    byPath.set(secret.path, [...(byPath.get(secret.path) ?? []), secret]);
  }
  const blocks = [...byPath].map(([path, secrets]) => `{{ with secret "${mount}/data/${path}" }}\n${secrets.map(envLine).join("\n")}\n{{ end }}`);
  return { data: `${blocks.join("\n")}\n`, destination, asEnv: true, perms: "0600" };
}

function envLine({ field, required }: Secret): string {
  // A required field that is absent must stop the render (ErrMissingKey), not start the app without it.
  if (required) return `${field}={{ .Data.data.${field} | toJSON }}`;
  return `{{ if index .Data.data "${field}" }}${field}={{ index .Data.data "${field}" | toJSON }}{{ end }}`;
}

/** A template that turns the keys of Nomad variables into environment variables. */
export function variableEnvTemplate(env: EnvSpec, destination = "local/variables.env"): TemplateSpec {
  const byPath = new Map<string, string[]>();
  for (const [key, source] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (source.from === "variable") byPath.set(source.path, [...(byPath.get(source.path) ?? []), key]);
  }
  const blocks = [...byPath].map(([path, keys]) => `{{ with nomadVar "${path}" }}\n${keys.map((key) => `${key}={{ .${key}.Value | toJSON }}`).join("\n")}\n{{ end }}`);
  return { data: `${blocks.join("\n")}\n`, destination, asEnv: true };
}

/** The literal part of an environment. */
export function literalEnv(env: EnvSpec): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([key, source]) => (source.from === "value" ? [[key, source.value]] : [])));
}

export function secretFields(env: EnvSpec): string[] {
  return Object.entries(env).flatMap(([key, source]) => (source.from === "secret" ? [key] : []));
}

/**
 * Hash of what a job reads from variables, for its meta: a changed catalog or
 * tuning is then a changed job, and rolls out by canary like any other change.
 * SHA-256, first 16 hex digits: enough to tell revisions apart.
 */
export function variablesHash(env: EnvSpec): string {
  const read = Object.fromEntries(Object.entries(env).filter(([, source]) => source.from === "variable"));
  return createHash("sha256").update(stableJson(read)).digest("hex").slice(0, 16);
}
