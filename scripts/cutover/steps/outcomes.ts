/** Outcomes that several steps give. */
import { fail, inconclusive, type Outcome } from "../../doctor/check";
import type { GiveResult } from "../../lease/give";
import type { CutoverSettings } from "../settings";
import type { Writers } from "../world";

/** What a hand-over came to. */
export function given(result: GiveResult, { commands }: CutoverSettings): Outcome {
  switch (result.outcome) {
    case "given":
      return { verdict: "pass", detail: `${result.from} -> ${result.status.owner}: ${result.status.runs}, ${(result.tookMs / 1_000).toFixed(1)} s after the owner changed` };
    case "already":
      return { verdict: "pass", detail: result.status.runs };
    case "refused":
      if (result.why === "no-key") return fail("the key of the worker's owner does not exist", commands.deploy("cutover"));
      return fail(result.why === "legacy-unproven" ? `nothing shows that the legacy worker is stopped (owner: ${result.found})` : `somebody else gave the worker to ${result.found ?? "nobody"} at the same moment`, `see who has it: ${commands.lease}`);
    case "not-taken":
      return fail(`the owner is set, and nobody took the lease within ${(result.waitedMs / 1_000).toFixed(0)} s: no worker runs. ${result.status?.runs ?? ""}${result.lastError ? ` (${result.lastError.message})` : ""}`.trim(), `see why: ${commands.why}; or give it back: ${commands.rollBack}`);
    case "taken-back":
      return fail(`while it was waited for, somebody gave the worker to ${result.found ?? "nobody"}`, `see who has it: ${commands.lease}`);
    case "interrupted":
      return inconclusive("interrupted", `run the same command again: ${commands.run}`);
  }
}

/** Exactly one worker, and it is this side's. */
export function oneWriter({ seen, hidden, overlappingRuns }: Writers, side: "legacy" | "nomad", holder: string | undefined, { commands }: CutoverSettings): Outcome & { readonly facts: { readonly writers: number; readonly sockets: number } } {
  const facts = { writers: seen.length, sockets: seen.reduce((sum, { exchangeSockets }) => sum + exchangeSockets, 0) };
  const where = seen.map((writer) => `${writer.where} (${writer.side}, ${writer.exchangeSockets} connections to the exchange)`).join("; ");
  const wrong = seen.filter((writer) => writer.side !== side);
  const stop = `stop the one that must not run (legacy: by its pid file; ${commands.seeLegacyWorker}), see: ${commands.lease}; or go back: ${commands.rollBack}`;
  if (seen.length > 1 || wrong.length > 0) return { ...fail(`${seen.length} workers run, and exactly one of ${side} must: ${where}`, stop), facts };
  if (overlappingRuns.length > 0) return { ...fail(`ingestion runs overlap, so that two workers ran at once: ${overlappingRuns.join("; ")}`, stop), facts };
  if (hidden.length > 0) return { ...inconclusive(`not every machine could be looked at: ${hidden.join("; ")}`, "mend the way there (ssh), and run the same command again"), facts };
  if (seen.length === 0 || holder !== side) return { ...fail(`${seen.length === 0 ? "no worker runs" : `the lease is held by ${holder ?? "nobody"}`}, and exactly one of ${side} must have it`, `see why: ${commands.why}; ${commands.lease}`), facts };
  return { verdict: "pass", detail: `exactly one: ${where}; no two ingestion runs overlap`, facts };
}
