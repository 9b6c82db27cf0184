/** The workers of every machine that can run one. */
import type { WriterSeen, Workers } from "../world";
import { parseWriters, writersScript } from "./writers";

export interface WorkerMachine {
  /** For sentences. */
  readonly name: string;
  /** Runs a script as root, and returns the lines it printed. @throws when the machine cannot be reached */
  run(script: string): Promise<readonly string[]>;
}

export interface MachinesOptions {
  readonly machines: readonly WorkerMachine[];
  /** Hosts or IPv4 addresses that a worker connects to. */
  readonly exchange: readonly string[];
}

/** Every machine is looked at, also after one that cannot be. */
export async function seeWorkers({ machines, exchange }: MachinesOptions): Promise<Workers> {
  const script = writersScript(exchange);
  const looks = await Promise.all(
    machines.map(async ({ name, run }): Promise<readonly WriterSeen[] | string> => {
      try {
        return parseWriters(await run(script), name);
      } catch (error) {
        return `${name} (${error instanceof Error ? error.message : String(error)})`;
      }
    }),
  );
  return { seen: looks.flatMap((look) => (typeof look === "string" ? [] : look)), hidden: looks.filter((look) => typeof look === "string") };
}
