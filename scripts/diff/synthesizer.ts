/** Stacks synthesized beside those of an earlier time, which Terraform may be reading meanwhile; or those themselves, when nothing has changed. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { STACK_IDS } from "../../contracts/stacks";
import type { Environment } from "../../environments/schema";
import { parseJson } from "../json";
import { OUTPUT_FOLDER } from "../lab/terraform";
import { readSynthesized, type SynthesizedStack } from "../preview/synthesized";
import { wasInitialized } from "../terraform/stack";

export interface Synthesized {
  readonly stacks: Readonly<Record<string, SynthesizedStack>>;
  /** How many guardrails hold. */
  readonly held: number;
}

export interface Synthesizer {
  /** Where a deploy looks for the stacks. */
  readonly folder: string;
  /** The stacks that lie there, when they were made of the same sources: then there is nothing to synthesize. */
  known(): Synthesized | undefined;
  /** Text of a stack that lies there, from which Terraform has been initialized; undefined when there is none. */
  before(stack: string): string | undefined;
  /** Writes all stacks to a folder of their own. @throws Error when a guardrail is broken */
  synthesize(env: Environment): Promise<Synthesized>;
  /** Text of a stack that was synthesized. */
  text(stack: string): string;
  /** Puts what was synthesized where a deploy looks for it. */
  putInPlace(): void;
  close(): void;
}

/** What cdktf writes besides the stacks' own folders. */
const MANIFEST = "manifest.json";
const recordSchema = z.object({ inputs: z.string(), texts: z.string(), held: z.number() });

/**
 * cdktf's, in the folder of the environment.
 * @param sources hash of all the sources that run. @default unknown: nothing of an earlier time is known
 */
export function synthesizerOf(environment: Environment, sources?: string): Synthesizer {
  const { lab, images, nomad } = environment;
  const folder = lab ? OUTPUT_FOLDER : "cdktf.out";
  const record = join(".gvfx", `${folder}.synthesized.json`);
  const fileIn = (root: string, stack: string): string => join(root, "stacks", stack, "cdk.tf.json");
  const contents = (files: readonly string[]): string[] => files.map((file) => (existsSync(file) ? readFileSync(file, "utf8") : "none"));
  /** Two environments may have one name: a lab, and what is left of it. Besides both, a synth reads the environment's own files. */
  const inputs = sources && hashOf([sources, process.version, JSON.stringify(environment), ...contents([nomad.rotationFile, nomad.authorityFile, ...(images.lockFile === undefined ? [] : [images.lockFile])])]);
  const texts = (): string => hashOf(contents([...STACK_IDS.map((stack) => fileIn(folder, stack)), join(folder, MANIFEST)]));
  let beside: string | undefined;
  let held = 0;
  const made = (): string => {
    if (beside === undefined) {
      mkdirSync(".gvfx", { recursive: true });
      beside = mkdtempSync(join(".gvfx", "synth-"));
    }
    return beside;
  };
  return {
    folder,
    known() {
      const known = inputs !== undefined && existsSync(record) ? recordSchema.safeParse(parseJson(readFileSync(record, "utf8"))).data : undefined;
      return known && known.inputs === inputs && known.texts === texts() ? { stacks: readSynthesized(folder), held: known.held } : undefined;
    },
    before(stack) {
      // Not initialized, Terraform would ask for providers first.
      return wasInitialized(join(folder, "stacks", stack)) && existsSync(fileIn(folder, stack)) ? readFileSync(fileIn(folder, stack), "utf8") : undefined;
    },
    async synthesize(env) {
      // Loaded only here: cdktf takes longer to load than all else.
      const { synthesize, guardrailCount } = await import("../../synth");
      synthesize(env, made());
      held = guardrailCount();
      return { stacks: readSynthesized(made()), held };
    },
    text: (stack) => readFileSync(fileIn(made(), stack), "utf8"),
    putInPlace() {
      for (const stack of readdirSync(join(made(), "stacks"))) {
        const [from, to] = [fileIn(made(), stack), fileIn(folder, stack)];
        // One that is the same is left alone: Terraform may be reading it.
        if (existsSync(to) && readFileSync(to, "utf8") === readFileSync(from, "utf8")) continue;
        mkdirSync(dirname(to), { recursive: true });
        copyFileSync(from, to);
      }
      copyFileSync(join(made(), MANIFEST), join(folder, MANIFEST));
      if (inputs !== undefined) writeFileSync(record, JSON.stringify({ inputs, texts: texts(), held }));
    },
    close() {
      if (beside !== undefined) rmSync(beside, { recursive: true, force: true });
    },
  };
}

function hashOf(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
