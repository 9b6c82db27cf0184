/** Whether the legacy host is still on its own Convex, and nobody else on the platform's. */
import { Refused, type MoveSettings, type StepContext } from "../step";
import { CONVEX_KEY, isOn, TIMESCALE_KEY, TIMESCALE_SWITCHES } from "../app-variables";
import { WRITERS, type HostSeen, type LegacyHost, type Owners, type World, type Writer } from "../world";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** On its own host, a Convex is also localhost. */
export function isSource(url: string, { sourceUrl, hostAddress }: MoveSettings): boolean {
  if (!URL.canParse(url)) return false;
  const [one, other] = [new URL(url), new URL(sourceUrl)];
  const host = LOOPBACK.includes(one.hostname) ? hostAddress : one.hostname;
  return one.port === other.port && one.protocol === other.protocol && host === other.hostname;
}

/** What the env files give the legacy processes: of each key that is asked for and set, the value of the first file that sets it. */
export async function effectiveValues(host: LegacyHost, { envFiles }: Pick<MoveSettings, "envFiles">, keys: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const values = await Promise.all(envFiles.map((path) => host.envValues(path, keys)));
  return Object.assign({}, ...values.reverse()) as Record<string, string>;
}

export interface SwitchOn {
  readonly key: string;
  /** Writers whose environment alone says it: a unit or a shell has set it, or a file said so when they started. Empty: an env file says it. */
  readonly onlyOf: readonly Writer[];
}

/** TIMESCALE_ switches that an env file or the environment of a running writer turns on. @param values of the env files */
export function switchesOn(values: Readonly<Record<string, string>>, host: HostSeen | undefined): SwitchOn[] {
  return TIMESCALE_SWITCHES.flatMap((key) => {
    const running = WRITERS.filter((writer) => isOn(host?.writers[writer].variables[key]));
    if (isOn(values[key])) return [{ key, onlyOf: [] }];
    return running.length > 0 ? [{ key, onlyOf: running }] : [];
  });
}

/**
 * What a name means on the legacy host is that host's own affair: processes must not be pointed at a Convex that nobody has filled.
 * @param imported whether it has this move's import: before that both may have none, which proves nothing
 * @throws Refused unless the legacy host finds at dataMove.convexUrl the Convex that this machine imported into
 */
export async function foundFromHost({ world, settings }: Pick<StepContext, "world" | "settings">, imported = true): Promise<void> {
  const { convexUrl } = settings;
  const look = `See on the legacy host: getent hosts ${new URL(convexUrl).hostname}; curl ${convexUrl}/version. Correct the name there, or dataMove.convexUrl`;
  const [here, there] = await Promise.all([
    world.target.imports(),
    world.importsFromHost(convexUrl).catch((error: Error) => {
      throw new Refused([`the legacy host cannot show that ${convexUrl} (dataMove.convexUrl) is the platform's Convex: ${error.message}. ${look}`]);
    }),
  ]);
  if (imported && here.length === 0) throw new Refused([`the platform's Convex, ${world.target.address}, shows no import that it has completed, and it was imported into just now: by its imports it is told from others, so that nobody knows whether the legacy host finds it at ${convexUrl}. See its log; then go back and begin anew: ${settings.commands.undo}; then ${settings.commands.move}`]);
  if (here.join() !== there.join()) throw new Refused([`what the legacy host finds at ${convexUrl} (dataMove.convexUrl) is another Convex than the platform's, ${world.target.address}: it has completed ${there.length} imports${there.length > 0 ? `, ${there.at(-1)} among them` : ""}, and the platform's ${here.length}${here.length > 0 ? `, ${here.at(-1)} among them` : ""}. The legacy processes would write into the wrong one. ${look}`]);
}

/** Why the platform's Convex is in use by the platform itself, and what to do first. */
export function ownerProblems(owners: Owners, { commands }: MoveSettings): string[] {
  return [
    ...(owners.worker === "nomad" ? [`worker-owner is nomad: Nomad's worker writes into the platform's Convex meanwhile; give the worker to legacy first: ${commands.giveBack}`] : []),
    ...(owners.traffic === "nomad" ? ["traffic goes to Nomad's API, which writes into the platform's Convex meanwhile; set the key traffic to legacy first"] : []),
  ];
}

/** @throws Refused while the platform's worker or API writes into what would be replaced, or when nobody can say */
export async function ownedByLegacy({ keys }: World, settings: MoveSettings): Promise<void> {
  const problems = ownerProblems(await keys.owners(), settings);
  if (problems.length > 0) throw new Refused(problems);
}

