/** The synthesized stacks as Terraform will read them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A resource or data source; `//` is what cdktf says about it. */
export interface TerraformBlock {
  readonly "//"?: { readonly metadata?: { readonly path?: string; readonly uniqueId?: string } };
  readonly lifecycle?: { readonly prevent_destroy?: boolean; readonly precondition?: readonly unknown[] };
  readonly [argument: string]: unknown;
}

/** Blocks by type and name. */
export type TerraformBlocks = Readonly<Record<string, Readonly<Record<string, TerraformBlock>>>>;

/** The parts of a synthesized stack that the preview reads. */
export interface TerraformJson {
  readonly resource?: TerraformBlocks;
  readonly data?: TerraformBlocks;
  /** Values that exist while Terraform runs and are stored nowhere. */
  readonly ephemeral?: TerraformBlocks;
  readonly output?: Readonly<Record<string, { readonly value: unknown; readonly sensitive?: boolean }>>;
  readonly provider?: Readonly<Record<string, unknown>>;
  readonly [block: string]: unknown;
}

export interface SynthesizedStack {
  /** Stacks that are deployed before it. */
  readonly dependencies: readonly string[];
  readonly terraform: TerraformJson;
}

interface Manifest {
  readonly stacks: Readonly<Record<string, { readonly dependencies: readonly string[]; readonly synthesizedStackPath: string }>>;
}

/** Reads what a synth wrote to `outdir`. */
export function readSynthesized(outdir: string): Record<string, SynthesizedStack> {
  const { stacks } = readJson<Manifest>(join(outdir, "manifest.json"));
  return Object.fromEntries(Object.entries(stacks).map(([id, { dependencies, synthesizedStackPath }]) => [id, { dependencies, terraform: readJson<TerraformJson>(join(outdir, synthesizedStackPath)) }]));
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}
