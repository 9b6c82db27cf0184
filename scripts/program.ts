/** The operator's command line: every command there is. */
import { Command } from "commander";
import type { Environment } from "../environments/schema";
import { acceptanceCommands } from "./acceptance/command";
import { acceptanceDrillCommands } from "./acceptance/drills/command";
import { cutoverCommand } from "./cutover/command";
import { dataCommand } from "./data/command";
import { whyCommand } from "./deployment/command";
import { docsCommand } from "./docs/command";
import { diffCommand } from "./diff/command";
import { doctorCommand } from "./doctor/command";
import { drillCommand } from "./drill/command";
import { hcpCommand } from "./hcp/command";
import { imagesCommand } from "./images/command";
import { labCommand } from "./lab/command";
import { leaseCommand } from "./lease/command";
import { previewCommand } from "./preview/command";
import { renderCommand } from "./render";
import { reviewCommand } from "./review/command";
import { authorityCommand, rotateCommand } from "./rotation/command";
import { secretsCommand } from "./secrets/command";

export function gvfxProgram(environment: () => Environment): Command {
  const program = new Command("gvfx").description("Operates the tv-goldviewfx platform. GVFX_ENV selects the environment (default: production).");
  const drill = drillCommand();
  for (const command of acceptanceDrillCommands(environment)) drill.addCommand(command);
  const commands = [
    previewCommand(),
    doctorCommand(),
    diffCommand(environment),
    reviewCommand(environment),
    secretsCommand(environment),
    rotateCommand(environment),
    authorityCommand(environment),
    imagesCommand(environment),
    hcpCommand(environment),
    whyCommand(environment),
    leaseCommand(environment),
    dataCommand(environment),
    cutoverCommand(environment),
    ...acceptanceCommands(environment),
    labCommand(),
    drill,
    renderCommand(environment),
    docsCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  return program;
}
