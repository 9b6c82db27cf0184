/** The writers stop, in the order in which nothing is left half done: trading, open orders, worker, API. */
import { RL_OPS_KEY, TIMESCALE_SWITCHES } from "../app-variables";
import { Refused, type Step, type StepContext } from "../step";
import { asPreflightSaw, effectiveValues, filesElsewhere, switchesOn, writersElsewhere } from "./source";
import { TradingImpossible, WRITERS, type KillSwitch, type World } from "../world";

/** An order at the market settles within seconds. */
const ASK_ORDERS_EVERY_MS = 5_000;
/** What starts a process again, a supervisor, does it within a second or two. */
const COMES_BACK_WITHIN_MS = 3_000;
/** The API listens within two seconds; a busy host takes longer. */
const HEALTHY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

/** Before it is changed, in a step of its own: a second attempt at halting would find it halted. */
export const noteTrading: Step<"note-trading"> = {
  id: "note-trading",
  title: "Note the kill switch",
  phase: "freeze",
  async run({ world, settings, options, say }) {
    const { api } = world;
    try {
      const [agents, killSwitch] = await Promise.all([api.agents(), api.killSwitch()]);
      return { agents, killSwitch, impossible: null };
    } catch (error) {
      if (!(error instanceof TradingImpossible)) throw error;
      if (!options.appCannotTrade) throw new Refused([unreadable(error)]);
      const [values, host] = await Promise.all([effectiveValues(world.host, settings, TIMESCALE_SWITCHES), world.host.look()]);
      if (switchesOn(values, host).some(({ key }) => key === RL_OPS_KEY)) throw new Refused([tradesAllTheSame]);
      say(`there is no kill switch to throw: ${error.message}`);
      return { agents: [], killSwitch: null, impossible: error.message };
    }
  },
};

/** The operator's word against the host's own. */
export const tradesAllTheSame = `--app-cannot-trade states that this app keeps no agents, and ${RL_OPS_KEY} is on at the legacy host, in an env file or in the environment of a running process: such an app keeps agents and can trade, and its trading would go on in the midst of the move. Leave the option out and mend the API's store (backend-api.log there); or, if the app is not to trade, switch ${RL_OPS_KEY} off and restart worker and API`;

/** What an operator does about a kill switch that cannot be read. */
export function unreadable({ message }: TradingImpossible): string {
  return `the app's kill switch cannot be read (${message}), so that trading cannot be halted by it. See the API's log (backend-api.log) on the legacy host, and mend its store. An app whose TIMESCALE_RL_OPS_ENABLED is off keeps no agents and cannot trade: if that is so, state it by --app-cannot-trade`;
}

export const haltTrading: Step<"halt-trading"> = {
  id: "halt-trading",
  title: "Throw the kill switch of every agent",
  phase: "freeze",
  async run({ world: { api }, fact, move }) {
    for (const agent of fact("note-trading").agents) await api.setKillSwitch(agent, { enabled: true, reason: reasonOf(move) });
    if (fact("note-trading").killSwitch && !(await api.killSwitch()).enabled) throw new Error("the API took the kill switch, and its stored configuration says that it is off; look at the API's log on the legacy host, and repeat");
    return {};
  },
  undo: (context) => killSwitchAsItWas(context),
};

/** By which a move knows its own halt from somebody's emergency stop. */
const reasonOf = (move: string): string => `data move ${move}`;

/** Takes back the move's own halt alone: a switch that somebody else has thrown meanwhile stays on. */
export async function killSwitchAsItWas({ world, maybe, signal, move, say, stopSince }: StepContext): Promise<void> {
  const noted = maybe("note-trading");
  if (!noted?.killSwitch) return;
  // Thrown in the platform's Convex after the thaw: legacy's own knows nothing of it.
  const emergency = stopSince();
  await untilHealthy(world, signal);
  const now = await world.api.killSwitch();
  if (now.enabled && now.reason !== reasonOf(move)) {
    if (!noted.killSwitch.enabled || now.reason !== noted.killSwitch.reason) say(`the kill switch is on for another reason (${now.reason ?? "none is given"}), and was left on: somebody has halted trading since the move did; whoever did that switches it off`);
    return;
  }
  if (!emergency && !now.enabled && noted.killSwitch.enabled) {
    say("the kill switch was on before the move and is off now: somebody has switched it off since, and it was left off");
    return;
  }
  if (emergency) say(`the kill switch was thrown since the thaw for another reason than the move's (${emergency.reason ?? "none is given"}), and stays on; whoever did that switches it off`);
  for (const agent of noted.agents) await world.api.setKillSwitch(agent, emergency ?? noted.killSwitch);
}

