/** `gvfx diff` with the real Terraform and providers against the lab: nothing after a deploy, a real change in words, and what it costs. */
import { join } from "node:path";
import { run } from "../../scripts/lab/run";
import { credentials, OUTPUT_FOLDER, synthesizeLab } from "../../scripts/lab/terraform";
import { STACK_IDS } from "../../contracts/stacks";
import { describeUnless } from "../terraform/terraform";
import { environment, GVFX_LAB, labMissing } from "./lab-fixture";

/** What an operator's environment file says after the loss of a node: a change of the data plane that was really thought of. */
const MOVED = "lab-without-server-1";
/** What the words may cost: 1.3 times the plan itself. */
const RATIO_BOUND = 1.3;
/**
 * Two cores that run the lab besides make a plan of 0.7 s uncertain by half of that, and only ever longer: the shortest of several
 * runs is what it costs (as in Python's timeit). More pairs are made while the shortest are not yet below the bound.
 */
const PAIRS_OF_RUNS = { least: 5, most: 30 } as const;

const gvfxDiff = (args: readonly string[], accept: readonly number[], name = "lab") => run(process.execPath, ["scripts/gvfx.mjs", "diff", ...args], { env: { ...GVFX_LAB, GVFX_ENV: name }, accept });
const barePlan = () => run("terraform", ["plan", "-detailed-exitcode", "-input=false", "-no-color", "-lock=false"], { cwd: join(OUTPUT_FOLDER, "stacks", "app"), env: { CHECKPOINT_DISABLE: "1", ...credentials(environment, "app") }, accept: [0] });

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}

describeUnless(labMissing(), "what a deploy would do", () => {
  afterAll(() => synthesizeLab(), 60_000);

  test("after a deploy: nothing, in every stack", async () => {
    const { output } = await gvfxDiff([], [0, 1, 2]);
    for (const stack of STACK_IDS) expect(output).toContain(`${stack}: no change`);
  }, 180_000);

  test("the data plane on another node is told in words, and is red", async () => {
    const { status, output } = await gvfxDiff(["data-plane"], [0, 1, 2], MOVED);
    expect(output).toMatch(/^LOOK CLOSELY/);
    expect(output).toMatch(/!! data-plane: job gvfx-postgres would be changed: it would start without its data/);
    expect(output).toContain("it must run where ${node.unique.name} is server-2, no longer server-1");
    expect(status).toBe(2);
  }, 120_000);

  test("costs little more than the plan that it tells of", async () => {
    await synthesizeLab();
    await barePlan();
    const shortest = { bare: Infinity, diff: Infinity };
    let pairs = 0;
    while (pairs < PAIRS_OF_RUNS.least || (shortest.diff / shortest.bare > RATIO_BOUND && pairs < PAIRS_OF_RUNS.most)) {
      shortest.bare = Math.min(shortest.bare, await seconds(barePlan));
      shortest.diff = Math.min(shortest.diff, await seconds(() => gvfxDiff(["app"], [0])));
      pairs++;
    }
    const ratio = shortest.diff / shortest.bare;
    process.stderr.write(`gvfx diff app: ${ratio.toFixed(2)} times a bare plan (shortest of ${pairs}: ${shortest.diff.toFixed(1)} s and ${shortest.bare.toFixed(1)} s)\n`);
    expect(ratio).toBeLessThanOrEqual(RATIO_BOUND);
  }, 300_000);
});
