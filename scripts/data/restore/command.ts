/** `gvfx data backups`, `gvfx data restore`, `gvfx data fingerprint`: what there is to restore, the restore with its proof, and the counts and hashes to compare it with. */
import { join } from "node:path";
import { Command, Option } from "commander";
import type { Environment } from "../../../environments/schema";
import type { Variables } from "../../doctor/credentials";
import { INTERRUPTED, interruptible } from "../../command-line";
import { silentProgress, terminalProgress, type Progress } from "../progress";
import { restoreAccess, type RestoreAccess } from "./access";
import { fingerprintAction } from "./fingerprint-action";
import { listAction } from "./list-action";
import { discardAction, startAction, undoAction } from "./after-actions";
import { restoreAction, type RestoreOptions } from "./restore-action";

/** Nothing is known, or it could not be done. */
export const NOT_DONE = 2;

export interface RestoreSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** @default standard error */
  readonly complain?: (text: string) => void;
  /** @default the lab's own, or the operator's by variables */
  readonly access?: (env: Environment) => RestoreAccess;
  /** @default a bar or lines on standard error; nothing with --json */
  readonly progress?: Progress;
  readonly now?: () => Date;
  /** Folder for reports, of which each environment has its own below. @default ".gvfx" */
  readonly reports?: string;
}

/** What every action works with. */
export interface ActionContext {
  readonly env: Environment;
  readonly access: RestoreAccess;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => Date;
  readonly json: boolean;
  /** Says that from here on something changes: an interrupt then is told as what it left. */
  readonly changing: () => void;
  readonly write: (text: string) => void;
  readonly complain: (text: string) => void;
  /** As commands are typed in this environment. */
  readonly gvfx: string;
  /** Folder for the reports of this environment's restores. */
  readonly reports: string;
}

export function restoreCommands(environment: () => Environment, surroundings: RestoreSurroundings = {}): Command[] {
  const { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`), now = () => new Date() } = surroundings;
  const { access = (env) => restoreAccess(env, variables), progress = terminalProgress(process.stderr), reports = ".gvfx" } = surroundings;

  /** What could not be asked or done ends with a status of its own. */
  const act = async (json: boolean, action: (context: ActionContext) => Promise<number>): Promise<void> => {
    let changed = false;
    await interruptible(async (signal) => {
      try {
        const env = environment();
        const gvfx = `${env.name === "production" ? "" : `GVFX_ENV=${env.name} `}npm run gvfx --`;
        process.exitCode = await action({ env, access: access(env), signal, progress: json ? silentProgress : progress, now, json, changing: () => void (changed = true), write, complain, gvfx, reports: join(reports, env.name, "data", "restore") });
      } catch (error) {
        complain(signal.aborted && !changed ? "Interrupted; nothing was changed." : error instanceof Error ? error.message : String(error));
        process.exitCode = signal.aborted ? INTERRUPTED : NOT_DONE;
      }
    });
  };

  return [
    new Command("backups")
      .description("list the restore points: age, what they hold, and up to which moment")
      .option("--from <place>", "local (the node that has the repository), the name of a node, or s3", "local")
      .option("--all", "every restore point (default: the newest ones)", false)
      .option("--json", "print it as JSON", false)
      .addHelpText("after", `${CREDENTIALS}\nExit status: 0 when there is a restore point, 1 when there is none, 2 when it could not be asked.`)
      .action((options: { readonly from: string; readonly all: boolean; readonly json: boolean }) => act(options.json, (context) => listAction(context, options))),
    new Command("restore")
      .description("restore a backup beside what is there, prove it by counts and hashes, and put it in place if so asked")
      .option("--at <time>", 'the newest restore point that is not younger: "2026-11-26T03:00Z", "2026-11-26 03:00", or an age such as "2h" (default: the newest)')
      .addOption(new Option("--snapshot <id>", "this restore point").conflicts("at"))
      .option("--to <node>", "the app node (default: the data node; a rehearsal: where the backups are)")
      .option("--from <place>", "local (the node that has the repository), the name of a node, or s3", "local")
      .addOption(new Option("--beside", "into a folder beside the volumes, and leave it there (default)").conflicts(["inPlace", "rehearse"]))
      .addOption(new Option("--in-place", "then stop the app and the data plane, put it in place, and start the data plane; the app only by --start").conflicts(["beside", "rehearse"]))
      .addOption(new Option("--rehearse", "then remove it: measures recovery point and recovery time").conflicts(["beside", "inPlace", "at", "snapshot"]))
      .option("--confirm <environment>", "the environment's name; --in-place, --undo and --discard-old ask for it")
      .option("--plan", "say what would be done, and do nothing", false)
      .addOption(new Option("--undo", "put back what the last restore in place kept aside, or what one that broke off had moved; the app stays stopped").conflicts(["beside", "inPlace", "rehearse"]))
      .addOption(new Option("--start", "start the data plane's jobs as they are registered, then those of the app that are stopped").conflicts(["beside", "inPlace", "rehearse", "undo"]))
      .addOption(new Option("--discard-old", "remove what restores left on the node: kept aside, and restored beside; with --beside, only the latter").conflicts(["inPlace", "rehearse", "undo", "start"]))
      .addOption(new Option("--take-over <run>", "go on although this run, which is dead, is written down on the node; the refusal names it").conflicts("start"))
      .option("--json", "print the report as JSON", false)
      .addHelpText("after", `${RESTORE_HELP}${CREDENTIALS}\nExit status: 0 when it is proven, 1 when it is not or was refused, 2 when it broke off or could not be asked, 130 when interrupted.`)
      .action((options: RestoreOptions) =>
        act(options.json, (context) => {
          if (options.undo) return undoAction(context, options);
          if (options.start) return startAction(context);
          if (options.discardOld) return discardAction(context, options);
          return restoreAction(context, options);
        }),
      ),
    new Command("fingerprint")
      .description("count and hash every table of the Postgres that runs, as a restore's report does: to compare them")
      .option("--node <node>", "where it runs (default: the data node)")
      .option("--json", "print it as JSON", false)
      .addHelpText("after", "\nWhat is written meanwhile shows: stop the writers for an exact comparison.\nExit status: 0 when it answered, 2 when not.")
      .action((options: { readonly node?: string; readonly json: boolean }) => act(options.json, (context) => fingerprintAction(context, options))),
  ];
}

const RESTORE_HELP = `
Works over SSH on the nodes, and needs neither Nomad nor Consul unless --in-place is given. docs/restore.md is the runbook.`;

const CREDENTIALS = `
Reads VAULT_TOKEN and VAULT_CACERT for the backups' key; without Vault: BACKUP_KEY, MINIO_ROOT_USER and MINIO_ROOT_PASSWORD
(for s3 also BACKUP_S3_KEY_ID and BACKUP_S3_SECRET_KEY). In place: NOMAD_TOKEN and NOMAD_CACERT.
The lab (GVFX_ENV=lab) needs none: its credentials are in its states.`;
