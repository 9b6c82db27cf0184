/** The worker's lease as a cutover uses it: given, and taken away, by the commands' own functions. */
import { assessLease, type Commands } from "../../lease/assess";
import { giveWorker } from "../../lease/give";
import { lookAtLease } from "../../lease/look";
import type { LeaseSources } from "../../lease/sources";
import { takeWorker } from "../../lease/take";
import type { WorkerLease } from "../world";

export function workerLease(sources: LeaseSources, commands: Commands): WorkerLease {
  return {
    async holder() {
      const { holder } = assessLease(await lookAtLease(sources), commands);
      return holder && (holder.side ?? "other");
    },
    give: (to, { legacyWorkerStopped }, signal) => giveWorker(sources, to, { commands, legacyWorkerStopped, signal }),
    async assign(to) {
      const { owner } = await sources.readKeys();
      if (!owner) throw new Error(`the key of the worker's owner does not exist, so that nothing can be given; deploy it: ${commands.deploy}`);
      if (owner.value === to || (await sources.setOwner(to, owner.index))) return;
      const found = (await sources.readKeys()).owner?.value;
      if (found !== to) throw new Error(`somebody else gave the worker to ${found ?? "nobody"} at the same moment; see who: ${commands.status}`);
    },
    async giveToNobody(signal) {
      const result = await takeWorker(sources, { signal });
      switch (result.outcome) {
        case "taken":
          return;
        case "no-key":
          throw new Error(`the key of the worker's owner does not exist, so that nothing can be taken away; deploy it: ${commands.deploy}`);
        case "still-held":
          throw new Error(`the owner is nobody, and the lease is still held after ${Math.round(result.waitedMs / 1_000)} s: its worker ends by its own deadline at the latest; see who: ${commands.status}${result.lastError ? ` (${result.lastError.message})` : ""}`);
        case "set-again":
          throw new Error(`while the lease was waited for, somebody gave the worker to ${result.found ?? "nobody"}; see who: ${commands.status}`);
        case "interrupted":
          throw new Error("interrupted while the lease was waited for");
      }
    },
  };
}