/**
 * Before an undo after the thaw stops anything: legacy trades again, and its copy of orders goes back to what was at the freeze.
 * @param byHand the operator states that trading is halted and no order is open: what cannot be done here is said, and passed over
 * @returns an emergency stop that is somebody else's, and must outlast the undo
 * @throws Refused while orders are open, or when the API does not do it
 */
export async function haltAgain(context: StepContext, byHand: boolean): Promise<KillSwitch | undefined> {
  const { world: { api }, maybe, settings, say, signal } = context;
  const noted = maybe("note-trading");
  let emergency: KillSwitch | undefined;
  try {
    await api.healthy();
    if (noted?.impossible != null) say(`there is no kill switch to throw: ${noted.impossible}`);
    else emergency = await throwAgain(context);
    await settleOrders(context, `take the undo up again: ${settings.commands.undo}`);
    return emergency;
  } catch (error) {
    if (signal.aborted) throw error;
    const why = (error as Error).message;
    if (byHand) {
      say(`trading could not be halted, or open orders not be reconciled, by the legacy API (${why}); going on, since it is stated that both is done by hand`);
      return emergency;
    }
    throw new Refused([`${why}. Nothing was stopped yet: legacy's own Convex knows nothing of orders since the thaw. Mend that (the legacy API's log is backend-api.log), and repeat; or halt trading and settle or cancel every open order at the exchange by hand, and state that: ${settings.commands.undo} ${HALTED_BY_HAND}`]);
  }
}

/** The option by which an operator states it. */
export const HALTED_BY_HAND = "--trading-halted-by-hand";

async function throwAgain({ world: { api }, maybe, move }: StepContext): Promise<KillSwitch | undefined> {
  const [agents, now] = await Promise.all([api.agents(), api.killSwitch()]);
  // With the reason that is there: by it an emergency stop is known from the move's own.
  const emergency = now.enabled && now.reason !== reasonOf(move) ? now : undefined;
  for (const agent of new Set([...(maybe("note-trading")?.agents ?? []), ...agents])) await api.setKillSwitch(agent, emergency ?? { enabled: true, reason: reasonOf(move) });
  if (!(await api.killSwitch()).enabled) throw new Error("the API took the kill switch, and its stored configuration says that it is off");
  return emergency;
}

export const orders: Step<"orders"> = {
  id: "orders",
  title: "Reconcile open orders with the exchange",
  phase: "freeze",
  run: async (context) => ({ reconciled: await settleOrders(context, "take the move up again, or undo it") }),
};

/** @param next what to do once the orders are settled. @returns how many were open. @throws Refused when some still are after the time for it */
async function settleOrders({ world, settings, say, signal }: StepContext, next: string): Promise<number> {
  const until = world.clock.now().getTime() + settings.ordersWithin.milliseconds;
  let most = 0;
  for (;;) {
    // A failed store is a 500 here, where a list of trades would be empty.
    const { checked, errors } = await world.api.reconcile();
    most = Math.max(most, checked);
    if (checked === 0) return most;
    if (world.clock.now().getTime() >= until) throw new Refused([await openOrders(world, checked, errors, settings.ordersWithin.toString(), next)]);
    say(`${checked} order${checked === 1 ? " is" : "s are"} not settled yet${errors > 0 ? ` (${errors} could not be asked of the exchange)` : ""}`);
    await world.clock.wait(ASK_ORDERS_EVERY_MS, signal);
  }
}

async function openOrders({ api }: World, checked: number, errors: number, waited: string, next: string): Promise<string> {
  const trades = await api.openTrades().catch(() => []);
  const list = trades.map(({ id, instrument, side, status, mode }) => `\n      ${id}  ${instrument} ${side} ${status} (${mode})`).join("");
  return `${checked} order${checked === 1 ? " is" : "s are"} still open after ${waited}${errors > 0 ? `, ${errors} of which the exchange could not be asked about` : ""}: moved now, the copy would not know how they end. Trading is halted, nothing is stopped. Settle or cancel them (POST /trades/<id>/cancel, or at the exchange) and ${next}.${list || "\n      (the API lists none of them: look in trade_executions for status submitted or partial)"}`;
}

