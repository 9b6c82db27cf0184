/** Whether the legacy host is still on its own Convex, and nobody else on the platform's. */
import { Refused, type MoveSettings, type StepContext } from "../step";
import { WRITERS, type Owners, type World } from "../world";

export const CONVEX_KEY = "CONVEX_URL";
export const TIMESCALE_KEY = "TIMESCALE_URL";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** On its own host, a Convex is also localhost. */
export function isSource(url: string, { sourceUrl, hostAddress }: MoveSettings): boolean {
  if (!URL.canParse(url)) return false;
  const [one, other] = [new URL(url), new URL(sourceUrl)];
  const host = LOOPBACK.includes(one.hostname) ? hostAddress : one.hostname;
  return one.port === other.port && one.protocol === other.protocol && host === other.hostname;
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
  for (const path of maybe("preflight")?.envFiles ?? []) {
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
