/** Brings the lab up once for all end-to-end tests; what the command said is kept for those that read it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { gvfxLab, labMissing, UP_OUTPUT } from "./lab-fixture";

export default async function setUp(): Promise<void> {
  const missing = labMissing();
  if (missing !== undefined) {
    process.stderr.write(`not run: the lab and every test in it (${missing})\n`);
    return;
  }
  const { output } = await gvfxLab("up", "--timings");
  mkdirSync(".gvfx/lab", { recursive: true });
  writeFileSync(UP_OUTPUT, output);
  process.stderr.write(`${output}\n`);
}
