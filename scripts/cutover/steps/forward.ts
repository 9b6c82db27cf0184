/** The way forward: from legacy to Nomad, in order. */
import { STACK_IDS } from "../../../contracts/stacks";
import { fail, inconclusive } from "../../doctor/check";
import type { CutoverSettings } from "../settings";
import type { Step, StepContext } from "../step";
import type { CutoverWorld } from "../world";
import { given, oneWriter } from "./outcomes";

type CutoverStep = Step<CutoverWorld>;
type Context = StepContext<CutoverWorld>;

export function forwardSteps(settings: CutoverSettings): readonly CutoverStep[] {
  const { commands } = settings;
  return [
    {
      id: "preflight",
      kind: "check",
      title: "machines, cluster, secrets and clocks are well",
      proves: "what a cutover relies on is reached and as the environment says",
      normal: "every check passes",
      look: [commands.doctor],
      otherwise: ["do what the failed check says under \"mend\"", commands.run],
      perform: ({ world, signal }) => world.doctor(signal),
    },
    {
      id: "deployed",
      kind: "check",
      title: "no stack has a pending change",
      proves: "what runs is what the repository says, so that no later deploy changes what is cut over",
      normal: "every plan is empty",
      look: STACK_IDS.map((stack) => commands.diff(stack)),
      otherwise: ["deploy the stack that is named, or take the change out of the environment file", commands.run],
      async perform({ world, signal }) {
        const plans = await world.plans(signal);
        const of = (wanted: "changes" | "problem") => [...plans].filter(([, plan]) => (typeof plan === "string" ? plan : "problem") === wanted).map(([stack]) => stack);
        const [pending, unknown] = [of("changes"), of("problem")];
        if (pending.length > 0) return fail(`pending changes in ${pending.join(", ")}`, pending.map((stack) => commands.deploy(stack)).join("; "));
        if (unknown.length > 0) return inconclusive(`no plan of ${unknown.map((stack) => `${stack} (${(plans.get(stack) as { problem: string }).problem})`).join(", ")}`, unknown.map((stack) => commands.diff(stack)).join("; "));
        return { verdict: "pass", detail: `${plans.size} stacks, all plans empty` };
      },
    },
    {
      id: "data",
      kind: "check",
      title: "the data was moved, and legacy uses the same Convex",
      proves: "legacy and Nomad write into one Convex, so that neither way loses rows",
      normal: "the gate data-move passes, every legacy process has the platform's CONVEX_URL, the move's snapshot is kept",
      look: [commands.moveStatus],
      otherwise: [commands.move, "restart a legacy process that has another CONVEX_URL", commands.run],
      perform: (context) => dataMoved(context, settings),
    },
    {
      id: "smoke",
      kind: "check",
      title: "Nomad's API, frontend and RL service answer as they should, with fresh data",
      proves: "the new stack works before anybody depends on it",
      normal: "every check passes",
      look: [commands.smoke],
      otherwise: ["do what the failed check says", commands.run],
      acceptable: true,
      perform: ({ world, signal }) => world.smoke("nomad", signal),
    },
    {
      id: "coverage",
      kind: "check",
      title: "every pair has every feed",
      proves: "no history is missing that a strategy reads",
      normal: "all seven feeds of every pair, without a gap beyond the bound",
      look: [commands.coverage],
      otherwise: [`bring what is missing: ${commands.backfill}`, commands.run],
      acceptable: true,
      perform: ({ world, signal }) => world.coverage(signal),
    },
    {
      id: "stop-legacy-worker",
      kind: "change",
      title: "the legacy worker is stopped, and seen to be gone",
      proves: "legacy ingests and trades nothing any more",
      normal: "the pid file's process is gone, and no other worker of the checkout runs",
      look: [commands.seeLegacyWorker],
      otherwise: ["stop by hand what is named, after looking what it is", commands.run, `or go back: ${commands.rollBack}`],
      perform: (context) => stopLegacyWorker(context, settings),
    },
    {
      id: "give-worker",
      kind: "change",
      title: "the worker is Nomad's",
      proves: "Nomad's worker holds the lease",
      normal: "it has the lease a second or two after the owner changed",
      look: [commands.lease],
      otherwise: [commands.why, `or go back: ${commands.rollBack}`],
      perform: async ({ world, signal }) => given(await world.lease.give("nomad", { legacyWorkerStopped: true }, signal), settings),
    },
    {
      id: "one-writer",
      kind: "check",
      title: "exactly one worker runs, and it is Nomad's",
      proves: "nothing is traded or ingested twice",
      normal: "one worker, by allocations, lease, processes on every machine and connections to the exchange; no two runs overlap",
      look: [commands.lease, commands.seeLegacyWorker],
      otherwise: [`go back at once: ${commands.rollBack}`],
      perform: async ({ world }) => oneWriter(await world.writers(), "nomad", await world.lease.holder(), settings),
    },
    {
      id: "switch-traffic",
      kind: "change",
      title: "the gateway sends users to Nomad",
      proves: "real requests are answered by Nomad's services, and by no other",
      normal: "all requests land on Nomad, none fails",
      look: [commands.status],
      otherwise: [`go back: ${commands.rollBack}`],
      async perform(context) {
        await context.world.setSwitch("traffic", "nomad");
        const outcome = await landOn(context, "nomad", settings);
        return outcome.verdict === "pass" ? { ...outcome, facts: { switchedAt: String(context.fact("switch-traffic")?.switchedAt ?? context.world.clock.now().toISOString()) } } : outcome;
      },
    },
    {
      id: "open-sections",
      kind: "change",
      title: "the Gold and Crypto sections are open",
      proves: "their pages answer, with the pairs of the market catalog",
      normal: "every route answers, every pair is listed",
      look: [commands.sections],
      otherwise: ["compare the frontend image's pairs with the environment's market catalog", `or go back: ${commands.rollBack}`],
      async perform({ world, signal }) {
        await world.setSwitch("sections", "open");
        const began = world.clock.now().getTime();
        for (;;) {
          const outcome = await world.sections("open", signal);
          if (outcome.verdict === "pass" || world.clock.now().getTime() - began >= SWITCHED_WITHIN_MS) return outcome;
          await world.clock.wait(LOOK_EVERY_MS, signal);
        }
      },
    },
    {
      id: "watch",
      kind: "check",
      title: `nothing calls for a roll-back for ${settings.watch.toString()}`,
      proves: "the new stack holds under everyday load, with legacy kept ready",
      normal: "the guardian's triggers all pass, and it writes regularly",
      look: [commands.status],
      otherwise: [`when a trigger failed: ${commands.rollBack}`, "when the guardian is silent: its job, gvfx-guardian"],
      perform: (context) => watch(context, settings),
    },
    {
      id: "retire-legacy",
      kind: "change",
      title: "legacy's API and frontend are stopped",
      proves: "nobody uses legacy any more, while it can still be started",
      normal: "nothing of legacy runs, and users notice nothing",
      look: [commands.status, commands.seeLegacyWorker],
      otherwise: [commands.run, `or go back: ${commands.rollBack}`],
      async perform(context) {
        await context.world.legacy.stop("frontend");
        await context.world.legacy.stop("api");
        const outcome = await landOn(context, "nomad", settings);
        return outcome.verdict === "pass" ? { ...outcome, detail: `${outcome.detail}. Now legacy.retired = true in the environment file, and ${commands.deploy("cutover")}, withdraw legacy's token for good; from then on there is no way back` } : outcome;
      },
    },
  ];
}

