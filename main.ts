/** Composition root: environment -> stacks; nothing else. GVFX_ENV is read here and in the CLI's entry. */
import { loadEnvironment } from "./environments/load";
import { synthesize } from "./synth";

// cdktf takes a stack trace for every token, a tenth of synth; GVFX_STACK_TRACES=1 keeps them.
if (!process.env.GVFX_STACK_TRACES) Error.captureStackTrace = () => undefined;

try {
  synthesize(loadEnvironment(process.env.GVFX_ENV));
} catch (error) {
  if (process.env.GVFX_STACK_TRACES) throw error;
  console.error((error as Error).message);
  process.exitCode = 1;
}
