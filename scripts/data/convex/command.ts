/** `gvfx data export`, `import`, `close-runs` and `admin-key`: a running Convex and files. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { Environment } from "../../../environments/schema";
import { INTERRUPTED, interruptible } from "../../command-line";
import { SIDES, type Side } from "../../lease/sources";
import { silentProgress, terminalProgress, type Progress } from "../progress";
import { validateSnapshot } from "../snapshot/validate";
import { convexAccess } from "./access";
import { adminKeyStore, type AdminKeyStore } from "./admin-key-store";
import { validateFileAgainst } from "./against-file";
import { ConvexFailure } from "./api";
import { explain } from "./explain";
import { exportSnapshot } from "./export";
import { importByCli, importSnapshot, type TargetContents } from "./import";
import { closeRunningRuns, type ClosedRuns } from "./runs";
import { dataFolder, openSide, type ConvexSurroundings } from "./sides";
import { textAgainst, textContents, textProblems, textSnapshot } from "./text";

/** Nothing is known, or nothing was done. */
const NOT_DONE = 2;

export interface ConvexCommandSurroundings extends Partial<Pick<ConvexSurroundings, "variables" | "access">> {
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** Where it says what it does, and why it could not. @default standard error */
  readonly complain?: (text: string) => void;
  /** @default a bar on standard error */
  readonly progress?: Progress;
  /** @default Vault's */
  readonly keys?: (env: Environment) => AdminKeyStore;
  /** @default now */
  readonly now?: () => Date;
}

interface Run {
  readonly env: Environment;
  readonly convex: ConvexSurroundings;
  readonly progress: Progress;
  readonly say: (line: string) => void;
}

/** Refused: what is there would be lost. */
class TargetNotEmpty extends Error {}

