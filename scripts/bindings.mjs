#!/usr/bin/env node
/**
 * Provider bindings for vultr and tailscale, which have no prebuilt package.
 *
 *   node scripts/bindings.mjs             committed schemas -> bindings/, offline
 *   node scripts/bindings.mjs --check     the same, compared only: exit 1 and a list of the files that differ
 *   node scripts/bindings.mjs --schemas   real providers -> bindings/schemas/ first, by terraform (add --check: compare only)
 *
 * Exit codes: 0 done or no difference, 1 --check found differences, 2 could not run.
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate } from "./bindings/generate.mjs";
import { BindingsError, readProviders, schemaDir, verifySchemas } from "./bindings/providers.mjs";
import { extractSchemas } from "./bindings/schemas.mjs";
import { apply, differences } from "./bindings/tree.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));

/** Runs one command line and returns its exit code. `root` is the folder that holds bindings/. */
export async function main(argv, root = repository) {
  try {
    const { check, schemas } = parseArgs({
      args: argv,
      options: { check: { type: "boolean", default: false }, schemas: { type: "boolean", default: false } },
    }).values;
    // cdktf and terraform both phone home to the same service; this switches both off.
    process.env.CHECKPOINT_DISABLE = "1";
    return await run(join(root, "bindings"), { check, schemas });
  } catch (error) {
    if (!(error instanceof BindingsError) && !error.code?.startsWith("ERR_PARSE_ARGS")) throw error;
    console.error(`bindings: ${error.message}`);
    return 2;
  }
}

async function run(bindings, { check, schemas }) {
  const providers = readProviders(bindings);
  const settle = (dir, files) => (check ? differences(dir, files) : apply(dir, files));

  const changes = [];
  if (schemas) changes.push(...settle(schemaDir(bindings), extractSchemas(providers, process.env)));
  verifySchemas(bindings, providers);

  const generated = await generate(bindings, providers);
  for (const [name, files] of generated) changes.push(...settle(`${bindings}/${name}`, files));

  const count = [...generated.values()].reduce((sum, files) => sum + files.size, 0);
  const named = changes.map(({ path, state }) => ({ state, path: relative(dirname(bindings), path) }));
  report({ check, schemas, count, changes: named });
  return check && changes.length > 0 ? 1 : 0;
}

/** One line a file that differs (--check) or was brought up to date, then the verdict. */
function report({ check, schemas, count, changes }) {
  const done = { missing: "added", changed: "changed", stale: "removed" };
  for (const { path, state } of changes) console.log(`${(check ? state : done[state]).padEnd(8)} ${path}`);
  if (changes.length === 0) return console.log(`bindings: ${count} files, all up to date`);
  if (!check) return console.log(`bindings: ${count} files, ${changes.length} files updated`);
  const command = schemas ? "node scripts/bindings.mjs --schemas" : "npm run bindings";
  console.error(`bindings: ${changes.length} files are not what is generated. Run "${command}" and commit bindings/.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
