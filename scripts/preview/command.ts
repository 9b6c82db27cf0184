/** `gvfx preview`, which `npm start` runs: synthesize, check, print, and write the page. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { loadEnvironment } from "../../environments/load";
import { imageLock, synthesize } from "../../synth";
import { machineReport } from "./machine";
import { platformModel } from "./model";
import { previewPage } from "./page";
import { readSynthesized } from "./synthesized";
import { machineText, previewText } from "./text";

/** Where cdktf's own commands look for the stacks. */
const OUTDIR = "cdktf.out";
const PAGE = join("dist", "preview", "index.html");

/** Narrower, the tables do not fit however they wrap; wider, the eye loses the line. */
const WIDTH = { least: 88, most: 120, unknown: 100 } as const;

export function previewCommand(): Command {
  return new Command("preview")
    .description("synthesizes and checks the stacks, prints what would be deployed, and writes it as a page with a drawing")
    .action(preview);
}

async function preview(): Promise<void> {
  // Wrong environments throw here, before anything is written.
  const environment = loadEnvironment(process.env.GVFX_ENV);
  // Programs are asked while the stacks are synthesized.
  const asked = machineReport(environment, process.env);
  synthesize(environment, OUTDIR);
  const model = platformModel(environment, imageLock(environment), readSynthesized(OUTDIR));
  mkdirSync(dirname(PAGE), { recursive: true });
  writeFileSync(PAGE, previewPage(model));

  const options = { width: terminalWidth(), colour: Boolean(process.stdout.isTTY && !process.env.NO_COLOR) };
  print([previewText(model, options), `The same with a drawing: ${PAGE}\n`, machineText(await asked, options)].join("\n"));
}

/** Whoever reads may stop early, as `head` does: the page is written all the same. */
function print(text: string): void {
  process.stdout.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  process.stdout.write(text);
}

function terminalWidth(): number {
  return Math.min(WIDTH.most, Math.max(WIDTH.least, process.stdout.columns ?? WIDTH.unknown));
}