export const stop: Step<"stop"> = {
  id: "stop",
  title: "Stop the legacy worker and API",
  phase: "freeze",
  async run(context) {
    const { world, signal } = context;
    await asPreflightSaw(context);
    // The worker first: it asks the API for nothing, and the API waits for nobody.
    for (const writer of WRITERS) await world.host.stop(writer);
    await mustBeDead(world, "after it was stopped");
    await world.clock.wait(COMES_BACK_WITHIN_MS, signal);
    await mustBeDead(world, "again: something starts it anew, a supervisor or a cron job; stop that, or name a command that stops it (legacy.commands.stopWorker, stopApi)");
    return {};
  },
  async undo(context) {
    const { world, maybe, signal, settings } = context;
    const running = maybe("preflight")?.running ?? [];
    // The platform's Convex is emptied after this: nobody may be left on it.
    const files = await filesElsewhere(context);
    if (files.length > 0) throw new Refused([...files, `nothing was started; then go on: ${settings.commands.undo}`]);
    await world.host.start(running);
    if (running.includes("api")) await untilHealthy(world, signal);
    const writers = await writersElsewhere(context);
    if (writers.length > 0) throw new Refused([...writers, `then go on: ${settings.commands.undo}`]);
  },
};

/** @param when what follows "runs" in the sentence */
export async function mustBeDead({ host, api }: World, when: string): Promise<void> {
  const { writers } = await host.look();
  const alive = WRITERS.flatMap((writer) => {
    const { running, strangers } = writers[writer];
    return [...(running ? [running] : []), ...strangers].map(({ pid, args }) => `the legacy ${writer} (process ${pid}, "${args}") runs ${when}`);
  });
  if (alive.length > 0) throw new Refused(alive);
  const answers = await api.healthy().then(() => true, () => false);
  if (answers) throw new Refused([`no process of the legacy API is to be seen on its host, and its port answers all the same: somebody else serves it, and may write; find out who listens there`]);
}

export async function untilHealthy({ api, clock }: World, signal: AbortSignal): Promise<void> {
  const until = clock.now().getTime() + HEALTHY_WITHIN_MS;
  for (;;) {
    try {
      return await api.healthy();
    } catch (error) {
      if (clock.now().getTime() >= until) throw new Error(`the legacy API is not healthy after ${HEALTHY_WITHIN_MS / 1_000} s (${(error as Error).message}); see its log on the legacy host (backend-api.log), and repeat`);
    }
    await clock.wait(LOOK_EVERY_MS, signal);
  }
}

export const quiet: Step<"quiet"> = {
  id: "quiet",
  title: "See that nobody writes any more",
  phase: "freeze",
  async run({ world, settings, signal }) {
    const before = await seen(world);
    await world.clock.wait(settings.quietFor.milliseconds, signal);
    const after = await seen(world);
    const changes = changesBetween(before, after);
    if (changes.length > 0) throw new Refused([`legacy's Convex changed within ${settings.quietFor} although worker and API are stopped (${changes.join(", ")}): somebody else writes, whose rows the move would lose; find out who (the tailnet's other machines, a cron job, Convex's own scheduled functions), stop it, and take the move up again`]);
    return after;
  },
};

interface Seen {
  readonly counts: Readonly<Record<string, number>>;
  readonly newestRun: string | null;
}

async function seen({ source }: World): Promise<Seen> {
  const [counts, newestRun] = await Promise.all([source.counts(), source.newestRun()]);
  return { counts: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))), newestRun: newestRun ?? null };
}

function changesBetween(before: Seen, after: Seen): string[] {
  const tables = [...new Set([...Object.keys(before.counts), ...Object.keys(after.counts)])].sort();
  return [
    ...tables.flatMap((table) => (before.counts[table] === after.counts[table] ? [] : [`${table}: ${before.counts[table] ?? 0} -> ${after.counts[table] ?? 0} rows`])),
    ...(before.newestRun === after.newestRun ? [] : [`an ingestion run began at ${after.newestRun}`]),
  ];
}

/** What was exported is still all there is. @throws Refused when it is not: the copy is out of date */
export async function stillFrozen({ world, fact, settings }: StepContext): Promise<void> {
  await mustBeDead(world, "in the midst of the freeze");
  const changes = changesBetween(fact("quiet"), await seen(world));
  if (changes.length > 0) throw new Refused([`legacy's Convex has changed since it was exported (${changes.join(", ")}): what was written since is not in the copy. Begin anew: ${settings.commands.undo}; then ${settings.commands.move}`]);
}
