/** Real providers -> trimmed schemas, through `terraform providers schema -json`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { address, BindingsError, schemaFile, sha256 } from "./providers.mjs";

/** The files of bindings/schemas: one schema a provider, and SOURCE.json that says where each is from. */
export function extractSchemas(providers, env) {
  const { full, terraformVersion } = readFromTerraform(providers, env);
  refuseUnknownTypes(providers, full);

  const files = new Map();
  const source = {};
  for (const provider of providers) {
    const all = full.provider_schemas[address(provider)];
    const text = toJson({
      format_version: full.format_version,
      // cdktf writes this version into every binding; without it they say "undefined".
      provider_versions: { [address(provider)]: provider.version },
      provider_schemas: { [address(provider)]: trim(provider, all) },
    });
    files.set(schemaFile(provider), text);
    source[provider.name] = {
      address: address(provider),
      version: provider.version,
      obtained: `terraform ${terraformVersion} providers schema -json, by scripts/bindings.mjs --schemas`,
      kept: {
        resources: `${provider.resources.length} of ${Object.keys(all.resource_schemas).length}`,
        dataSources: `${provider.dataSources.length} of ${Object.keys(all.data_source_schemas).length}`,
      },
      sha256: sha256(text),
    };
  }
  return files.set("SOURCE.json", toJson(source));
}

function trim({ resources, dataSources }, all) {
  const pick = (schemas, types) => Object.fromEntries(types.map((type) => [type, schemas[type]]));
  return {
    provider: all.provider,
    resource_schemas: pick(all.resource_schemas, resources),
    data_source_schemas: pick(all.data_source_schemas, dataSources),
  };
}

function refuseUnknownTypes(providers, full) {
  const unknown = providers.flatMap((provider) => {
    const { resource_schemas, data_source_schemas } = full.provider_schemas[address(provider)];
    const named = `${provider.source} ${provider.version}`;
    const absent = (kind, wanted, known) =>
      wanted.filter((type) => !(type in known)).map((type) => `${named} has no ${kind} ${type}`);
    return [
      ...absent("resource", provider.resources, resource_schemas),
      ...absent("data source", provider.dataSources, data_source_schemas),
    ];
  });
  if (unknown.length === 0) return;
  throw new BindingsError(
    unknown.join("\n  "),
    "the provider at the pinned version does not have these types, so no binding can be made.",
    "correct the names or the version in bindings/providers.json.",
  );
}

function readFromTerraform(providers, env) {
  const dir = mkdtempSync(`${tmpdir()}/bindings-`);
  try {
    const required = Object.fromEntries(providers.map(({ name, source, version }) => [name, { source, version }]));
    writeFileSync(`${dir}/main.tf.json`, JSON.stringify({ terraform: { required_providers: required } }));
    terraform(dir, env, "init", "-input=false", "-no-color");
    return {
      full: JSON.parse(terraform(dir, env, "providers", "schema", "-json")),
      terraformVersion: JSON.parse(terraform(dir, env, "version", "-json")).terraform_version,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function terraform(cwd, env, ...args) {
  // The whole schema of a provider exceeds the 1 MiB that spawnSync allows by default.
  const { error, status, stdout, stderr } = spawnSync("terraform", args, { cwd, env, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (error?.code === "ENOENT")
    throw new BindingsError(
      "terraform is not on PATH.",
      "--schemas asks the real providers for their schemas, and terraform is what runs them.",
      "install Terraform 1.11 or newer; to work from the committed schemas leave --schemas out.",
    );
  if (error) throw error;
  if (status !== 0)
    throw new BindingsError(
      `terraform ${args.join(" ")} failed:\n${stderr.trim()}`,
      "without it there is no schema to trim.",
      "check that the registry is reachable, or name a provider mirror in the file that TF_CLI_CONFIG_FILE points to.",
    );
  return stdout;
}

/** JSON whose keys are sorted, so that a re-extraction differs only where the provider does. */
function toJson(value) {
  const sorted = (_key, item) =>
    item && typeof item === "object" && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item;
  return `${JSON.stringify(value, sorted, 2)}\n`;
}
