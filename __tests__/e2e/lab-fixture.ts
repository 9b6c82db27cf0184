/** The lab as end-to-end tests use it: started by the very command that people use, and looked at through its APIs. */
import { spawnSync } from "node:child_process";
import type { IngestionRun } from "../../lab/doubles/backend/count";
import { loadEnvironment } from "../../environments/load";
import { labAccess, type Endpoint, type LabAccess } from "../../scripts/lab/access";
import { request, type Answer } from "../../scripts/clients/http";
import { run, type Finished } from "../../scripts/lab/run";

export const environment = loadEnvironment("lab");
export const lab = environment.lab!;
export const namespace = environment.nomad.namespace;

/** Of the largest official image, on a slow line. */
const PULL_LIMIT_MS = 180_000;

/** Why the lab's tests are not run; undefined when they are. The setup before all tests finds it out. */
export function labMissing(): string | undefined {
  return process.env.GVFX_E2E_MISSING || undefined;
}

/** Why the tests that move, replace or take away the lab's data are not run; undefined when they are. Together they take as long as all the others. */
export function dataTestsMissing(): string | undefined {
  return labMissing() ?? (process.env.GVFX_E2E === "all" ? undefined : "GVFX_E2E=all runs it too: it replaces the lab's data");
}

/** Why no lab can run here; undefined when one can. Pulls what is missing. */
export function findMissing(): string | undefined {
  if (process.env.GVFX_E2E === "off") return "GVFX_E2E=off";
  if (spawnSync("terraform", ["version"], { stdio: "ignore" }).status !== 0) return "terraform is not on PATH";
  if (spawnSync("docker", ["info"], { stdio: "ignore", timeout: 20_000 }).status !== 0) return "no Docker engine answers";
  const here = spawnSync("docker", ["ps", "--all", "--quiet", "--filter", "name=^gvfx-lab-"], { encoding: "utf8" }).stdout.trim();
  if (here && !process.env.GVFX_E2E_REUSE) return "a lab runs here, which the tests would take over and end: end it (npm run gvfx -- lab down), or let them (GVFX_E2E_REUSE=1; GVFX_E2E_KEEP=1 leaves it running after them)";
  const { images, sources } = lab;
  const official = [images.consul, images.openbao, images.registry, "hashicorp/nomad:2.0.5", "oven/bun:1-debian", "debian:bookworm-slim", ...Object.values(sources)].filter((image) => !image.startsWith("gvfx-lab/"));
  for (const image of official) {
    const there = () => spawnSync("docker", ["image", "inspect", image], { stdio: "ignore" }).status === 0;
    // The first that is not to be had ends the search: a machine without a registry would wait for each.
    if (!there() && spawnSync("docker", ["pull", "--quiet", image], { stdio: "ignore", timeout: PULL_LIMIT_MS }).status !== 0) return `the image ${image} is neither in the engine nor to be had`;
  }
  return undefined;
}

/** Variables with which every gvfx command of these tests runs. */
export const GVFX_LAB = { GVFX_ENV: "lab", CI: "true" } as const;

/** Runs `gvfx data ...` for the lab. @param name of the environment, when it is another of the lab's @returns also all that it said, errors included */
export async function gvfxData(args: readonly string[], accept: readonly number[] = [0], name = "lab"): Promise<Finished & { readonly said: string }> {
  const lines: string[] = [];
  const finished = await run(process.execPath, ["scripts/gvfx.mjs", "data", ...args], { env: { ...GVFX_LAB, GVFX_ENV: name }, accept, onLine: (line) => lines.push(line) });
  return { ...finished, said: lines.join("\n") };
}

/** Runs `gvfx lab ...`; whatever it says is in the error when it fails. */
export function gvfxLab(...args: string[]): Promise<Finished> {
  return run(process.execPath, ["scripts/gvfx.mjs", "lab", ...args], { env: GVFX_LAB });
}

/** Runs `gvfx lease ...` for the lab and reads its JSON; statuses 0 and 1 are answers. */
export async function gvfxLease<T>(...args: string[]): Promise<T & { readonly exit: number }> {
  const { status, output } = await run(process.execPath, ["scripts/gvfx.mjs", "lease", ...args, "--json"], { env: GVFX_LAB, accept: [0, 1] });
  return { ...(JSON.parse(output) as T), exit: status };
}

