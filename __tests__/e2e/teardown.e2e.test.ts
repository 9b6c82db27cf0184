/** Last by name: the four stacks destroyed in the reverse order, and nothing left. */
import { existsSync } from "node:fs";
import { run } from "../../scripts/lab/run";
import { describeUnless } from "../terraform/terraform";
import { gvfxLab, lab, labMissing } from "./lab-fixture";

describeUnless(process.env.GVFX_E2E_KEEP ? "GVFX_E2E_KEEP is set" : labMissing(), "the end of the lab", () => {
  test("every stack is destroyed in the reverse order, and no container, volume, network or state is left", async () => {
    const { output } = await gvfxLab("down", "--stacks");
    process.stderr.write(`${output}\n`);
    expect([...output.matchAll(/\] (\S+): destroy \(/g)].map(([, stack]) => stack)).toEqual(["cutover", "app", "data-plane", "foundation", "lab"]);
    for (const list of [["ps", "--all"], ["volume", "ls"], ["network", "ls"]]) expect((await run("docker", [...list, "--quiet", "--filter", `name=^${lab.network.name}`])).output).toBe("");
    expect(existsSync(".gvfx/state/lab")).toBe(false);
  }, 300_000);
});