async function dataMoved({ world }: Context, { commands }: CutoverSettings) {
  const { verdict, snapshot } = await world.dataMove();
  if (verdict !== "pass") return fail(`the gate data-move says ${verdict ?? "nothing"}`, commands.move);
  const urls = await world.legacy.convexUrls();
  const others = [...urls].filter(([, url]) => url !== "unknown" && url !== world.convexUrl);
  if (others.length > 0) return fail(`legacy does not use the platform's Convex (${world.convexUrl}): ${others.map(([process, url]) => `${process} has ${url}`).join(", ")}`, `restart what is named with the env files that the move wrote, see: ${commands.moveStatus}`);
  const hidden = [...urls].filter(([, url]) => url === "unknown").map(([process]) => process);
  if (hidden.length > 0) return inconclusive(`the legacy host does not show which Convex ${hidden.join(", ")} uses`, "let the SSH user be the one that the processes run as");
  if (snapshot === undefined || !(await world.snapshotKept(snapshot))) return fail(`the move's snapshot${snapshot === undefined ? "" : ` ${snapshot}`} is not there or not whole, and it is the way back of the data`, `see where it was kept: ${commands.moveStatus}; or keep a new one: gvfx data export`);
  return { verdict: "pass" as const, detail: `one Convex, ${world.convexUrl}; the snapshot ${snapshot} is whole`, facts: { snapshot } };
}

