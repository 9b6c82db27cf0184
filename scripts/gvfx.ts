/** The operator's command line. Environment variables are read here and in the commands' entries only. */
import { EnvironmentError } from "../environments/parse";
import { loadEnvironment } from "../environments/load";
import { gvfxProgram } from "./program";

gvfxProgram(() => loadEnvironment(process.env.GVFX_ENV))
  .parseAsync()
  .catch((error: unknown) => {
    // The message of an environment or contract error says how to mend it; a stack trace would hide it.
    console.error(error instanceof EnvironmentError || error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