export function convexCommands(environment: () => Environment, surroundings: ConvexCommandSurroundings = {}): Command[] {
  const { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`), now = () => new Date() } = surroundings;
  const { keys = (env) => adminKeyStore(env, variables) } = surroundings;

  const asked = async (json: boolean, work: (run: Run) => Promise<number>): Promise<void> => {
    await interruptible(async (signal) => {
      try {
        const say = json ? () => undefined : complain;
        const progress = surroundings.progress ?? (json ? silentProgress : terminalProgress(process.stderr));
        process.exitCode = await work({ env: environment(), convex: { variables, signal, say, access: surroundings.access }, progress, say });
      } catch (error) {
        complain(signal.aborted ? "Interrupted. The same command, given again, goes on where that is possible." : explain(error));
        process.exitCode = signal.aborted ? INTERRUPTED : error instanceof TargetNotEmpty ? 1 : NOT_DONE;
      }
    });
  };
  const side = (flags: string, description: string): Option => new Option(flags, description).choices(SIDES).makeOptionMandatory();

  const exportCommand = new Command("export")
    .description("export a running Convex to a snapshot file, with its stored files, by the real convex CLI, and check the file")
    .addOption(side("--from <side>", "whose Convex"))
    .option("--out <file>", "the file to write; it must not exist (default: .gvfx/<environment>/data/snapshots/<side>-<time>.zip)")
    .option("--without-files", "leave the stored files out; such a snapshot cannot take the data anywhere whole", false)
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", `${CREDENTIALS}\n\nExit status: 0 when the file is sound, 1 when it is not, 2 when it could not be exported, 130 when interrupted.`)
    .action(({ from, out, withoutFiles, json }: { readonly from: Side; readonly out?: string; readonly withoutFiles: boolean; readonly json: boolean }) =>
      asked(json, async ({ env, convex, progress }) => {
        const { instance, cli } = await openSide(env, from, convex);
        await instance.version();
        const file = resolve(out ?? dataFolder(env, "snapshots", `${from}-${now().toISOString().replace(/[-:]|\.\d+/g, "")}.zip`));
        await exportSnapshot(instance, cli, file, { includeFiles: !withoutFiles, progress, signal: convex.signal });
        const report = await validateSnapshot(file, { progress, signal: convex.signal, filesRequired: !withoutFiles });
        write(json ? JSON.stringify({ environment: env.name, side: from, ...report }, null, 2) : `${textSnapshot(report)}${report.problems.length > 0 ? `\nThe file was written, and is not sound:\n${textProblems(report.problems)}` : ""}`);
        return report.problems.length > 0 ? 1 : 0;
      }),
    );

  const importCommand = new Command("import")
    .description("replace everything in a running Convex by a snapshot file that was checked first, close the runs that it left running, and compare")
    .argument("<file>", "the snapshot")
    .addOption(side("--to <side>", "whose Convex"))
    .option("--replace-everything", "you state that all that the target has may be lost; without it a target that is not empty is refused", false)
    .option("--without-files", "take a snapshot that was exported without stored files", false)
    .option("--accept-mixed-numbers", "the app writes int64 and floats with a fraction to one field by itself; otherwise that is the mark of a JSON tool, and the snapshot is refused", false)
    .option("--leave-runs", "leave the ingestion runs that are marked as running as they are; they block new ones until the app times them out", false)
    .option("--by-cli", "upload by the real convex CLI, which cannot go on with an upload that broke off", false)
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", `${CREDENTIALS}\n${IMPORT_NOTES}\n\nExit status: 0 when the target has what the snapshot has, 1 when not or when it was refused, 2 when it could not be done, 130 when interrupted.`)
    .action((file: string, options: { readonly to: Side; readonly replaceEverything: boolean; readonly withoutFiles: boolean; readonly acceptMixedNumbers: boolean; readonly leaveRuns: boolean; readonly byCli: boolean; readonly json: boolean }) =>
      asked(options.json, async ({ env, convex, progress, say }) => {
        const { to, json } = options;
        const report = await validateSnapshot(file, { progress, signal: convex.signal, filesRequired: !options.withoutFiles, acceptMixedNumbers: options.acceptMixedNumbers });
        if (report.problems.length > 0) {
          write(json ? JSON.stringify({ environment: env.name, side: to, imported: false, snapshot: report }, null, 2) : `Nothing was imported: ${file} is not sound.\n${textProblems(report.problems)}`);
          return 1;
        }
        const { instance, cli } = await openSide(env, to, convex);
        await instance.version();
        const mayReplace = (contents: TargetContents): void => {
          if (!options.replaceEverything && (contents.tables.length > 0 || contents.hasFiles)) throw new TargetNotEmpty(`Convex of ${to} at ${instance.access.address} is not empty, and an import replaces everything. It has ${textContents(contents)}. Nothing was changed. If all of it may be lost, add --replace-everything; to keep a copy first: gvfx data export --from ${to}`);
        };
        const imported = options.byCli
          ? await importByCli(instance, cli, file, { mayReplace, progress })
          : await importSnapshot(instance, report, { mayReplace, progress, signal: convex.signal, recordFolder: dataFolder(env, "imports"), say });
        const runs = options.leaveRuns ? undefined : await closeRunningRuns(instance);
        const against = await validateFileAgainst(env, report, to, { ...convex, progress });
        write(json ? JSON.stringify({ environment: env.name, side: to, imported: true, ...(imported ? { import: imported } : {}), runs, against }, null, 2) : [textAgainst(against, to), ...(runs ? [textRuns(runs)] : [])].join("\n"));
        return against.problems.length > 0 || (runs?.withoutId.length ?? 0) > 0 ? 1 : 0;
      }),
    );

  const closeRuns = new Command("close-runs")
    .description("fail the ingestion runs that are marked as running; only while no worker writes to that Convex, whose own run would be failed too")
    .addOption(side("--on <side>", "whose Convex"))
    .option("--json", "print the result as JSON", false)
    .addHelpText("after", `${CREDENTIALS}\n\nExit status: 0 when none is left, 1 when some could not be closed, 2 when it could not be done.`)
    .action(({ on, json }: { readonly on: Side; readonly json: boolean }) =>
      asked(json, async ({ env, convex }) => {
        const { instance } = await openSide(env, on, convex);
        const runs = await closeRunningRuns(instance);
        write(json ? JSON.stringify({ environment: env.name, side: on, ...runs }, null, 2) : textRuns(runs));
        return runs.withoutId.length > 0 ? 1 : 0;
      }),
    );

  const adminKey = new Command("admin-key")
    .description("make the Convex admin key from the instance secret in Vault, say whether it is accepted, and keep it in Vault")
    .addOption(new Option("--side <side>", "whose Convex; legacy's key is taken from its host, never stored").choices(SIDES).default("nomad"))
    .option("--store", "write it to Vault, where whoever may read the key need not read the secret", false)
    .option("--show", "print it on standard output; without this it is never shown", false)
    .addHelpText("after", `${CREDENTIALS}\n\nExit status: 0 when Convex accepts it, 1 when it refuses it, 2 when it could not be made or asked.`)
    .action(({ side: of, store, show }: { readonly side: Side; readonly store: boolean; readonly show: boolean }) =>
      asked(false, async ({ env, convex, say }) => {
        if (of === "legacy" && store) throw new Error("legacy's key is not kept in Vault: it is made on its host (legacy.commands.convexAdminKey), or given in LEGACY_CONVEX_ADMIN_KEY; leave --store out");
        const found = of === "nomad" ? await keys(env).read() : undefined;
        const access = await (convex.access ?? ((e: Environment, s: Side) => convexAccess(e, s, variables)))(env, of);
        const key = found?.key ?? (await access.adminKey());
        if (store && found && !found.stored) {
          await keys(env).store(key);
          say(`stored at ${keys(env).path}`);
        } else if (found) say(found.stored ? `the stored key, ${keys(env).path}${found.issued ? `, issued ${found.issued.toISOString()}` : ""}` : `computed from INSTANCE_SECRET; not stored: add --store`);
        if (show) write(key);
        const { instance } = await openSide(env, of, { ...convex, access: async () => ({ ...access, adminKey: async () => key }) });
        const tables = await instance.tables().catch((error: unknown) => {
          if (error instanceof ConvexFailure && error.reason === "key-refused") return error;
          throw error;
        });
        if (tables instanceof Error) {
          complain(`Convex of ${of} at ${access.address} refuses the key of instance ${key.split("|")[0]}: it runs with another name or secret than the one that the key was made of${of === "nomad" ? "; deploy it with the secret that is in Vault" : ""}`);
          return 1;
        }
        say(`Convex of ${of} at ${access.address} accepts the key of instance ${key.split("|")[0]} (${tables.length} tables)`);
        return 0;
      }),
    );
  return [exportCommand, importCommand, closeRuns, adminKey];
}

function textRuns({ closed, withoutId }: ClosedRuns): string {
  const left = withoutId.length > 0 ? `\n${withoutId.length} running runs have no id by which the app could close them, and stay: ${withoutId.slice(0, 5).join(", ")}` : "";
  return `ingestion runs that were marked as running and are failed now ("closed by data import"): ${closed}${left}`;
}

const CREDENTIALS = `
Nomad's admin key is made from Vault: VAULT_TOKEN, and VAULT_CACERT (PEM file) where its certificate is of an own
authority. Legacy's is LEGACY_CONVEX_ADMIN_KEY, or what legacy.commands.convexAdminKey prints on its host by ssh.
The lab (GVFX_ENV=lab) needs none: its credentials are in its states.`;

const IMPORT_NOTES = `
A snapshot carries neither functions, schema, environment variables nor scheduled functions: see gvfx data move.
Ids and creation times stay. Runs that were running when the snapshot was made are failed with the summary
"closed by data import", since the app starts no run of a feed beside one that runs. Interrupted at any point, the
same command goes on with the upload, or follows the import that runs.`;
