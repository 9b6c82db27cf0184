/** Everything that can be known before anything is changed, and all that stands in the way at once. */
import { CONVEX_KEY, RL_OPS_KEY, TIMESCALE_KEY, TIMESCALE_SWITCHES } from "../app-variables";
import { setsKey } from "../env-file";
import type { EnvFile, Facts } from "../facts";
import { Refused, type MoveSettings, type Step, type StepContext } from "../step";
import { tradesAllTheSame, unreadable } from "./freeze";
import { effectiveValues, foundFromHost, isSource, ownerProblems, switchesOn, type SwitchOn } from "./source";
import { PROGRAMS, TradingImpossible, WRITERS, type HostSeen, type World } from "../world";

export const preflight: Step<"preflight"> = {
  id: "preflight",
  title: "Look before anything is changed",
  phase: "prepare",
  async run(context) {
    const { facts, problems } = await lookAtEverything(context);
    if (problems.length > 0 || !facts) throw new Refused(problems);
    return facts;
  },
};

type Findings = { readonly facts: Facts["preflight"] | undefined; readonly problems: readonly string[] };

/** @returns what later steps build on, undefined when something could not be seen; and all problems */
export async function lookAtEverything({ world, settings, options }: Pick<StepContext, "world" | "settings" | "options">): Promise<Findings> {
  const problems: string[] = [];
  /** What fails is a problem like any other, and hides none of the rest. */
  const look = async <T>(what: string, ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      problems.push(`${what}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const [host, files, , source, target, owners, evidence, free] = await Promise.all([
    look("the legacy host", () => world.host.look()),
    look("the legacy host's env files", () => envFilesOf(world, settings)),
    look("legacy's API", async () => {
      await world.api.healthy();
      const unread = await world.api.killSwitch().then(() => undefined, (error: unknown) => error);
      if (unread instanceof TradingImpossible) {
        if (!options.appCannotTrade) problems.push(unreadable(unread));
      } else if (unread !== undefined) throw unread;
    }),
    look("legacy's Convex", () => convexOf(world.source)),
    look("the platform's Convex", () => convexOf(world.target)),
    look("Consul's keys", () => world.keys.owners()),
    look("Consul's evidence", () => world.keys.evidence()),
    look("free space here", () => world.snapshots.freeBytes()),
    look("the app's functions", () => world.app.check()),
    look("the new CONVEX_URL", async () => {
      if (!(await world.host.reaches(`${settings.convexUrl}/version`))) problems.push(`the legacy host does not reach ${settings.convexUrl}, which is to be its CONVEX_URL (dataMove.convexUrl): it could not write there after the move. See on that host: curl ${settings.convexUrl}/version; use an address instead of a name when Consul's names are not resolved there`);
      // Whether it is the same is proven after the import.
      else await foundFromHost({ world, settings }, false);
    }),
  ]);
  if (host) problems.push(...hostProblems(host, settings));
  if (files) problems.push(...fileProblems(files, settings));
  const timescale = switchesOn(files?.values ?? {}, host);
  if (timescale.length > 0 && files) {
    const stale = WRITERS.filter((writer) => ![undefined, files.values[TIMESCALE_KEY]].includes(host?.writers[writer].variables[TIMESCALE_KEY]));
    if (world.timescale && stale.length > 0) problems.push(`the running legacy ${stale.join(" and ")} ${stale.length > 1 ? "have" : "has"} another database in ${TIMESCALE_KEY} than the env files give: the move would take other data than is in use; make them equal (its unit or a shell may set it), and restart ${stale.length > 1 ? "them" : "it"}`);
    problems.push(...(await timescaleProblems(timescale, files, world, look)));
  }
  if (options.appCannotTrade && timescale.some(({ key }) => key === RL_OPS_KEY)) problems.push(tradesAllTheSame);
  if (source && total(source.counts) === 0) problems.push(`legacy's Convex (${world.source.address}) has no row at all: it is the wrong one, or was emptied; correct legacy.convexUrl`);
  const targetRows = target ? total(target.counts) : 0;
  if (targetRows > 0 && !options.replaceEverything) problems.push(`the platform's Convex holds ${targetRows} rows already (${largest(target!.counts)}), which the import would replace. If they may go (they are kept in a file here first): --replace-everything`);
  const variables: string[] = [];
  for (const [name, value] of source?.variables ?? []) {
    const there = target?.variables.get(name);
    if (there === undefined) variables.push(name);
    else if (there !== value) problems.push(`Convex's environment variable ${name} has another value in the platform's Convex than in legacy's; make them equal in either, here in the platform's (for legacy's, its address ${world.source.address} and --side legacy): CONVEX_SELF_HOSTED_URL=${world.target.address} CONVEX_SELF_HOSTED_ADMIN_KEY="$(${settings.commands.adminKey} --side nomad --show)" npx convex env set ${name}`);
  }
  if (owners) problems.push(...ownerProblems(owners, settings));
  for (const [where, bytes] of [["here", free], ["on the legacy host", host?.freeBytes]] as const) {
    if (bytes !== undefined && bytes < settings.room.bytes) problems.push(`${gib(bytes)} are free ${where}, and a move needs ${settings.room} (dataMove.room): an export that fills the disk breaks off in the midst of the freeze; make room, or lower it when the data is known to be smaller`);
  }
  const seen = host && files && source && target && evidence;
  if (!seen) return { facts: undefined, problems };
  const running = WRITERS.filter((writer) => host.writers[writer].running !== undefined);
  // The database stays where it is unless it is in use.
  const changed = timescale.length > 0 ? [CONVEX_KEY, TIMESCALE_KEY] : [CONVEX_KEY];
  const envFiles = files.setting.map(({ path, keys }) => ({ path, keys: keys.filter((key) => changed.includes(key)) })).filter(({ keys }) => keys.length > 0);
  return { facts: { running, envFiles, targetRows, variables, evidence: { verdict: evidence.verdict ?? null, record: evidence.record ?? null }, timescale: timescale.length > 0 }, problems };
}

