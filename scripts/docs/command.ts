/** `gvfx docs`: the pages of docs/ that are made from code, so that they cannot drift. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { loadEnvironment } from "../../environments/load";
import { synthesize } from "../../synth";
import { DRILL_PAGE, drillDocsPage } from "../drill/report/docs-page";
import { foundationPage, type Addressed } from "./foundation";
import { guardrailsPage } from "./guardrails";
import { CONTRACTS_PAGE, contractsPage } from "./reference-contracts";
import { runbooks } from "./runbooks";
import { WORKER_PAGE, workerPage } from "./worker";

/** Path and text of each generated page. Addresses are those of the production example. */
export async function generatedPages(): Promise<{ readonly file: string; readonly text: string }[]> {
  // Loaded only here: it reads the schema's sources with the compiler.
  const { ENVIRONMENT_PAGE, environmentPage } = await import("./reference-environment");
  const outdir = mkdtempSync(join(tmpdir(), "gvfx-docs-"));
  try {
    synthesize(loadEnvironment("production"), outdir);
    const foundation = JSON.parse(readFileSync(join(outdir, "stacks", "foundation", "cdk.tf.json"), "utf8")) as Addressed;
    return [
      { file: "docs/guardrails.md", text: guardrailsPage() },
      { file: "docs/foundation.md", text: foundationPage(foundation) },
      { file: WORKER_PAGE, text: workerPage() },
      { file: DRILL_PAGE, text: drillDocsPage() },
      { file: ENVIRONMENT_PAGE, text: environmentPage(".") },
      { file: CONTRACTS_PAGE, text: contractsPage(loadEnvironment("production")) },
      ...runbooks(loadEnvironment("production")),
    ];
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

export function docsCommand(): Command {
  return new Command("docs")
    .description("write the pages of docs/ that are made from code")
    .option("--check", "write nothing; fail when a page differs")
    .action(async ({ check }: { check?: boolean }) => {
      const stale = (await generatedPages()).filter(({ file, text }) => readIfThere(file) !== text);
      for (const { file, text } of stale) {
        if (check) console.error(`${file} differs from the code it is made from; run: npm run docs`);
        else {
          mkdirSync(dirname(file), { recursive: true });
          writeFileSync(file, text);
          console.log(file);
        }
      }
      if (check && stale.length > 0) process.exitCode = 1;
    });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
