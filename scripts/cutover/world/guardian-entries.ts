/** The guardian's part of the ledger, from a moment on. */
import { GUARDIAN_LEDGER } from "../../../contracts/variables";
import type { NomadVariables } from "../../clients/nomad-variables";
import { guardianEntry, type GuardianEntry } from "../guardian";

/** Names begin with the time that they were written at, as runtime/guardian/ledger.mjs makes them: 20260101T120000000Z-… */
const nameOf = (time: Date): string => time.toISOString().replace(/[-:.]/g, "");

/** @param since entries before it are not read, but for the newest of them, which says how things stood then */
export async function guardianEntries(variables: NomadVariables, since: Date): Promise<GuardianEntry[]> {
  const paths = await variables.list(GUARDIAN_LEDGER);
  const name = (path: string): string => path.slice(GUARDIAN_LEDGER.length + 1);
  const first = paths.findIndex((path) => name(path) >= nameOf(since));
  const wanted = paths.slice(Math.max(0, (first === -1 ? paths.length : first) - 1));
  return (await variables.readAll(wanted)).flatMap((items) => guardianEntry(items) ?? []);
}
