/** What bindings/ must hold: the providers of providers.json and their committed schemas. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

/** An error for the operator: what is wrong, why it matters, how to fix it. */
export class BindingsError extends Error {
  constructor(what, why, how) {
    super(`${what}\n  why: ${why}\n  fix: ${how}`);
    this.name = "BindingsError";
  }
}

export const schemaDir = (bindings) => `${bindings}/schemas`;
/** The name under which cdktf's schema cache looks a provider up. */
export const schemaFile = ({ name, version }) => `${name}@${version}.json`;
/** The key of a provider inside `terraform providers schema -json`. */
export const address = ({ source }) => `registry.terraform.io/${source}`;
export const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** Provider version, resources and data sources the project asks for. */
export function readProviders(bindings) {
  const wanted = JSON.parse(readFileSync(`${bindings}/providers.json`, "utf8"));
  return Object.entries(wanted).map(([name, provider]) => ({ name, ...provider }));
}

/** Refuses schemas that are missing, edited by hand or trimmed to another list than providers.json. */
export function verifySchemas(bindings, providers) {
  const dir = schemaDir(bindings);
  const source = existsSync(`${dir}/SOURCE.json`) ? JSON.parse(readFileSync(`${dir}/SOURCE.json`, "utf8")) : {};
  const problems = providers.flatMap((provider) => {
    const file = schemaFile(provider);
    if (!existsSync(`${dir}/${file}`)) return [`schemas/${file} is missing`];
    const text = readFileSync(`${dir}/${file}`, "utf8");
    if (sha256(text) !== source[provider.name]?.sha256)
      return [`schemas/${file} is not the file that SOURCE.json records`];
    const schema = JSON.parse(text).provider_schemas[address(provider)] ?? {};
    return [
      ...differingTypes(file, "resource", provider.resources, schema.resource_schemas),
      ...differingTypes(file, "data source", provider.dataSources, schema.data_source_schemas),
    ];
  });
  if (problems.length === 0) return;
  throw new BindingsError(
    problems.join("\n  "),
    "bindings are only as good as the schema they come from, and that must be the provider's own.",
    'run "node scripts/bindings.mjs --schemas" with terraform on PATH and commit bindings/.',
  );
}

function differingTypes(file, kind, wanted, schemas = {}) {
  const missing = wanted.filter((type) => !(type in schemas)).map((type) => `schemas/${file} lacks ${kind} ${type}`);
  const extra = Object.keys(schemas).filter((type) => !wanted.includes(type));
  return [...missing, ...extra.map((type) => `schemas/${file} has ${kind} ${type}, which providers.json does not want`)];
}
