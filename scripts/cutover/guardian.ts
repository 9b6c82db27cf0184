/** What the guardian wrote, as the gates read it. Pure. */
import { z } from "zod";
import { fail, inconclusive, type Outcome } from "../doctor/check";
import type { Duration } from "../../contracts/units";
import type { GuardianSeen } from "./world";

/** As runtime/guardian/ledger.mjs writes them; a summary has "<verdict>: <reason>" for each trigger, and may lack what an older guardian did not know. */
const itemsSchema = z.looseObject({ kind: z.string(), at: z.iso.datetime(), verdict: z.string().optional(), trigger: z.string().optional(), reason: z.string().optional() });
export type GuardianEntry = z.infer<typeof itemsSchema>;

/** Reads a variable's items; undefined for what is no entry of the guardian. */
export function guardianEntry(items: unknown): GuardianEntry | undefined {
  return itemsSchema.safeParse(items).data;
}

/**
 * Reads what it wrote within the time that counts.
 * @param entries in any order
 * @param silentAfter longer without an entry, and it watched nothing
 */
export function readGuardian(entries: readonly GuardianEntry[], { now, silentAfter, triggers }: { readonly now: Date; readonly silentAfter: Duration; readonly triggers: readonly string[] }): GuardianSeen {
  const sorted = [...entries].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const standing = new Map<string, { readonly verdict: string; readonly reason: string }>();
  let wellSince: number | undefined;
  let newest: number | undefined;
  for (const entry of sorted) {
    const at = Date.parse(entry.at);
    if (newest === undefined || at - newest > silentAfter.milliseconds) wellSince = at;
    newest = at;
    if (entry.kind === "start") standing.clear();
    for (const [trigger, judged] of judgements(entry, triggers)) standing.set(trigger, judged);
    if ([...standing.values()].some(({ verdict }) => verdict === "fail")) wellSince = undefined;
    else wellSince ??= at;
  }
  const silentFor = newest === undefined ? Infinity : (now.getTime() - newest) / 1_000;
  const failing = [...standing].filter(([, { verdict }]) => verdict === "fail").map(([trigger, { reason }]) => `${trigger}: ${reason}`);
  const well = wellSince !== undefined && silentFor <= silentAfter.seconds;
  return { verdict: newest === undefined ? undefined : overall(triggers.map((trigger) => standing.get(trigger)?.verdict ?? "inconclusive")), wellSince: well ? new Date(wellSince!).toISOString() : undefined, silentFor, failing };
}

function judgements(entry: GuardianEntry, triggers: readonly string[]): (readonly [string, { readonly verdict: string; readonly reason: string }])[] {
  if (entry.kind === "verdict" && entry.trigger !== undefined && entry.verdict !== undefined) return [[entry.trigger, { verdict: entry.verdict, reason: entry.reason ?? "" }]];
  if (entry.kind !== "summary") return [];
  return triggers.flatMap((trigger) => {
    const [, verdict, reason] = /^(pass|fail|inconclusive): (.*)$/s.exec(String(entry[trigger] ?? "")) ?? [];
    return verdict === undefined ? [] : [[trigger, { verdict, reason }] as const];
  });
}

/** As runtime/guardian/verdict.mjs: one failure fails, and only passes pass. */
function overall(verdicts: readonly string[]): string {
  if (verdicts.includes("fail")) return "fail";
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === "pass") ? "pass" : "inconclusive";
}

/** Whether a roll-back is due before a step. What could not be judged holds no step up: before users are on Nomad there is little to judge. */
export function triggersOf({ failing, verdict, silentFor }: GuardianSeen, silentAfter: Duration, rollBack: string): Outcome {
  if (failing.length > 0) return fail(failing.join("; "), rollBack);
  if (silentFor > silentAfter.seconds) return inconclusive(Number.isFinite(silentFor) ? `the guardian wrote nothing for ${Math.round(silentFor)} s` : "the guardian never wrote anything", "see its job, gvfx-guardian");
  return verdict === "pass" ? { verdict: "pass", detail: "every trigger passes" } : inconclusive("not every trigger can be judged yet", rollBack);
}
