/** `gvfx data move`: the data goes from legacy's Convex to the platform's, and the legacy processes with it. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import type { Environment } from "../../../environments/schema";
import { INTERRUPTED, interruptible } from "../../command-line";
import type { Variables } from "../../doctor/credentials";
import { explain } from "../convex/explain";
import { silentProgress, terminalProgress, type Progress } from "../progress";
import { moveSettings, moveWorld, type MoveAccess } from "./access";
import { JournalFile, lockMoves, moveId, moves, movesFolder, type MoveOptions } from "./journal";
import { performMove, situationOf, undoMove, type MoverOptions } from "./mover";
import { PLAN } from "./plan";
import { lookAtEverything } from "./steps/preflight";
import { HALTED_BY_HAND } from "./steps/freeze";
import { Refused, type MoveSettings } from "./step";
import { moveStatus, textFreeze, textStatus } from "./text";
import type { World } from "./world";

/** Nothing is known, or nothing was done. */
const NOT_DONE = 2;

export interface MoveSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** Where it says what it does, and why it could not. @default standard error */
  readonly complain?: (text: string) => void;
  /** @default at standard error */
  readonly progress?: Progress;
  /** @default the environment's machines */
  readonly world?: (env: Environment, access: MoveAccess) => Promise<World>;
  /** Where moves are kept. @default .gvfx/<environment>/data/move */
  readonly folder?: (env: Environment) => string;
  /** @default now */
  readonly now?: () => Date;
}

interface Flags {
  readonly resume: boolean;
  readonly dryRun: boolean;
  readonly replaceEverything: boolean;
  readonly appCannotTrade: boolean;
  readonly acceptMixedNumbers: boolean;
  readonly appSource?: string;
  readonly json: boolean;
}