interface EnvFiles {
  /** Those that set CONVEX_URL or TIMESCALE_URL. */
  readonly setting: readonly EnvFile[];
  /** What counts, of the keys that are asked for: the first file that sets one. */
  readonly values: Readonly<Record<string, string>>;
}

async function envFilesOf(world: World, settings: MoveSettings): Promise<EnvFiles> {
  const [values, ...files] = await Promise.all([
    effectiveValues(world.host, settings, [CONVEX_KEY, TIMESCALE_KEY, ...TIMESCALE_SWITCHES]),
    ...settings.envFiles.map(async (path) => ({ path, text: (await world.host.readFile(path))?.text ?? "" })),
  ]);
  return { setting: files.map(({ path, text }) => ({ path, keys: [CONVEX_KEY, TIMESCALE_KEY].filter((key) => setsKey(text, key)) })), values };
}

const setIn = ({ setting }: EnvFiles, wanted: string): string[] => setting.filter(({ keys }) => keys.includes(wanted)).map(({ path }) => path);

async function convexOf(side: World["source"]): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly variables: ReadonlyMap<string, string> }> {
  await side.answers();
  const [counts, variables] = await Promise.all([side.counts(), side.environment()]);
  return { counts, variables };
}

function hostProblems({ writers }: HostSeen, settings: MoveSettings): string[] {
  const problems: string[] = [];
  for (const writer of WRITERS) {
    const { running, ours, strangers, convexUrl } = writers[writer];
    if (running && !ours) problems.push(`the pid file of the legacy ${writer} names process ${running.pid}, which is "${running.args}" and not the ${writer}: the number was given anew, and stopping it would end somebody else's work; find the ${writer} (pgrep -af ${PROGRAMS[writer]}), and write its number into the pid file, or remove the file when it does not run`);
    for (const { pid, args } of strangers) problems.push(`another ${writer} runs on the legacy host, process ${pid} ("${args}"), which the pid file does not name: it would go on writing while the data moves; stop it there: kill ${pid}`);
    if (running && convexUrl !== undefined && !isSource(convexUrl, settings)) problems.push(convexUrl === settings.convexUrl ? `the legacy ${writer} writes to ${convexUrl} already: its data has moved; nothing is left to do` : `the legacy ${writer} (process ${running.pid}) writes to ${convexUrl}, and the environment says that legacy's Convex is ${settings.sourceUrl} (legacy.convexUrl): the move would take other data than it uses; correct the environment file`);
  }
  if (!writers.api.running) problems.push("the legacy API does not run: it is what the kill switch is set and open orders are reconciled by; start it, and repeat");
  if (!writers.worker.running && !settings.apiStartsAlone) problems.push("the legacy worker does not run, and legacy.commands.start would start it beside the API after the move; name a command that starts the API alone (legacy.commands.startApi)");
  return problems;
}

function fileProblems(files: EnvFiles, settings: MoveSettings): string[] {
  const { values } = files;
  const setting = setIn(files, CONVEX_KEY);
  if (setting.length === 0) return [`none of ${settings.envFiles.join(", ")} in the legacy checkout sets ${CONVEX_KEY}, so that it could not be changed; name the file that does (dataMove.envFiles)`];
  const url = values[CONVEX_KEY];
  if (url === settings.convexUrl) return [`${setting.join(" and ")} on the legacy host name ${url} already: the data has moved, or a move was broken off and its journal is not here; nothing was changed`];
  return url !== undefined && !isSource(url, settings) ? [`${setting[0]} on the legacy host says ${CONVEX_KEY}=${url}, and the environment says ${settings.sourceUrl} (legacy.convexUrl); correct the one that is wrong`] : [];
}

async function timescaleProblems(on: readonly SwitchOn[], files: EnvFiles, { timescale }: World, look: <T>(what: string, ask: () => Promise<T>) => Promise<T | undefined>): Promise<readonly string[]> {
  const named = on.map(({ key, onlyOf }) => (onlyOf.length === 0 ? key : `${key} (by the environment of the running ${onlyOf.join(" and ")} alone: its unit or a shell sets it, or a file did when it was started)`)).join(" and ");
  if (!timescale) return [`${named} ${on.length > 1 ? "are" : "is"} on at the legacy host: part of its data is in the Postgres of ${TIMESCALE_KEY}, which a move of Convex alone would leave behind. Either name that database (dataMove.timescale), so that it is moved and checked too, or switch them off in ${setIn(files, CONVEX_KEY)[0] ?? "the env file"}, or in the unit, and restart the legacy processes, if nothing in it counts`];
  if (setIn(files, TIMESCALE_KEY).length === 0) return [`${named} ${on.length > 1 ? "are" : "is"} on at the legacy host, and none of its env files sets ${TIMESCALE_KEY}, so that it could not be changed; name the file that does (dataMove.envFiles), or move the assignment there out of the unit`];
  return (await look("the database of TIMESCALE_URL", () => timescale.check())) ?? [];
}

const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, n) => sum + n, 0);
const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function largest(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return `${sorted.slice(0, 3).map(([table, rows]) => `${table} ${rows}`).join(", ")}${sorted.length > 3 ? ` and ${sorted.length - 3} more tables` : ""}`;
}
