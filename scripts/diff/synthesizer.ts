/** Stacks synthesized beside those of an earlier time, which Terraform may be reading meanwhile. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../../environments/schema";
import { synthesize } from "../../synth";
import { OUTPUT_FOLDER } from "../lab/terraform";
import { readSynthesized, type SynthesizedStack } from "../preview/synthesized";

export interface Synthesizer {
  /** Where a deploy looks for the stacks. */
  readonly folder: string;
  /** Text of a stack that lies there, from which Terraform has been initialized; undefined when there is none. */
  before(stack: string): string | undefined;
  /** Writes all stacks to a folder of their own. @throws Error when a guardrail is broken */
  synthesize(env: Environment): Readonly<Record<string, SynthesizedStack>>;
  /** Text of a stack that was synthesized. */
  text(stack: string): string;
  /** Puts what was synthesized where a deploy looks for it. */
  putInPlace(): void;
  close(): void;
}

/** What cdktf writes besides the stacks' own folders. */
const MANIFEST = "manifest.json";

/** cdktf's, in the folder of the environment. */
export function synthesizerOf({ lab }: Pick<Environment, "lab">): Synthesizer {
  const folder = lab ? OUTPUT_FOLDER : "cdktf.out";
  const fileIn = (root: string, stack: string): string => join(root, "stacks", stack, "cdk.tf.json");
  let beside: string | undefined;
  const made = (): string => {
    if (beside === undefined) {
      mkdirSync(".gvfx", { recursive: true });
      beside = mkdtempSync(join(".gvfx", "synth-"));
    }
    return beside;
  };
  return {
    folder,
    before(stack) {
      try {
        // Not initialized, Terraform would ask for providers first.
        readFileSync(join(folder, "stacks", stack, ".terraform", "initialized"));
        return readFileSync(fileIn(folder, stack), "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    synthesize(env) {
      synthesize(env, made());
      return readSynthesized(made());
    },
    text: (stack) => readFileSync(fileIn(made(), stack), "utf8"),
    putInPlace() {
      mkdirSync(folder, { recursive: true });
      cpSync(join(made(), "stacks"), join(folder, "stacks"), { recursive: true });
      cpSync(join(made(), MANIFEST), join(folder, MANIFEST));
    },
    close() {
      if (beside !== undefined) rmSync(beside, { recursive: true, force: true });
    },
  };
}
