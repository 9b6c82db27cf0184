/** `gvfx lab up`: from images to five healthy stacks. Every step looks at what is there, so that a second run, or one after a crash, does what is left. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import type { Environment, Lab } from "../../environments/schema";
import { containerName } from "../../constructs/lab/names";
import { labAccess, stackOutputs } from "./access";
import { appSources, buildAppImages, builtImages, type AppSource } from "./app-source";
import { DATA_PLANE_IMAGES, LabRegistry, OTHER_IMAGES } from "./registry";
import { Engine } from "./engine";
import { run } from "./run";
import { LabSecrets } from "./secrets";
import { runSteps, type Steps, type Timed } from "./steps";
import { synthesizeLab, Terraform, type LabStackId } from "./terraform";
import { giveWorkerOnce } from "./worker-owner";
import { labLeaseSources, leaseCommands } from "../lease/access";
import type { Side } from "../lease/sources";

export interface UpOptions {
  /** Checkout of the app whose images run in place of the doubles. @default the doubles */
  readonly appSource?: AppSource;
  /** Who is to run the worker. @default nomad in a new lab; whoever it was given to since in any other */
  readonly owner?: Side;
  readonly terminal: boolean;
  readonly write: (line: string) => void;
}

export const TIMINGS_FILE = ".gvfx/lab/timings.json";

/**
 * @returns how long each step took
 * @throws Error that says which step failed and what to do; what is there stays, and the next run goes on from it
 */
export async function labUp(env: Environment, lab: Lab, { appSource, owner, terminal, write }: UpOptions): Promise<Timed[]> {
  keepPrivate(env);
  const registry = new LabRegistry(env, lab, appSources(lab, appSource));
  const terraform = new Terraform(env);
  const deploy = (stack: LabStackId, title: string) => ({ title: `${stack}: ${title}`, run: (report: (line: string) => void) => terraform.apply(stack, report) });

  const prepare: Steps = [
    { title: "engine and tools", run: () => checkMachine(env) },
    { title: "images of the lab", run: async (report) => void (await run(process.execPath, ["scripts/lab/images.mjs"], { onLine: report, log: ".gvfx/lab/logs/images.log" })) },
    ...(appSource ? [{ title: `images of the app at ${appSource.checkout}`, run: (report: (line: string) => void) => buildAppImages(env, appSource, report) }] : []),
    { title: "official images", run: (report) => registry.fetchSources(report) },
  ];
  const dataNode = env.dataPlane.node;
  const dataImages = {
    title: `images of the data plane to the registry and to ${dataNode}`,
    run: async (report: (line: string) => void) => {
      const said = await registry.push(report, DATA_PLANE_IMAGES);
      await registry.pulled([dataNode]);
      return said;
    },
  };
  const otherImages = {
    title: "images of the app to the registry, all to both nodes",
    run: async (report: (line: string) => void) => {
      const said = await registry.push(report, OTHER_IMAGES);
      await registry.pulled();
      return said;
    },
  };
  const machines: Steps = [
    deploy("lab", "network, nodes, Consul, OpenBao, registry"),
    deploy("foundation", "agents, TLS, ACLs, identities"),
    { title: "secrets in OpenBao", run: async () => `${await new LabSecrets(env, labAccess(env).vault, labAccess(env).consul).fill()} paths written` },
  ];
  // Each stack is synthesized when the digests of its images are known.
  const synth = { title: "synth", run: () => synthesizeLab(env.name) };
  const steps: Steps = [
    ...prepare,
    synth,
    [machines, [dataImages]],
    synth,
    [[deploy("data-plane", "Postgres, MinIO, Convex")], [otherImages]],
    synth,
    deploy("app", "api, frontend, rl-service, worker, gateway"),
    deploy("cutover", "switches, guardian"),
    { title: "worker: its owner", run: (report) => giveWorkerOnce(labLeaseSources(env, lab, labAccess(env)), { choice: owner, commands: leaseCommands(env), say: report }) },
  ];
  const timings = await runSteps(steps, { terminal, write });
  mkdirSync(".gvfx/lab", { recursive: true });
  writeFileSync(TIMINGS_FILE, `${JSON.stringify(timings, null, 2)}\n`);
  return timings;
}

