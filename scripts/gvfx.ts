/** The operator's command line. Environment variables are read here and in the commands' entries only. */
import { loadEnvironment } from "../environments/load";
import { ended } from "./command-line";
import { gvfxProgram } from "./program";

gvfxProgram(() => loadEnvironment(process.env.GVFX_ENV)).parseAsync().catch(ended);