export function moveCommands(environment: () => Environment, surroundings: MoveSurroundings = {}): Command[] {
  const { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`), now = () => new Date() } = surroundings;
  const { world = moveWorld, folder: folderOf = (env) => movesFolder(env.name) } = surroundings;

  /** Opens the world, keeps others away, and turns what happens into an exit status. */
  const asked = async ({ json, appSource }: Pick<Flags, "json" | "appSource">, work: (opened: { readonly env: Environment; readonly folder: string; readonly open: (options?: Pick<MoveOptions, "acceptMixedNumbers">) => Promise<World>; readonly say: (line: string) => void; readonly progress: Progress; readonly signal: AbortSignal }) => Promise<number>): Promise<void> => {
    let status = "data move status";
    const tell = (): void => complain(`stopping at the next safe point; a second look: ${status}`);
    await interruptible(async (signal) => {
      let release = (): void => undefined;
      try {
        const env = environment();
        status = `${moveSettings(env).commands.move} status`;
        const folder = folderOf(env);
        release = lockMoves(folder);
        const say = json ? () => undefined : complain;
        const progress = surroundings.progress ?? (json ? silentProgress : terminalProgress(process.stderr));
        const open = ({ acceptMixedNumbers = false }: Pick<MoveOptions, "acceptMixedNumbers"> = {}): Promise<World> => world(env, { variables, readFile: (path) => readFileSync(path, "utf8"), checkout: appSource ?? (variables.GVFX_APP_SOURCE?.trim() || undefined), acceptMixedNumbers, progress, say: (line) => say(`     ${line}`), signal });
        process.exitCode = await work({ env, folder, open, say, progress, signal });
      } catch (error) {
        complain(explain(error));
        process.exitCode = signal.aborted ? INTERRUPTED : error instanceof Refused ? 1 : NOT_DONE;
      } finally {
        release();
      }
    }, tell);
  };

  /** Runs or undoes, then says how it stands, whatever happened: an operator must see whether legacy is stopped. */
  const through = async (mover: MoverOptions, json: boolean, what: () => Promise<void>): Promise<number> => {
    const told = (error?: unknown): void => {
      const status = moveStatus(mover.journal.entries(), mover.settings, now());
      if (json) write(JSON.stringify({ ...status, error: error === undefined ? null : explain(error) }, null, 2));
      else if (error === undefined) write(textStatus(status));
      else complain([...textFreeze(status), ...status.next.map((line) => `  ${line}`)].join("\n"));
    };
    try {
      await what();
    } catch (error) {
      if (!json) complain(`Stopped: ${mover.signal.aborted ? "interrupted" : explain(error)}`);
      told(error);
      return mover.signal.aborted ? INTERRUPTED : error instanceof Refused ? 1 : NOT_DONE;
    }
    told();
    return 0;
  };

  const move = new Command("move")
    .description("move the data from legacy's Convex to the platform's: halt trading, stop the legacy worker and API, export, import, prove, point them at the new Convex, start them")
    .option("--resume", "take up the move that did not end", false)
    .option("--dry-run", "look whether anything stands in the way, show the steps, and change nothing", false)
    .option("--replace-everything", "you state that what the platform's Convex holds may be replaced; it is kept in a file first", false)
    .option("--app-cannot-trade", "you state that this app keeps no agents (TIMESCALE_RL_OPS_ENABLED is off), so that a kill switch which cannot be read is none", false)
    .option("--accept-mixed-numbers", "you state that the app writes int64 and floats with a fraction to one field by itself; otherwise that is the mark of a JSON tool, and the export is refused", false)
    .option("--app-source <folder>", "a checkout of the app to take the Convex functions from; it must have the pinned commit (default: GVFX_APP_SOURCE, else the environment's repository)")
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", HELP)
    .action((flags: Flags) =>
      asked(flags, async ({ env, folder, open, say, progress, signal }) => {
        const settings = moveSettings(env);
        const last = moves(folder).at(-1);
        const unfinished = last !== undefined && ["open", "undoing"].includes(situationOf(new JournalFile(join(folder, last)).entries()).state) ? last : undefined;
        if (flags.dryRun && flags.resume) throw new Refused([`--dry-run begins nothing and --resume goes on: give one of them. How the move stands: ${settings.commands.move} status`]);
        if (flags.dryRun) return dryRun(await open(flags), env, flags);
        if (flags.resume !== (unfinished !== undefined)) throw new Refused([unfinished ? `the data move ${unfinished} has not ended; take it up (${settings.commands.resume}) or go back (${settings.commands.undo}). See: ${settings.commands.move} status` : `there is no data move of "${env.name}" that has not ended; begin one: ${settings.commands.move}`]);
        const id = unfinished ?? freshId(folder);
        const journal = new JournalFile(join(folder, id), now);
        const [start] = journal.entries();
        if (start?.event === "start") mustBeAsBegun(flags, start.options, id, settings.commands);
        const opened = await open(start?.event === "start" ? start.options : flags);
        if (!start) journal.append({ event: "start", move: id, environment: env.name, options: optionsOf(flags, opened) });
        else if (start.event === "start" && start.options.app !== opened.app.name) throw new Refused([`the data move ${id} was begun with the app's functions from ${start.options.app}, and would go on with ${opened.app.name}; give the same again (--app-source, dataMove.app), or go back: ${settings.commands.undo}`]);
        if (situationOf(journal.entries()).state === "undoing") throw new Refused([`the data move ${id} is being undone; finish that: ${settings.commands.undo}`]);
        say(`Data move ${id} of "${env.name}": ${opened.source.address} -> ${opened.target.address}`);
        const mover = { world: opened, settings, journal, folder: join(folder, id), progress, say, signal };
        const status = await through(mover, flags.json, () => performMove(mover));
        if (status === 0) keepRecord(join(folder, id), (await opened.keys.evidence()).record);
        return status;
      }),
    );

  /** A move goes on as it was begun: an option that is new would count for nothing, or for the rest alone. */
  const mustBeAsBegun = (flags: Flags, begun: MoveOptions, id: string, commands: MoveSettings["commands"]): void => {
    const added = [
      ...(flags.replaceEverything && !begun.replaceEverything ? ["--replace-everything"] : []),
      ...(flags.appCannotTrade && !begun.appCannotTrade ? ["--app-cannot-trade"] : []),
      ...(flags.acceptMixedNumbers && !begun.acceptMixedNumbers ? ["--accept-mixed-numbers"] : []),
    ];
    if (added.length > 0) throw new Refused([`the data move ${id} was begun without ${added.join(" and ")}, and goes on as it was begun, so that ${added.length > 1 ? "they" : "it"} would be ignored; leave ${added.length > 1 ? "them" : "it"} out, or go back and begin anew: ${commands.undo}; then ${commands.move} ${added.join(" ")}`]);
  };

  const dryRun = async (opened: World, env: Environment, flags: Flags): Promise<number> => {
    const { problems } = await lookAtEverything({ world: opened, settings: moveSettings(env), options: optionsOf(flags, opened) });
    if (flags.json) write(JSON.stringify({ environment: env.name, problems, steps: PLAN.map(({ id, title, phase }) => ({ step: id, title, phase })) }, null, 2));
    else write([...PLAN.map(({ title, phase }, index) => `  ${`${index + 1}`.padStart(2)} ${phase.padEnd(7)}  ${title}`), "", problems.length === 0 ? "Nothing stands in the way. Nothing was changed." : new Refused(problems).message].join("\n"));
    return problems.length === 0 ? 0 : 1;
  };

  const freshId = (folder: string): string => {
    const id = moveId(now());
    return moves(folder).includes(id) ? `${id}-${randomUUID().slice(0, 4)}` : id;
  };

  move
    .command("status")
    .description("how the last move stands: its steps, how long the freeze was or is, and what to do next")
    .option("--json", "print it as JSON", false)
    .addHelpText("after", "\nAsks nobody: it reads the journal of this machine.\nExit status: 0 when no move is open, 1 when one is, 2 when its journal cannot be read.")
    .action((_: unknown, command: Command) => {
      // `move` has a --json too, which takes the word wherever it stands.
      const { json } = command.optsWithGlobals<{ json: boolean }>();
      try {
        const env = environment();
        const last = moves(folderOf(env)).at(-1);
        const status = last === undefined ? undefined : moveStatus(new JournalFile(join(folderOf(env), last)).entries(), moveSettings(env), now());
        if (!status) write(json ? "null" : `No data move of "${env.name}" was ever begun on this machine.`);
        else write(json ? JSON.stringify(status, null, 2) : textStatus(status));
        process.exitCode = status && (status.state === "open" || status.state === "undoing") ? 1 : 0;
      } catch (error) {
        complain(explain(error));
        process.exitCode = NOT_DONE;
      }
    });

  move
    .command("undo")
    .description("go back: the legacy processes run on legacy's Convex again, everything as it was; before the thaw nothing is lost")
    .option("--give-up-new-writes", "also after the thaw: what was written into the platform's Convex (and its database of TIMESCALE_URL, when that was moved) since is kept in a file, and nowhere else", false)
    .option(HALTED_BY_HAND, "after the thaw, where the legacy API does not answer or cannot do it: you state that trading is halted and that no order is open at the exchange", false)
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", "\nSafe to interrupt and to repeat. Functions stay deployed in the platform's Convex, where nobody uses them.\nExit status: 0 when all is as it was, 1 when it was refused, 2 when a step failed, 130 when interrupted.")
    .action(({ giveUpNewWrites, tradingHaltedByHand }: { readonly giveUpNewWrites: boolean; readonly tradingHaltedByHand: boolean }, command: Command) => {
      const { json, appSource } = command.optsWithGlobals<Flags>();
      return asked({ json, appSource }, async ({ env, folder, open, say, progress, signal }) => {
        const last = moves(folder).at(-1);
        const journal = last === undefined ? undefined : new JournalFile(join(folder, last), now);
        const state = journal && situationOf(journal.entries()).state;
        if (!last || !journal || state === "undone") throw new Refused([last ? `the data move ${last} is undone already` : `no data move of "${env.name}" was ever begun on this machine`]);
        if (state === "finished" && !giveUpNewWrites) throw new Refused([`the data move ${last} is finished, and the legacy processes have written into the platform's Convex since. To go back and give that up: ${moveSettings(env).commands.undo} --give-up-new-writes; to take it along: export it and import it into legacy's (docs/data-move.md)`]);
        const [start] = journal.entries();
        const mover = { world: await open(start?.event === "start" ? start.options : {}), settings: moveSettings(env), journal, folder: join(folder, last), progress, say, signal };
        return through(mover, json, () => undoMove(mover, giveUpNewWrites, tradingHaltedByHand));
      });
    });
  return [move];
}

const optionsOf = ({ replaceEverything, appCannotTrade, acceptMixedNumbers }: Flags, { app }: World): MoveOptions => ({ replaceEverything, appCannotTrade, acceptMixedNumbers, app: app.name });

/** Beside the journal, for whoever has no access to Consul. */
function keepRecord(folder: string, record: string | undefined): void {
  if (record === undefined) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "record.json"), `${record}\n`, { mode: 0o600 });
}

const HELP = `
Before anything is changed, everything that stands in the way is said at once. From the kill switch on the freeze is
timed. CONVEX_URL of the legacy processes changes only after a validation that is recorded in Consul. Killed or
interrupted at any point, --resume goes on; until the processes start again, \`gvfx data move undo\` goes back.

Reads CONSUL_HTTP_TOKEN (the cutover operator's) and CONSUL_CACERT, VAULT_TOKEN and VAULT_CACERT, ALERT_TOKEN (to
announce the freeze; else from Vault), LEGACY_CONVEX_ADMIN_KEY where no command prints it, GVFX_APP_SOURCE.
The lab (GVFX_ENV=lab) needs none: its credentials are in its states.

Exit status: 0 when it is done, 1 when it was refused or something was found wrong, 2 when it could not be done, 130 when interrupted.`;
