/** `gvfx cutover`: the move from legacy to Nomad, and back, as one gated procedure. */
import { readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import type { Environment } from "../../environments/schema";
import { INTERRUPTED, interruptible } from "../command-line";
import type { Variables } from "../doctor/credentials";
import { EXIT_CODES } from "../doctor/report";
import { parseJson } from "../json";
import { cutoverLedger, cutoverWorld, dataMoveVerdict, type CutoverAccess } from "./access";
import { planSchema, sha256, type Direction, type Plan } from "./entry";
import { execute, type Execution } from "./executor";
import type { Ledger } from "./ledger";
import { planCutover, type Planned } from "./planner";
import { cutoverSteps } from "./steps/all";
import { cutoverSettings, type CutoverSettings } from "./settings";
import { cutoverStatus, textExecution, textPlan, textStatus } from "./text";
import type { CutoverWorld } from "./world";

/** Nothing is known, or nothing was done. */
const NOT_DONE = 2;

export interface CutoverSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** Where it says what it does, and why it could not. @default standard error */
  readonly complain?: (text: string) => void;
  /** @default the environment's */
  readonly open?: (env: Environment, access: CutoverAccess) => Opened;
  /** @default now */
  readonly now?: () => Date;
}

/** What a command works with; nothing is asked before it is called. */
export interface Opened {
  readonly ledger: Ledger;
  readonly settings: CutoverSettings;
  dataMove(): Promise<string>;
  world(): CutoverWorld;
}

interface RunFlags {
  readonly plan?: string;
  readonly accept: ReadonlyMap<string, string>;
  readonly data?: boolean;
}

