import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operatorTerraform, seePlans } from "../../scripts/cutover/world/plans";
import { RunFailed } from "../../scripts/lab/run";

const signal = new AbortController().signal;

test("every stack is planned, also after one that cannot be, and Terraform's own word is passed on", async () => {
  const said = "Initializing...\n╷\n│ Error: Unable to find remote state\n│ \n│   with data.terraform_remote_state.x\n╵\n";
  const plans = await seePlans({
    stacks: ["foundation", "data-plane", "app", "cutover"],
    signal,
    hasChanges: (stack) => (stack === "foundation" ? Promise.resolve(false) : stack === "data-plane" ? Promise.reject(new RunFailed("terraform plan", 1, said)) : stack === "app" ? Promise.resolve(true) : Promise.reject(new Error("terraform is not installed"))),
  });
  expect([...plans]).toEqual([["foundation", "empty"], ["data-plane", { problem: "Unable to find remote state" }], ["app", "changes"], ["cutover", { problem: "terraform is not installed" }]]);
});

test("an operator's Terraform: synthesized once, initialized once for what a stack asks for, and planned without a lock", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-plans-"));
  try {
    const asks = (stack: string, state: string) => {
      mkdirSync(join(folder, "stacks", stack), { recursive: true });
      writeFileSync(join(folder, "stacks", stack, "cdk.tf.json"), JSON.stringify({ terraform: { backend: { local: { path: state } } } }));
    };
    for (const stack of ["app", "cutover"]) asks(stack, "staging");
    const ran: string[] = [];
    const hasChanges = operatorTerraform({
      environment: "staging",
      folder,
      runProgram: (program, args, options) => {
        ran.push(`${program === process.execPath ? `GVFX_ENV=${options?.env?.GVFX_ENV} node` : program} ${args.join(" ")}`);
        return Promise.resolve({ status: args[0] === "plan" && options?.cwd?.endsWith("cutover") ? 2 : 0 });
      },
    });
    expect([await hasChanges("app"), await hasChanges("cutover")]).toEqual([false, true]);
    const [init, plan] = ["terraform init -input=false -no-color -reconfigure", "terraform plan -detailed-exitcode -input=false -no-color -lock=false"];
    expect(ran).toEqual(["GVFX_ENV=staging node scripts/synth.cjs", init, plan, init, plan]);
    await hasChanges("app");
    // Another environment has synthesized to the same folder meanwhile: its state is another.
    asks("app", "production");
    await hasChanges("app");
    expect(ran.slice(5)).toEqual([plan, init, plan]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("interrupted, nothing more is planned", async () => {
  const planned: string[] = [];
  await expect(seePlans({ stacks: ["a", "b"], signal: AbortSignal.abort(), hasChanges: (stack) => Promise.resolve(planned.push(stack) > 0) })).rejects.toThrow();
  expect(planned).toEqual([]);
});
