/** `gvfx lab down`: nothing of the lab is left, whatever state it was in. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Environment, Lab } from "../../environments/schema";
import { containerName } from "../../constructs/lab/names";
import { Engine } from "./engine";
import { SSH_FOLDER } from "./ssh-login";
import { labAccess } from "./access";
import { request } from "../clients/http";
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
  // A stack that was never deployed has no state, and nothing to destroy.
  const deployed = [...LAB_STACKS].reverse().filter((stack) => env.backend.kind === "local" && existsSync(join(env.backend.folder, `${stack}.tfstate`)));
  const inReverse: Steps = stacks && deployed.length > 0 ? [{ title: "synth", run: () => synthesizeLab(env.name) }, ...deployed.flatMap((stack) => [...(stack === "foundation" ? [{ title: "what run time wrote into Nomad's variables", run: () => removeVariables(env) }] : []), { title: `${stack}: destroy`, run: (report: (line: string) => void) => terraform.destroy(stack, report) }])] : [];
  try {
    const timed = await runSteps(inReverse, { terminal, write });
    return [...timed, ...(await runSteps([{ title: "containers, volumes, network, state", run: () => sweep(env, lab) }], { terminal, write }))];
  } catch (error) {
    throw stacks ? new Error(`${(error as Error).message}\nWhat is left of the lab, machines and states, is removed by: npm run gvfx -- lab down`, { cause: error }) : error;
  }
}

/** The cutover's ledger is in no state, and a namespace that holds variables is not deleted. */
async function removeVariables(env: Environment): Promise<string> {
  const { nomad } = labAccess(env);
  if (!nomad) return "nothing to look at";
  const ask = (path: string, method: "GET" | "DELETE") => request(`${nomad.address}${path}${path.includes("?") ? "&" : "?"}namespace=${env.nomad.namespace}`, { method, ca: nomad.caPem, headers: { "x-nomad-token": nomad.token } });
  const listed = await ask("/v1/vars", "GET");
  const variables = listed.status === 200 ? (JSON.parse(listed.text) as { readonly Path: string }[]) : [];
  for (const { Path } of variables) await ask(`/v1/var/${Path}`, "DELETE");
  return `${variables.length} removed`;
}

/** Removes by name what the lab makes, also what a crash left half-made and no state knows. */
async function sweep(env: Environment, lab: Lab): Promise<string> {
  const engine = new Engine();
  const prefix = containerName("");
  const containers = await engine.lines(["ps", "--all", "--filter", `name=^${prefix}`, "--format", "{{.Names}}"]);
  if (containers.length > 0) await engine.text(["rm", "--force", "--volumes", ...containers]);
  const volumes = await engine.lines(["volume", "ls", "--filter", `name=^${prefix}`, "--format", "{{.Name}}"]);
  if (volumes.length > 0) await engine.text(["volume", "rm", "--force", ...volumes]);
  const networks = await engine.lines(["network", "ls", "--filter", `name=^${lab.network.name}$`, "--format", "{{.Name}}"]);
  if (networks.length > 0) await engine.text(["network", "rm", ...networks]);
  if (env.backend.kind === "local") rmSync(env.backend.folder, { recursive: true, force: true });
  for (const file of [env.images.lockFile, env.nomad.rotationFile, env.nomad.authorityFile]) if (file) rmSync(file, { force: true });
  // Journals of data moves are of the machines that are gone; exports and records of what was done stay.
  for (const left of [".gvfx/lab/data/move", ".gvfx/lab/broken.json", ".gvfx/lab/ca", SSH_FOLDER, ".gvfx/lab/timings.json", join(".gvfx", "plans", env.name)]) rmSync(left, { recursive: true, force: true });
  return `${containers.length} containers, ${volumes.length} volumes, ${networks.length} network${networks.length === 1 ? "" : "s"}`;
}