export function cutoverCommand(environment: () => Environment, { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`), open = inEarnest, now = () => new Date() }: CutoverSurroundings = {}): Command {
  const command = new Command("cutover").description("the move from legacy to Nomad in gated steps that can be stopped, resumed and undone anywhere").addHelpText("after", CREDENTIALS);

  const asked = async (work: (env: Environment, opened: Opened, signal: AbortSignal) => Promise<number>): Promise<void> => {
    const tell = (): void => complain("stopping at the next safe point; the same command goes on from there");
    await interruptible(async (signal) => {
      try {
        const env = environment();
        process.exitCode = await work(env, open(env, { variables, readFile: (path) => readFileSync(path, "utf8"), say: complain, signal }), signal);
      } catch (error) {
        complain(error instanceof Error ? error.message : String(error));
        process.exitCode = signal.aborted ? INTERRUPTED : NOT_DONE;
      }
    }, tell);
  };

  const planned = async (env: Environment, { ledger, settings, dataMove }: Opened, direction: Direction, data = false): Promise<Planned> => {
    const [entries, verdict] = await Promise.all([ledger.entries(), dataMove()]);
    return planCutover({ environment: env.name, settings: env.cutover, retired: env.legacy.retired, evidence: { dataMove: verdict }, entries, direction, data, now: now().toISOString(), order: cutoverSteps(settings).order, commands: settings.commands });
  };

  const perform = async (env: Environment, opened: Opened, direction: Direction, { plan: file, accept, data }: RunFlags, signal: AbortSignal): Promise<number> => {
    const { ledger, settings } = opened;
    mustBeAcceptable(accept, settings);
    const plan = file === undefined ? await planned(env, opened, direction, data) : { plan: readPlan(file, direction), done: [] };
    if ("problems" in plan) {
      complain(plan.problems.join("\n"));
      return plan.atItsEnd ? 0 : 1;
    }
    const { all } = cutoverSteps(settings);
    const world = opened.world();
    complain(textPlan(plan, all));
    const execution = await execute({ plan: plan.plan, ledger, world, steps: all, triggers: () => world.triggers(), accept, say: complain, signal });
    write(textExecution(execution, direction, settings));
    return exitCode(execution);
  };

  command
    .command("plan")
    .description("show what a run would do now, and change nothing")
    .option("--roll-back", "of the way back", false)
    .option("--data", "with --roll-back: also the data", false)
    .option("--save <file>", "keep it, for a review and for run --plan, which does exactly this or nothing")
    .option("--json", "print it as JSON", false)
    .addHelpText("after", "\nExit status: 0 when there is a plan, 1 when something stands in its way, 2 when it could not be asked.")
    .action(({ rollBack, data, save, json }: { readonly rollBack: boolean; readonly data: boolean; readonly save?: string; readonly json: boolean }) =>
      asked(async (env, opened) => {
        const plan = await planned(env, opened, rollBack ? "roll-back" : "forward", data);
        if ("problems" in plan) {
          if (json) write(JSON.stringify(plan, null, 2));
          else complain(plan.problems.join("\n"));
          return 1;
        }
        if (save !== undefined) writeFileSync(save, `${JSON.stringify(plan.plan, null, 2)}\n`);
        write(json ? JSON.stringify(plan, null, 2) : textPlan(plan, cutoverSteps(opened.settings).all));
        return 0;
      }),
    );

  command
    .command("run")
    .description("go on to Nomad: every step is looked at by its gate, and stops the run where it does not pass")
    .option("--plan <file>", "do exactly what `cutover plan --save` has shown; refused when the ledger has moved since")
    .option("--accept <step=reason>", "go past a gate that is inconclusive, where the step allows it; the reason is recorded", acceptOption, new Map<string, string>())
    .addHelpText("after", RUN_HELP)
    .action((flags: RunFlags) => asked((env, opened, signal) => perform(env, opened, "forward", flags, signal)));

  command
    .command("roll-back")
    .description("go back to legacy from wherever it is: Nomad's worker first, then the legacy worker, API and frontend, then traffic, and the data if asked")
    .option("--data", "legacy gets its own data back too: what was written since the data move is kept in a file, and nowhere else", false)
    .option("--plan <file>", "do exactly what `cutover plan --roll-back --save` has shown; refused when the ledger has moved since")
    .addHelpText("after", RUN_HELP)
    .action((flags: Omit<RunFlags, "accept">) => asked((env, opened, signal) => perform(env, opened, "roll-back", { ...flags, accept: new Map() }, signal)));

  command
    .command("status")
    .description("how far it is, what every step came to, who did it and when, and what to do next")
    .option("--json", "print it as JSON", false)
    .addHelpText("after", "\nReads the ledger alone, and changes nothing.\nExit status: 0 when nothing is open, 1 when something is, 2 when it could not be asked.")
    .action(({ json }: { readonly json: boolean }) =>
      asked(async (env, { ledger, settings }) => {
        const status = cutoverStatus(await ledger.entries(), cutoverSteps(settings), settings);
        write(json ? JSON.stringify({ environment: env.name, ...status }, null, 2) : textStatus(env.name, status));
        return status.state === "stopped" || status.state === "open" ? 1 : 0;
      }),
    );
  return command;
}

function inEarnest(env: Environment, access: CutoverAccess): Opened {
  return { ledger: cutoverLedger(env, access), settings: cutoverSettings(env), dataMove: () => dataMoveVerdict(env, access), world: () => cutoverWorld(env, access) };
}

function exitCode(execution: Execution): number {
  switch (execution.outcome) {
    case "finished":
      return 0;
    case "stopped":
      return EXIT_CODES[execution.verdict];
    case "interrupted":
      return INTERRUPTED;
    default:
      return 1;
  }
}

/** @throws Error when it is no plan, or one of the other way */
function readPlan(file: string, direction: Direction): Plan {
  const plan = planSchema.safeParse(parseJson(readFileSync(file, "utf8"))).data;
  if (!plan) throw new Error(`${file} holds no plan of a cutover; make one with: gvfx cutover plan --save ${file}`);
  const { hash, ...rest } = plan;
  if (sha256(rest) !== hash) throw new Error(`${file} is not the plan that was made: it was changed since, and a step that is left out would be a gate that nobody looked at; make a new one with: gvfx cutover plan --save ${file}`);
  if (plan.direction !== direction) throw new Error(`${file} is a plan of the way ${plan.direction === "forward" ? "forward; perform it with: gvfx cutover run" : "back; perform it with: gvfx cutover roll-back"} --plan ${file}`);
  return plan;
}

/** @throws Error that names every step that may not be accepted */
function mustBeAcceptable(accept: ReadonlyMap<string, string>, settings: CutoverSettings): void {
  const acceptable = cutoverSteps(settings).all.filter((step) => step.acceptable).map(({ id }) => id);
  const others = [...accept.keys()].filter((id) => !acceptable.includes(id));
  if (others.length > 0) throw new Error(`--accept names ${others.join(", ")}, which no operator may go past; those that one may: ${acceptable.join(", ")}`);
}

function acceptOption(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [, step, reason] = /^([a-z-]+)=(.*\S.*)$/s.exec(text) ?? [];
  if (step === undefined) throw new InvalidArgumentError("write the step and a reason that will be read later, for example smoke=\"the RL service has no model yet\"");
  return new Map([...before, [step, reason.trim()]]);
}

const RUN_HELP = `
Safe to interrupt, to kill and to repeat: every step looks before it changes anything, and the ledger in Nomad says what
was done. A second operator is refused with who is at it.
Exit status: 0 when it is done, 1 when a gate failed, a trigger fired or it was refused, 3 when a gate was inconclusive,
2 when it could not be asked, 130 when interrupted.`;
const CREDENTIALS = `
Reads NOMAD_TOKEN and CONSUL_HTTP_TOKEN (the cutover operator's), NOMAD_CACERT and CONSUL_CACERT (PEM files), and what
gvfx doctor, gvfx smoke, gvfx data and Terraform read. The lab (GVFX_ENV=lab) needs none.`;
