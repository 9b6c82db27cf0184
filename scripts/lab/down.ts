/** `gvfx lab down`: nothing of the lab is left, whatever state it was in. */
import { rmSync } from "node:fs";
import type { Environment, Lab } from "../../environments/schema";
import { containerName } from "../../constructs/lab/names";
import { stackOutputs } from "./access";
import { run } from "./run";
import { runSteps, type Steps, type Timed } from "./steps";
import { LAB_STACKS, synthesizeLab, Terraform } from "./terraform";

export interface DownOptions {
  /** Destroy the four stacks one after the other in the reverse order, as a platform is taken down whose machines stay. @default false: the machines go, and everything with them */
  readonly stacks?: boolean;
  readonly terminal: boolean;
  readonly write: (line: string) => void;
}

export async function labDown(env: Environment, lab: Lab, { stacks = false, terminal, write }: DownOptions): Promise<Timed[]> {
  const terraform = new Terraform(env);
  const inReverse: Steps = stacks
    ? [
        { title: "synth", run: () => synthesizeLab() },
        ...[...LAB_STACKS].reverse().filter((stack) => stackOutputs(env, stack) || stack !== "foundation").map((stack) => ({ title: `${stack}: destroy`, run: (report: (line: string) => void) => terraform.destroy(stack, report) })),
      ]
    : [];
  return runSteps([...inReverse, { title: "containers, volumes, network, state", run: () => sweep(env, lab) }], { terminal, write });
}

/** Removes by name what the lab makes, also what a crash left half-made and no state knows. */
async function sweep(env: Environment, lab: Lab): Promise<string> {
  const prefix = containerName("");
  const lines = (text: string): string[] => text.split("\n").filter((line) => line.startsWith(prefix));
  const containers = lines((await run("docker", ["ps", "--all", "--filter", `name=^${prefix}`, "--format", "{{.Names}}"])).output);
  if (containers.length > 0) await run("docker", ["rm", "--force", "--volumes", ...containers]);
  const volumes = lines((await run("docker", ["volume", "ls", "--filter", `name=^${prefix}`, "--format", "{{.Name}}"])).output);
  if (volumes.length > 0) await run("docker", ["volume", "rm", "--force", ...volumes]);
  const networks = (await run("docker", ["network", "ls", "--filter", `name=^${lab.network.name}$`, "--format", "{{.Name}}"])).output.split("\n").filter(Boolean);
  if (networks.length > 0) await run("docker", ["network", "rm", ...networks]);
  if (env.backend.kind === "local") rmSync(env.backend.folder, { recursive: true, force: true });
  if (env.images.lockFile) rmSync(env.images.lockFile, { force: true });
  for (const left of [".gvfx/lab/broken.json", ".gvfx/lab/ca", ".gvfx/lab/timings.json"]) rmSync(left, { recursive: true, force: true });
  return `${containers.length} containers, ${volumes.length} volumes, ${networks.length} network${networks.length === 1 ? "" : "s"}`;
}
