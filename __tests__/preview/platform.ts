/** Models of what would be deployed, from a real synth in a folder of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseImageLock } from "../../contracts/images";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import type { EnvironmentInput } from "../../environments/schema";
import lockFile from "../../images.lock.json";
import { platformModel, type PlatformModel } from "../../scripts/preview/model";
import { readSynthesized } from "../../scripts/preview/synthesized";
import { synthesize } from "../../synth";

export function modelOf(input: EnvironmentInput): PlatformModel {
  const environment = parseEnvironment(input.name, input);
  const outdir = mkdtempSync(join(tmpdir(), "gvfx-preview-"));
  try {
    synthesize(environment, outdir);
    return platformModel(environment, parseImageLock(lockFile), readSynthesized(outdir));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

type Tailnet = Extract<EnvironmentInput["tailnet"], { enabled: true }>;
export const TAILNET = production.tailnet as Tailnet;

/** Names as long as the schema admits. */
export const LONG_NAMES: EnvironmentInput = {
  ...production,
  nodes: [{ ...production.nodes[0], name: `${"a".repeat(61)}-1` }, { ...production.nodes[1], name: `${"b".repeat(61)}-2` }],
  witness: { ...production.witness, name: "w".repeat(63) },
  dataPlane: { ...production.dataPlane, node: `${"b".repeat(61)}-2` },
  replicas: { api: 3, frontend: 1, rlService: 4 },
  tailnet: { ...TAILNET, userGroup: `group:${"users-".repeat(12)}`, exitNodeTag: `tag:exit-${"far-".repeat(12)}away` },
};
