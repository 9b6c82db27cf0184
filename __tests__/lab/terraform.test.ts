/** How the lab runs Terraform, with a program in its place that tells whose process group it is in. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEnvironment } from "../../environments/load";
import { OUTPUT_FOLDER, Terraform } from "../../scripts/lab/terraform";

const folder = mkdtempSync(join(tmpdir(), "gvfx-terraform-"));
const [home, path] = [process.cwd(), process.env.PATH];
const said = join(folder, "said");

beforeAll(() => {
  const stack = join(folder, OUTPUT_FOLDER, "stacks", "lab");
  mkdirSync(join(stack, ".terraform"), { recursive: true });
  writeFileSync(join(stack, "cdk.tf.json"), '{"terraform":{}}');
  const program = join(folder, "terraform");
  writeFileSync(program, `#!/bin/sh\necho "$1 $$ $(ps -o pgid= -p $$) $*" >> ${said}\n`);
  chmodSync(program, 0o755);
  process.env.PATH = `${folder}:${path}`;
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

test("a resource that is replaced is made again whatever is pressed at the terminal; everything else an interrupt reaches", async () => {
  const terraform = new Terraform(loadEnvironment("lab"));
  await terraform.apply("lab");
  await terraform.apply("lab", undefined, { replace: ["nomad_job.one"] });
  const applied = readFileSync(said, "utf8").trim().split("\n").map((line) => line.split(/\s+/)).filter(([what]) => what === "apply");
  expect(applied.map(([, pid, group, ...args]) => [pid === group, args.includes("-replace=nomad_job.one")])).toEqual([[false, false], [true, true]]);
});
