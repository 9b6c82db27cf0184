/** `gvfx lab status`: is all well, and if not, what helps? */
import type { Command } from "commander";
import type { Environment, Lab } from "../../../environments/schema";
import { collectStatus } from "./collect";
import { isWell, type LabStatus } from "./report";
import { textStatus } from "./text";

export interface StatusSurroundings {
  readonly environment: () => { readonly env: Environment; readonly lab: Lab };
  readonly write: (text: string) => void;
  /** @default what engine, Consul, OpenBao and Nomad answer */
  readonly collect?: (env: Environment, lab: Lab) => Promise<LabStatus>;
}

export function registerStatus(lab: Command, { environment, write, collect = collectStatus }: StatusSurroundings): void {
  lab
    .command("status")
    .description("machines, cluster and jobs, and what is not well about them")
    .option("--json", "print it as JSON", false)
    .addHelpText("after", "\nExit status: 0 when all is well, 1 when not.")
    .action(async ({ json }: { json: boolean }) => {
      const { env, lab: section } = environment();
      const status = await collect(env, section);
      write(json ? JSON.stringify(status, (_key, value: unknown) => (value instanceof Set ? [...value] : value), 2) : textStatus(status));
      process.exitCode = isWell(status) ? 0 : 1;
    });
}
