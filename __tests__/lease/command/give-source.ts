/** scripts/lease/give.ts as it stands, or with one planted defect. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { buildSync } from "esbuild";

type Give = typeof import("../../../scripts/lease/give").giveWorker;

const FOLDER = join(__dirname, "../../../scripts/lease");
const SOURCE = readFileSync(join(FOLDER, "give.ts"), "utf8");

/** @param defect text that must be in the source exactly once, so that a defect never goes stale unseen */
export function loadGive(defect?: { readonly text: string; readonly by: string }): Give {
  if (defect && SOURCE.split(defect.text).length !== 2) throw new Error(`${JSON.stringify(defect.text)} is ${SOURCE.split(defect.text).length - 1} times in give.ts, and must be there once: adapt the planted defect`);
  const contents = defect ? SOURCE.replace(defect.text, () => defect.by) : SOURCE;
  const [{ text }] = buildSync({ stdin: { contents, resolveDir: FOLDER, loader: "ts" }, bundle: true, packages: "external", platform: "node", format: "cjs", write: false }).outputFiles;
  const loaded = { exports: {} as { giveWorker: Give } };
  new Function("module", "exports", "require", text)(loaded, loaded.exports, createRequire(__filename));
  return loaded.exports.giveWorker;
}