/** The states hold every secret that the lab made, and Terraform writes them for all to read: the folder is its owner's. */
function keepPrivate({ backend }: Environment): void {
  if (backend.kind !== "local") return;
  mkdirSync(backend.folder, { recursive: true });
  chmodSync(backend.folder, 0o700);
}

/** Everything that is in the way, at once. */
async function checkMachine(env: Environment): Promise<void> {
  const answers = async (program: string, ...args: string[]): Promise<string | undefined> => run(program, args).then(() => undefined, (error: Error) => error.message);
  const engine = new Engine();
  const [docker, terraform, ssh] = await Promise.all([engine.text(["info"]).then(() => undefined, (error: Error) => error.message), answers("terraform", "version"), answers("ssh", "-V")]);
  const foreign = docker || stackOutputs(env, "lab") ? [] : await engine.lines(["ps", "--all", "--filter", `name=^${containerName("")}`, "--format", "{{.Names}}"]);
  const missing = [
    ...(docker ? [`Docker: ${docker}`] : []),
    ...(terraform ? ["Terraform: it deploys the stacks. Install 1.11 or newer and put it on PATH"] : []),
    ...(ssh ? ["ssh: an operator's way into the nodes. Install OpenSSH's client"] : []),
    ...(foreign.length > 0 ? [`a lab is there that this folder has no state of, another checkout's or one that was interrupted in its first minute (${foreign.join(", ")}). Use it from its own checkout, or remove it: npm run gvfx -- lab down`] : []),
  ];
  if (missing.length > 0) throw new Error(`the lab cannot start, nothing was changed:\n${missing.map((line) => `  ${line}`).join("\n")}`);
}

/** What is real in a lab that runs, and what only stands for something. */
export function partsTable(lab: Lab, appSource?: AppSource): string {
  const real = appSource ? builtImages(appSource).flatMap((image) => (image === "backend" ? ["api", "worker"] : [image])) : [];
  const doubles = ["api", "frontend", "rl-service", "worker"].filter((service) => !real.includes(service));
  const rows: readonly (readonly [string, string])[] = [
    ["Nomad, Consul", "real: mutual TLS, gossip encryption, ACLs with default deny"],
    ["Terraform, providers, the four stacks", "real, as in production; Vultr and tailnet are turned off"],
    ["SSH, node bundles", "real; a small service manager stands for systemd"],
    ["Vault", `OpenBao (${lab.images.openbao}), which speaks Vault's API`],
    ["Postgres, MinIO, HAProxy, registry, restic", "real"],
    ["tailnet", `a container network, ${lab.network.subnet}`],
    ["Vultr witness", "a container"],
    ["Convex", "double: its protocol, with data in the real Postgres and files in the real MinIO"],
    ...(appSource && real.length > 0 ? [[real.join(", "), `real, built from ${appSource.checkout}`] as const] : []),
    ...(doubles.length > 0 ? [[doubles.join(", "), "doubles: the app's environment, health checks, Bearer auth, ingestion and orders, against the exchange's double"] as const] : []),
    ["legacy host", "double: the same doubles as hand-started processes"],
    ["exchange, alert destination", "doubles"],
  ];
  const width = Math.max(...rows.map(([part]) => part.length));
  return rows.map(([part, is]) => `  ${part.padEnd(width)}  ${is}`).join("\n");
}

/** Where a person begins to look. */
export function entrances(env: Environment, lab: Lab): string {
  const on = (machine: string, port: number): string => {
    const entry = lab.published.find((p) => p.machine === machine && p.port === port);
    return entry ? `127.0.0.1:${entry.on}` : "not published";
  };
  const [first, second] = env.nodes.map((node) => node.name);
  return [
    `  frontend  http://${on(first, env.ports.frontend)}  http://${on(second, env.ports.frontend)}`,
    `  API       http://${on(first, env.ports.api)}  http://${on(second, env.ports.api)}`,
    `  Nomad     ${env.nomad.address}    Consul  ${env.consul.address}    OpenBao  ${env.vault.operatorAddress}`,
    "  URLs, authorities and tokens: npm run gvfx -- lab open; state of everything: npm run gvfx -- lab status",
  ].join("\n");
}

/** @throws Error when the environment has no lab section */
export function labOf(env: Environment): Lab {
  if (!env.lab) throw new Error(`"${env.name}" is no lab: its machines exist, and nothing here may touch them; gvfx lab works with GVFX_ENV=lab, which is its default`);
  return env.lab;
}
