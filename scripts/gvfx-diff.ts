/** `gvfx diff` alone: a smaller bundle starts sooner, and its plan with it. */
import { Command } from "commander";
import { loadEnvironment } from "../environments/load";
import { diffCommand } from "./diff/command";
import { ended } from "./command-line";

new Command("gvfx").addCommand(diffCommand(() => loadEnvironment(process.env.GVFX_ENV), { sources: process.env.GVFX_BUNDLE })).parseAsync().catch(ended);
