/** `gvfx lab outages`: Consul, OpenBao and the Nomad servers, each away for a while. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { Duration } from "../../../contracts/units";
import type { Environment, Lab } from "../../../environments/schema";
import { OUTAGES, outageTable, passed, runOutage, type Outage, type OutageResult, type OutageSources } from "./outage";
import { labOutageSources } from "./sources";
import { INTERRUPTED, interruptible } from "../../command-line";

export interface OutagesSurroundings {
  readonly environment: () => { readonly env: Environment; readonly lab: Lab };
  readonly write: (text: string) => void;
  /** @default the lab of this machine */
  readonly sources?: (env: Environment, lab: Lab, write: (line: string) => void) => Promise<OutageSources>;
}


export function registerOutages(lab: Command, { environment, write, sources = labOutageSources }: OutagesSurroundings): void {
  lab
    .command("outages")
    .description("take Consul, OpenBao and the quorum of Nomad's servers away in turn, and see that every task runs on and all gets well after")
    .addOption(new Option("--minutes <n>", "how long each is away").argParser(positive).default(10))
    .addOption(new Option("--only <names>", `some of ${OUTAGES.join(",")}`).argParser(outages).default(OUTAGES, OUTAGES.join(",")))
    .option("--json", "print the results as JSON, and nothing else", false)
    .addHelpText("after", "\nExit status: 0 when no task was restarted and all was well within 3 minutes, each time; 1 when not. Ctrl-C brings back what is away.")
    .action(async ({ minutes, only, json }: { readonly minutes: number; readonly only: readonly Outage[]; readonly json: boolean }) => {
      const { env, lab: section } = environment();
      await interruptible(async (signal) => {
        const began = Date.now();
        const say = json ? () => undefined : (line: string): void => write(`[${((Date.now() - began) / 1_000).toFixed(0).padStart(5)} s] ${line}`);
        const seen = await sources(env, section, say);
        const results: OutageResult[] = [];
        for (const outage of only) if (!signal.aborted) results.push(await runOutage(outage, Duration.ms(Math.round(minutes * 60_000)), seen, signal));
        write(json ? JSON.stringify({ passed: results.every(passed), results }, null, 2) : `\n${outageTable(results)}${details(results)}`);
        process.exitCode = signal.aborted ? INTERRUPTED : results.every(passed) ? 0 : 1;
      });
    });
}

function details(results: readonly OutageResult[]): string {
  const lines = results.flatMap(({ outage, restarted, firstFailures, problems }) => [
    ...restarted.map(({ task, afterSeconds }) => `${outage}: ${task} was restarted after ${afterSeconds.toFixed(0)} s`),
    ...firstFailures.map(({ id, atSeconds, kind, detail }) => `${outage}: request ${id} failed at ${atSeconds.toFixed(1)} s, ${kind}: ${detail}`),
    ...problems.map((problem) => `${outage}: not well: ${problem}`),
  ]);
  return lines.length > 0 ? `\n\n${lines.join("\n")}` : "";
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("must be a number of minutes above 0.");
  return value;
}

function outages(text: string): Outage[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !(OUTAGES as readonly string[]).includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`there is no outage named ${unknown.join(", ")}; there are ${OUTAGES.join(", ")}.`);
  return OUTAGES.filter((name) => names.includes(name));
}
