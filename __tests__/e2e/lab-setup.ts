/** Brings the lab up once for all end-to-end tests; what the command said is kept for those that read it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { findMissing, gvfxLab, UP_OUTPUT } from "./lab-fixture";
import { printTroubles } from "./troubles.cjs";

export default async function setUp(): Promise<void> {
  const missing = findMissing();
  // Test files run in processes of their own, which inherit it.
  process.env.GVFX_E2E_MISSING = missing ?? "";
  if (missing !== undefined) {
    process.stderr.write(`not run: the lab and every test in it (${missing})\n`);
    return;
  }
  try {
    const { output } = await gvfxLab("up", "--timings");
    mkdirSync(".gvfx/lab", { recursive: true });
    writeFileSync(UP_OUTPUT, output);
    process.stderr.write(`${output}\n`);
  } catch (error) {
    // Neither reporters nor the teardown run after this.
    printTroubles("the lab did not come up");
    if (!process.env.GVFX_E2E_KEEP) await gvfxLab("down").catch((left: Error) => process.stderr.write(`${left.message}\n`));
    throw error;
  }
}
