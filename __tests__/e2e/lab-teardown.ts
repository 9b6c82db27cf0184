/** Takes the lab down after the last end-to-end test, whatever they left; GVFX_E2E_KEEP=1 leaves it. */
import { gvfxLab, labMissing } from "./lab-fixture";

export default async function tearDown(): Promise<void> {
  if (labMissing() !== undefined || process.env.GVFX_E2E_KEEP) return;
  await gvfxLab("down");
}