async function stopLegacyWorker({ world, say }: Context, { commands }: CutoverSettings) {
  const before = await world.legacy.worker();
  if (before.strangers.length > 0) return fail(`workers of the legacy checkout run that no pid file names: ${before.strangers.join("; ")}`, "see what they are, and stop them by hand");
  if (before.running !== undefined && !before.ours) return fail(`the worker's pid file names ${before.running}, which is not the worker: nothing was stopped`, `see which worker runs: ${commands.seeLegacyWorker}; and remove the pid file when none does`);
  if (before.running !== undefined) {
    say(`stopping ${before.running}`);
    await world.legacy.stop("worker");
  }
  const after = await world.legacy.worker();
  if (after.running !== undefined || after.strangers.length > 0) return fail(`a legacy worker runs still or again: ${[after.running, ...after.strangers].filter(Boolean).join("; ")}`, "something restarts it (a supervisor, cron): turn that off first");
  return { verdict: "pass" as const, detail: before.running === undefined ? "none ran" : `${before.running} is gone`, facts: { stopped: before.running !== undefined } };
}

/** A gateway acts on a changed key within two seconds (constructs/gateway/switches.ts), Nomad writes it into the gateway's file before, and a busy node takes its time for both. */
const SWITCHED_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 500;

/** Whether real requests land on a side, soon after it was switched to. A request that fails is a failure at once. */
export async function landOn({ world, signal }: Context, side: "legacy" | "nomad", { trafficRequests, commands }: CutoverSettings) {
  const began = world.clock.now().getTime();
  for (;;) {
    const { requests, failed, bySide } = await world.traffic(trafficRequests, signal);
    const facts = { requests, failed, landed: bySide[side] };
    if (failed > 0) return { ...fail(`${failed} of ${requests} requests failed`, `see the gateway: ${commands.smoke}`), facts };
    if (requests === 0) return { ...inconclusive("no request was made", "run the same command again"), facts };
    if (bySide[side] === requests) return { verdict: "pass" as const, detail: `all ${requests} requests were answered by ${side}`, facts };
    if (world.clock.now().getTime() - began >= SWITCHED_WITHIN_MS) return { ...fail(`${requests - bySide[side]} of ${requests} requests were not answered by ${side}, ${SWITCHED_WITHIN_MS / 1_000} s after it was switched to`, "a gateway has not heard of the switch: see the job gvfx-gateway on both nodes"), facts };
    await world.clock.wait(LOOK_EVERY_MS, signal);
  }
}

async function watch({ world, signal, fact, say }: Context, settings: CutoverSettings) {
  const since = fact("switch-traffic")?.switchedAt;
  if (typeof since !== "string") return inconclusive("the ledger does not say when users were sent to Nomad, so that nobody knows how long it went well", settings.commands.status);
  for (;;) {
    const now = world.clock.now().getTime();
    const { verdict, wellSince, silentFor, failing } = await world.guardian();
    if (failing.length > 0) return fail(`a roll-back trigger fails, as the guardian sees it: ${failing.join("; ")}`, `go back: ${settings.commands.rollBack}; or, when that is over and you know why, begin the watch anew: ${settings.commands.run}`);
    if (wellSince === undefined || silentFor > settings.guardianSilentAfter.seconds) return inconclusive(`the guardian wrote nothing for ${Math.round(silentFor)} s: nobody watched`, `see its job, gvfx-guardian, and begin the watch anew: ${settings.commands.run}`);
    // What failed, or was not watched, begins the watch anew.
    const from = Math.max(Date.parse(since), Date.parse(wellSince));
    const until = from + settings.watch.milliseconds;
    if (now >= until) {
      if (verdict !== "pass") return inconclusive(`the guardian's verdict is ${verdict ?? "none"}: not every trigger could be judged`, `see which: ${settings.commands.status}; and run the same command again once all are`);
      await world.recordWatch("pass");
      return { verdict: "pass" as const, detail: `no trigger failed since ${new Date(from).toISOString()}, and the guardian was never silent`, facts: { since, wellSince } };
    }
    say(`${Math.ceil((until - now) / 60_000)} min to go; the guardian says ${verdict ?? "nothing yet"}`);
    await world.clock.wait(Math.min(settings.watchEvery.milliseconds, until - now), signal);
  }
}
