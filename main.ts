/** Composition root: environment -> stacks; nothing else. GVFX_ENV is read here and in the CLI's entry. */
import { EnvironmentError } from "./environments/parse";
import { loadEnvironment } from "./environments/load";
import { synthesize } from "./synth";

// cdktf records where each token was made, which is a tenth of synth; errors are shown by their message.
Error.stackTraceLimit = 0;

try {
  synthesize(loadEnvironment(process.env.GVFX_ENV));
} catch (error) {
  // A wrong environment or a broken rule is the operator's to mend: the message says how, a stack trace would hide it.
  console.error(error instanceof EnvironmentError || error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
