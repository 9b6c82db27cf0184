/** The way back: Nomad's worker first, then the legacy worker, API and frontend, then the data if asked. Each step finds what is so already, wherever the way forward ended. */
import { fail } from "../../doctor/check";
import { DATA_BACK } from "../planner";
import type { CutoverSettings } from "../settings";
import type { Step } from "../step";
import type { CutoverWorld } from "../world";
import { landOn } from "./forward";
import { given, oneWriter } from "./outcomes";

export function rollBackSteps(settings: CutoverSettings): readonly Step<CutoverWorld>[] {
  const { commands } = settings;
  return [
    {
      id: "take-worker",
      kind: "change",
      title: "Nomad's worker is gone",
      proves: "Nomad ingests and trades nothing any more",
      normal: "the lease is given back within a second or two",
      look: [commands.lease],
      otherwise: [commands.why, commands.rollBack],
      async perform({ world, signal }) {
        // What legacy's worker has already stays its own: taking it away would stop the only one.
        if ((await world.switches()).owner === "legacy") return { verdict: "pass", detail: "the owner is legacy already" };
        await world.lease.giveToNobody(signal);
        const { seen, hidden } = await world.workers();
        const nomads = seen.filter(({ side }) => side === "nomad");
        if (nomads.length > 0) return fail(`Nomad's worker runs still: ${nomads.map(({ where }) => where).join("; ")}`, `see why: ${commands.why}`);
        return { verdict: "pass", detail: hidden.length > 0 ? `nobody holds the lease (not looked at: ${hidden.join("; ")})` : "nobody holds the lease, and no allocation's worker runs" };
      },
    },
    {
      id: "legacy-worker",
      kind: "change",
      title: "the legacy worker runs",
      proves: "legacy ingests and trades again",
      normal: "it is there a few seconds after it was started",
      look: [commands.seeLegacyWorker, commands.lease],
      otherwise: ["see its log on the legacy host", commands.rollBack],
      async perform({ world, signal }) {
        await world.legacy.start("worker");
        const { running, ours, underLease } = await world.legacy.worker();
        if (underLease) return given(await world.lease.give("legacy", { legacyWorkerStopped: false }, signal), settings);
        // One without the lease takes none, and nobody else may: it is seen by its process.
        await world.lease.assign("legacy");
        return running !== undefined && ours ? { verdict: "pass", detail: `${running} runs, without the lease; the owner is legacy, so that Nomad's does not` } : fail("the legacy worker was started, and is not there", "see its log on the legacy host");
      },
    },
    {
      id: "legacy-app",
      kind: "change",
      title: "legacy's API and frontend run",
      proves: "there is something to send users to",
      normal: "both answer",
      look: [commands.smoke],
      otherwise: ["see their logs on the legacy host", commands.rollBack],
      async perform({ world, signal }) {
        await world.legacy.start("api");
        await world.legacy.start("frontend");
        return world.smoke("legacy", signal);
      },
    },
    {
      id: "traffic-back",
      kind: "change",
      title: "the gateway sends users to legacy",
      proves: "real requests are answered by legacy, and by no other",
      normal: "all requests land on legacy, none fails",
      look: [commands.status],
      otherwise: ["see the job gvfx-gateway on both nodes", commands.rollBack],
      async perform(context) {
        const { world } = context;
        await world.recordWatch("none");
        await world.setSwitch("traffic", "legacy");
        await world.setSwitch("sections", "closed");
        return landOn(context, "legacy", settings);
      },
    },
    {
      id: DATA_BACK,
      kind: "change",
      title: "legacy has its own data back",
      proves: "legacy writes into its own Convex, as before the move",
      normal: "what was written since the move is kept in a file, and given up",
      look: [commands.moveStatus],
      otherwise: [commands.rollBack],
      perform: ({ world, signal }) => world.dataBack(signal),
    },
    {
      id: "legacy-serves",
      kind: "check",
      title: "legacy serves, and exactly one worker runs",
      proves: "everything is as it was before the cutover",
      normal: "one worker, legacy's; every request lands on legacy",
      look: [commands.lease, commands.seeLegacyWorker],
      otherwise: [commands.rollBack],
      async perform(context) {
        const landed = await landOn(context, "legacy", settings);
        if (landed.verdict !== "pass") return landed;
        const { world } = context;
        // A legacy worker without the lease holds none; that no other does is what counts.
        const holder = await world.lease.holder();
        const writer = oneWriter(await world.writers(), "legacy", holder === undefined ? "legacy" : holder, settings);
        return writer.verdict === "pass" ? { ...writer, detail: `${landed.detail}; ${writer.detail}` } : writer;
      },
    },
  ];
}