/** Of the move's env files, what does not name legacy's own Convex: a sentence each. */
export async function filesElsewhere({ world, settings, maybe }: StepContext): Promise<string[]> {
  const found: { readonly path: string; readonly url: string }[] = [];
  for (const { path, keys } of maybe("preflight")?.envFiles ?? []) {
    if (!keys.includes(CONVEX_KEY)) continue;
    const { [CONVEX_KEY]: url } = await world.host.envValues(path, [CONVEX_KEY]);
    if (url !== undefined) found.push({ path, url });
  }
  // The first counts; a later one may name anything, but not what is about to be emptied.
  return found.flatMap(({ path, url }, index) => (isSource(url, settings) || (index > 0 && url !== settings.convexUrl) ? [] : [`${path} on the legacy host says ${CONVEX_KEY}=${url}, which is not legacy's own Convex; set it to ${settings.sourceUrl} there by hand`]));
}

/** Of the writers that run, which write elsewhere than into legacy's own Convex: a sentence each. */
export async function writersElsewhere({ world, settings }: StepContext): Promise<string[]> {
  const { writers } = await world.host.look();
  return WRITERS.flatMap((writer) => {
    const { running, convexUrl } = writers[writer];
    return !running || convexUrl === undefined || isSource(convexUrl, settings) ? [] : [`the legacy ${writer} (process ${running.pid}) writes to ${convexUrl}, which is not legacy's own Convex: another file or its unit sets ${CONVEX_KEY}; set it to ${settings.sourceUrl} there, and restart the ${writer}`];
  });
}

/** Of env files and of writers that run, what still names the platform's database of TIMESCALE_URL: a sentence each, without the address, which holds a password. */
export async function databaseInUse({ world, settings }: StepContext, target: string): Promise<string[]> {
  const [{ writers }, ...files] = await Promise.all([world.host.look(), ...settings.envFiles.map(async (path) => ({ path, values: await world.host.envValues(path, [TIMESCALE_KEY]) }))]);
  return [
    ...files.flatMap(({ path, values }) => (values[TIMESCALE_KEY] === target ? [`${path} on the legacy host names the platform's database in ${TIMESCALE_KEY} still; set it to legacy's own there by hand`] : [])),
    ...WRITERS.flatMap((writer) => (writers[writer].running && writers[writer].variables[TIMESCALE_KEY] === target ? [`the legacy ${writer} (process ${writers[writer].running.pid}) has the platform's database in ${TIMESCALE_KEY} still; restart it with legacy's own`] : [])),
  ];
}

/**
 * A move that is taken up may be hours old, and the world another one: before legacy stops and before
 * the platform's Convex is replaced, what preflight saw must still be so.
 * @throws Refused with everything that is not
 */
export async function asPreflightSaw(context: StepContext): Promise<void> {
  const { world, settings, fact, attempts } = context;
  const [owners, evidence, files, writers] = await Promise.all([world.keys.owners(), world.keys.evidence(), filesElsewhere(context), writersElsewhere(context)]);
  const problems = [...ownerProblems(owners, settings), ...files, ...writers];
  const before = fact("preflight").evidence;
  if ((evidence.verdict ?? null) !== before.verdict || (evidence.record ?? null) !== before.record) problems.push(`the evidence in Consul (gate data-move: ${evidence.verdict ?? "nothing"}) is another than when this move began (${before.verdict ?? "nothing"}): another move was made since, or somebody changed it`);
  // Once an import began it is this move's own rows that are there.
  if (attempts("import") <= 1) {
    const { counts } = fact("keep-target");
    const now = await world.target.counts();
    const changed = [...new Set([...Object.keys(counts), ...now.keys()])].filter((table) => !table.startsWith("_") && (counts[table] ?? 0) !== (now.get(table) ?? 0)).sort();
    if (changed.length > 0) problems.push(`the platform's Convex has changed since it was kept (${changed.slice(0, 3).map((table) => `${table}: ${counts[table] ?? 0} -> ${now.get(table) ?? 0} rows`).join(", ")}${changed.length > 3 ? `, and ${changed.length - 3} more tables` : ""}): somebody writes into it, whose rows the import would replace and the kept file does not have`);
  }
  if (problems.length > 0) throw new Refused([...problems, `the world is another than when this move began, and nothing more was changed; find out why, then go back and begin anew: ${settings.commands.undo}; ${settings.commands.move}`]);
}
