/** `gvfx drill`: breaks the lab in every way there is, and measures whether the worker is one. */
import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { loadEnvironment } from "../../environments/load";
import { labOf } from "../lab/up";
import { CASES, casesNamed } from "./cases";
import { openLabScene } from "./lab-scene";
import { drillProgress } from "./progress";
import { recordJson } from "./report/json";
import { passed } from "./result";
import { ResultFolder } from "./result-folder";
import { drillSingleton, writeReport } from "./singleton";
import { INTERRUPTED, interruptible } from "../command-line";

export interface DrillSurroundings {
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly write?: (text: string) => void;
  /** @default whether standard output is a terminal */
  readonly terminal?: boolean;
  /** @default the lab of this machine */
  readonly drill?: typeof drillSingleton;
}

interface SingletonFlags {
  readonly cases?: readonly string[];
  readonly repeat: number;
  readonly skipLong: boolean;
  readonly continue: boolean;
  readonly again?: readonly string[];
}

const RECORD = "docs/drill.json";

export function drillCommand({ variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), terminal = process.stdout.isTTY && !variables.CI, drill = drillSingleton }: DrillSurroundings = {}): Command {
  const command = new Command("drill").description("takes things away on purpose, and measures what comes of it");
  const environment = () => {
    const env = loadEnvironment(variables.GVFX_ENV ?? "lab");
    return { env, lab: labOf(env) };
  };

  command
    .command("singleton")
    .description("the worker with a lease and the plain policy beside it, through the same faults")
    .addOption(new Option("--cases <ids>", "some of the cases below, with commas between").argParser((text: string) => text.split(",").map((id) => id.trim())))
    .addOption(new Option("--repeat <n>", "how often each").argParser(positive).default(3))
    .option("--skip-long", "leave out the cases that take minutes", false)
    .option("--continue", "go on with the newest drill, with its cases and repetitions; with --cases, these up to --repeat times, beside what is there", false)
    .addOption(new Option("--again <ids>", "with --continue: make the runs of these cases again, whatever they found").argParser((text: string) => text.split(",").map((id) => id.trim())))
    .addHelpText("after", `\nCases:\n${CASES.map(({ id, title, long }) => `  ${id.padEnd(22)}${title}${long ? " (long)" : ""}`).join("\n")}\n\nIt needs a lab that is up and well, and leaves it so; Ctrl-C heals what is broken. Results are kept after each case.\nExit status: 0 when everything expected was found in every case, 1 when not, ${INTERRUPTED} when it was interrupted.`)
    .action(async (flags: SingletonFlags) => {
      const asked = flags.cases ? casesNamed(flags.cases) : CASES;
      const cases = flags.skipLong ? asked.filter(({ long }) => !long) : asked;
      if (flags.again && !flags.continue) throw new Error("--again makes runs of the newest drill again, and goes with --continue");
      if (cases.length === 0) throw new Error("all cases that were asked for are long, and --skip-long leaves them out; leave --skip-long out");
      const progress = drillProgress({ terminal: terminal ?? false, write, writeRaw: (text) => void process.stdout.write(text), columns: process.stdout.columns });
      await interruptible(async (signal) => {
        const { env, lab } = environment();
        const { report, folder } = await drill(env, lab, { cases, leftOut: asked.filter((it) => !cases.includes(it)), repetitions: flags.repeat, goOn: flags.continue ? (flags.cases ? "these" : "its") : undefined, again: casesNamed(flags.again ?? []), progress, signal });
        progress.close();
        const good = report.runs.filter(passed).length;
        write(`\n${good} of ${report.runs.length} runs are as expected${report.notRun.length > 0 ? `, ${report.notRun.length} were not run` : ""}${report.brokeOff?.length ? `, ${report.brokeOff.length} broke off before` : ""}: ${folder}/report.html`);
        process.exitCode = signal.aborted ? INTERRUPTED : good === report.runs.length && good > 0 ? 0 : 1;
      }).finally(() => progress.close());
    });

  command
    .command("report")
    .description("make report.html and report.json of a drill anew")
    .argument("[folder]", "of the drill", undefined)
    .option("--record", `also write ${RECORD}, from which docs are made`, false)
    .action((path: string | undefined, { record }: { record: boolean }) => {
      const folder = path === undefined ? ResultFolder.newest() : new ResultFolder(path);
      const report = folder.read();
      write(writeReport(folder.path, report));
      if (!record) return;
      writeFileSync(RECORD, recordJson(report));
      write(`${RECORD}; now: npm run docs`);
    });

  command
    .command("clean")
    .description("heal the lab and remove what a drill that was killed left in it")
    .action(async () => {
      const { env, lab } = environment();
      const { close } = await openLabScene(env, lab, { signal: new AbortController().signal, say: write, bare: true });
      await close();
      write("nothing of a drill is left; whether all is well: npm run gvfx -- lab status");
    });
  return command;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("must be a whole number above 0.");
  return value;
}
