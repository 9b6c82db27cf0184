/** Committed schemas -> TypeScript, with the generator that the pinned cdktf-cli runs for `cdktf get`. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { BindingsError, schemaDir } from "./providers.mjs";
import { readTree } from "./tree.mjs";

/** Per provider, the files of bindings/<provider>: one folder with an index.ts a resource. */
export async function generate(bindings, providers) {
  const { ConstructsMaker, TerraformProviderConstraint } = loadGenerator();
  const out = mkdtempSync(`${tmpdir()}/bindings-`);
  try {
    const maker = new ConstructsMaker({ codeMakerOutput: out, targetLanguage: "typescript" }, schemaDir(bindings));
    await maker.generate(providers.map((provider) => new TerraformProviderConstraint(provider)));
    return new Map(providers.map(({ name }) => [name, resourceFiles(`${out}/providers/${name}`)]));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Keeps <resource>/index.ts and drops the barrels and the README of one link each. */
function resourceFiles(dir) {
  const kept = [...readTree(dir)].filter(([path]) => /^[^/]+\/index\.ts$/.test(path));
  return new Map(kept.map(([path, text]) => [path, markOverrides(text)]));
}

/** cdktf omits `override`, which our tsconfig (noImplicitOverride) requires of every file the project imports. */
function markOverrides(text) {
  const marked = text.replace(INHERITED, "protected override ");
  // Only a provider inherits `alias`; in a resource it would be an attribute of its own.
  return text.includes("extends cdktf.TerraformProvider ") ? marked.replace(INHERITED_ALIAS, "public override ") : marked;
}
const INHERITED = /\bprotected (?=synthesize(Hcl)?Attributes\(|(terraformResource|terraformAttribute|wrapsSet): )/g;
const INHERITED_ALIAS = /\bpublic (?=[gs]et alias\()/g;

/** Follows cdktf-cli's own dependencies, so the generator is the pinned one wherever npm put it. */
function loadGenerator() {
  // The library runs `terraform version` as it loads, for a log line. Generation needs no terraform,
  // so a broken CLI configuration must not print warnings here.
  const cliConfig = process.env.TF_CLI_CONFIG_FILE;
  delete process.env.TF_CLI_CONFIG_FILE;
  try {
    let require = createRequire(import.meta.url);
    for (const dependency of ["cdktf-cli", "@cdktf/cli-core"])
      require = createRequire(require.resolve(`${dependency}/package.json`));
    return require("@cdktf/provider-generator");
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    throw new BindingsError(
      `cdktf-cli's generator is not installed (${error.message.split("\n")[0]}).`,
      "it turns provider schemas into TypeScript.",
      'run "npm ci" (with development dependencies).',
    );
  } finally {
    if (cliConfig !== undefined) process.env.TF_CLI_CONFIG_FILE = cliConfig;
  }
}
