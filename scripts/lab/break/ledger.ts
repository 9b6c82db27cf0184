/** What is broken, on disk: written before something is broken and taken out after it is healed, so that a crash forgets nothing. */
import { mkdirSync, readFileSync, renameSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { Duration } from "../../../contracts/units";
import { parseJson } from "../../json";

/** Faults that last until they are healed. */
export const FAULTS = ["stop", "kill", "pause", "partition", "quorum", "slow", "task-pause", "cut-consul", "cut-nomad", "crash-consul", "crash-nomad"] as const;
export type Fault = (typeof FAULTS)[number];

const brokenSchema = z.object({
  fault: z.enum(FAULTS),
  /** Machine or job, as it was named. */
  name: z.string(),
  /** Group by whose name it was broken; a heal of that name heals it too. */
  group: z.string().optional(),
  container: z.string(),
  /** Container in whose own engine `container` is: a task on a node. */
  within: z.string().optional(),
  since: z.iso.datetime(),
  /** When whoever broke it means to heal it. */
  until: z.iso.datetime().optional(),
});
export type Broken = z.output<typeof brokenSchema>;

const ledgerSchema = z.object({ version: z.literal(1), broken: z.array(brokenSchema) });

/** A change of the file takes milliseconds: a lock that is older was left by a crash. */
const LOCK_IS_STALE = Duration.seconds(5);
const LOCK_RETRY = Duration.ms(20);

export class Ledger {
  constructor(readonly file = ".gvfx/lab/broken.json") {}

  /** @throws Error when the file is not one of ours */
  read(): Broken[] {
    let text: string;
    try {
      text = readFileSync(this.file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    const parsed = ledgerSchema.safeParse(parseJson(text));
    if (!parsed.success) throw new Error(`${this.file} cannot be read, so that nothing knows what is broken in the lab; remove it, and see the machines with: npm run gvfx -- lab status. A fresh start heals all: npm run gvfx -- lab down && npm run lab`);
    return parsed.data.broken;
  }

  /** Adds entries; one that is there already keeps its time. */
  async add(entries: readonly Broken[]): Promise<void> {
    await this.change((all) => [...all, ...entries.filter((entry) => !all.some((other) => sameFault(other, entry)))]);
  }

  async remove(entry: Broken): Promise<void> {
    await this.change((all) => all.filter((other) => !sameFault(other, entry)));
  }

  private async change(how: (all: Broken[]) => Broken[]): Promise<void> {
    mkdirSync(dirname(this.file), { recursive: true });
    const lock = `${this.file}.lock`;
    while (!take(lock)) await pause(LOCK_RETRY.milliseconds);
    try {
      const next = `${this.file}.new`;
      writeFileSync(next, `${JSON.stringify({ version: 1, broken: how(this.read()) }, null, 2)}\n`);
      renameSync(next, this.file);
    } finally {
      rmdirSync(lock);
    }
  }
}

export function sameFault(a: Broken, b: Broken): boolean {
  return a.fault === b.fault && a.container === b.container && a.within === b.within;
}

/** "server-1 is paused since 21:03:10", for people. */
export function describeBroken({ fault, name, container, within, since, until }: Broken): string {
  const state: Readonly<Record<Fault, string>> = { stop: "is stopped", kill: "was killed", pause: "is paused", partition: "is cut off", quorum: "is cut off from the other Nomad servers", slow: "is slow", "cut-consul": "is cut off from Consul", "cut-nomad": "is cut off from Nomad", "crash-consul": "has lost its Consul agent", "crash-nomad": "has lost its Nomad agent", "task-pause": `has a paused task (${container}${within ? ` in ${within}` : ""})` };
  return `${name} ${state[fault]} since ${since}${until ? `, to be healed at ${until}` : ""}`;
}

function take(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  try {
    if (Date.now() - statSync(lock).mtimeMs > LOCK_IS_STALE.milliseconds) rmdirSync(lock);
  } catch {
    // Its owner was faster.
  }
  return false;
}
