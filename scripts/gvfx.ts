/** The operator's command line. Environment variables are read here and in the commands' entries only. */
import { Command } from "commander";
import { EnvironmentError } from "../environments/parse";
import { loadEnvironment } from "../environments/load";
import { dataCommand } from "./data/command";
import { whyCommand } from "./deployment/command";
import { docsCommand } from "./docs/command";
import { doctorCommand } from "./doctor/command";
import { drillCommand } from "./drill/command";
import { labCommand } from "./lab/command";
import { leaseCommand } from "./lease/command";
import { previewCommand } from "./preview/command";
import { renderCommand } from "./render";

const environment = () => loadEnvironment(process.env.GVFX_ENV);

const program = new Command("gvfx")
  .description("Operates the tv-goldviewfx platform. GVFX_ENV selects the environment (default: production).")
  .addCommand(previewCommand())
  .addCommand(doctorCommand())
  .addCommand(whyCommand(environment))
  .addCommand(leaseCommand(environment))
  .addCommand(dataCommand(environment))
  .addCommand(labCommand())
  .addCommand(drillCommand())
  .addCommand(renderCommand(environment))
  .addCommand(docsCommand());

program.parseAsync().catch((error: unknown) => {
  // The message of an environment or contract error says how to mend it; a stack trace would hide it.
  console.error(error instanceof EnvironmentError || error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