export function access(): LabAccess & { readonly nomad: Endpoint } {
  const all = labAccess(environment);
  if (!all.nomad) throw new Error("foundation is not deployed");
  return { ...all, nomad: all.nomad };
}

/** What `gvfx lab up` said when the tests began. */
export const UP_OUTPUT = ".gvfx/lab/e2e-up.txt";

/** The API's Bearer token, as a caller of it would be given it. */
export async function apiToken(): Promise<string> {
  const { vault } = access();
  const answer = await request(`${vault.address}/v1/${environment.vault.kvMount}/data/app/api-token`, { ca: vault.caPem, headers: { "x-vault-token": vault.token } });
  return (JSON.parse(answer.text) as { data: { data: { API_TOKEN: string } } }).data.data.API_TOKEN;
}

/** The backend on its published port. */
export const CONVEX = "http://127.0.0.1:13310";

/** What a query of Convex answers. */
export async function query<T>(path: string, args: unknown): Promise<T> {
  const answer = await request(`${CONVEX}/api/query`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path, args, format: "json" }) });
  const { status, value, errorMessage } = JSON.parse(answer.text) as { status: string; value: T; errorMessage?: string };
  if (status !== "success") throw new Error(`${path}: ${errorMessage}`);
  return value;
}

/** The worker's ingestion runs that began since then. */
export async function runsSince(since: Date): Promise<IngestionRun[]> {
  const { data } = await query<{ data: IngestionRun[] }>("data:query", { table: "ingestion_runs", filters: [{ field: "source_type", op: "eq", value: "bingx" }, { field: "started_at", op: "gte", value: since.toISOString() }] });
  return data.filter((row) => row.source_id !== "manual");
}

/** A question to Nomad with the management token; other headers replace it. */
export async function askNomad(path: string, options: { readonly headers?: Readonly<Record<string, string>>; readonly method?: "GET" | "POST" | "PUT"; readonly body?: unknown } = {}): Promise<Answer> {
  const { nomad } = access();
  return request(nomad.address + path, { ca: nomad.caPem, method: options.method, headers: options.headers ?? { "x-nomad-token": nomad.token }, ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }) });
}

/** The answer's JSON; fails the test with the path when the status is not 200. */
export async function nomadJson<T>(path: string): Promise<T> {
  const answer = await askNomad(path);
  if (answer.status !== 200) throw new Error(`Nomad answered ${answer.status} to ${path}: ${answer.text.slice(0, 200)}`);
  return JSON.parse(answer.text) as T;
}

export interface Allocation {
  readonly ID: string;
  readonly JobID: string;
  readonly JobVersion: number;
  readonly NodeName: string;
  readonly ClientStatus: string;
  readonly DesiredStatus: string;
  readonly CreateTime: number;
}

export async function allocations(job?: string): Promise<Allocation[]> {
  return nomadJson<Allocation[]>(job ? `/v1/job/${job}/allocations?namespace=${namespace}` : `/v1/allocations?namespace=*`);
}

export async function running(job: string): Promise<Allocation[]> {
  return (await allocations(job)).filter((a) => a.ClientStatus === "running" && a.DesiredStatus === "run");
}

export async function askConsul(path: string, options: { readonly token?: string; readonly body?: string; readonly method?: "GET" | "PUT" } = {}): Promise<Answer> {
  const { consul } = access();
  const token = options.token ?? consul.token;
  return request(consul.address + path, { ca: consul.caPem, method: options.method, headers: token ? { "x-consul-token": token } : {}, ...(options.body === undefined ? {} : { body: options.body }) });
}

/** Runs a program in a machine's container. */
export function inMachine(machine: string, ...command: string[]): Promise<Finished> {
  return run("docker", ["exec", `gvfx-lab-${machine}`, ...command]);
}

/** Runs a program in the container of a job's task, by the engine inside its node. */
export async function inTask(job: string, task: string, ...command: string[]): Promise<Finished> {
  const [allocation] = await running(job);
  if (!allocation) throw new Error(`${job} has no running allocation`);
  return inMachine(allocation.NodeName, "docker", "exec", `${task}-${allocation.ID}`, ...command);
}

/** Tries until it holds, with the last error when it never does. */
export async function eventually(seconds: number, check: () => Promise<void> | void): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}
