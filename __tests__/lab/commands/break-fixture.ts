/** A lab that exists in doubles only, anew for each test: machines of the environment, an engine that notes what it is told, a ledger in a folder of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEnvironment } from "../../../environments/load";
import { Breaker, type JobControl } from "../../../scripts/lab/break/breaker";
import { Ledger } from "../../../scripts/lab/break/ledger";
import { labMachines } from "../../../scripts/lab/machines";
import type { NomadAllocation } from "../../../scripts/lab/status/nomad";
import { EngineDouble } from "./engine-double";

export const env = loadEnvironment("lab");
export const lab = env.lab!;
export const machines = labMachines(env, lab);

export let folder: string;
export let engine: EngineDouble;
export let ledger: Ledger;
export const restarted: string[] = [];

export const allocation = (job: string, node: string, id: string): NomadAllocation => ({
  id, jobId: job, group: "api", version: 0, node, desired: "run", status: "running", createdAt: 0,
  tasks: [{ name: "api", state: "running", failed: false, restarts: 0, lastEvent: "" }, { name: "roles", state: "dead", failed: false, restarts: 0, lastEvent: "" }],
});
export const jobs: JobControl = {
  allocations: async () => [allocation("gvfx-api", "server-1", "aaaaaaaa-1"), allocation("gvfx-api", "server-2", "bbbbbbbb-2"), { ...allocation("gvfx-api", "server-2", "cccccccc-3"), status: "complete" }],
  restartAllocation: async (id) => void restarted.push(id),
};
export const breaker = (control: JobControl | undefined = jobs) => new Breaker({ engine, machines, network: lab.network.name, toolImage: lab.images.node, jobs: control, ledger });

/** Call it at the top of a test file. */
export function freshLab(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gvfx-break-"));
    engine = new EngineDouble(machines.map(({ container }) => container));
    ledger = new Ledger(join(folder, "broken.json"));
    restarted.length = 0;
    engine.inside("gvfx-lab-server-1").place(["api-aaaaaaaa-1"]);
    engine.inside("gvfx-lab-server-2").place(["api-bbbbbbbb-2"]);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

/** For a test that needs one of its own. */
export function replaceEngine(next: EngineDouble): void {
  engine = next;
}
