/** Which stacks had no change when they were last planned: a guess at what the next plan says, on which nothing but its speed depends. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Environment } from "../../environments/schema";
import { parseJson } from "../json";
import type { PlanPlace } from "../terraform/stack";

export interface UnchangedStacks {
  /** Whether a plan of this very text had no change. */
  likely(stack: string, text: string): boolean;
  /**
   * Keeps for the next time, which scripts/begin.cjs begins with, a stack whose plan has no change.
   * @param unchanged its text, and where Terraform was run; undefined when it has a change
   */
  note(stack: string, unchanged: { readonly text: string; readonly place?: PlanPlace } | undefined): void;
}

const noteSchema = z.object({ text: z.string() });

/** @param root folder of what is kept. @default ".gvfx" */
export function unchangedStacks({ name }: Pick<Environment, "name">, root = ".gvfx"): UnchangedStacks {
  const folder = join(root, "plans", name);
  const fileOf = (stack: string): string => join(folder, `${stack}.unchanged.json`);
  const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
  return {
    likely(stack, text) {
      try {
        return noteSchema.safeParse(parseJson(readFileSync(fileOf(stack), "utf8"))).data?.text === hashOf(text);
      } catch {
        return false;
      }
    },
    note(stack, unchanged) {
      rmSync(fileOf(stack), { force: true });
      if (unchanged === undefined) return;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const { text, place } = unchanged;
      const variables = place && Object.fromEntries(Object.entries(place.variables).map(([variable, value]) => [variable, value ?? null]));
      // Its user's alone: a lab's variables hold its tokens, as its states do.
      writeFileSync(fileOf(stack), JSON.stringify({ text: hashOf(text), folder: place?.folder, variables }), { mode: 0o600 });
    },
  };
}
