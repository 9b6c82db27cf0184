/** Runs of the backup's job, for the tests that restore. */
import { BACKUP_STATUS_VARIABLE } from "../../contracts/backup";
import { JOBS } from "../../contracts/services";
import { askNomad, eventually, namespace, nomadJson } from "./lab-fixture";

/** A run's pull, copy and store, seconds; four times what it takes on two idle cores. */
export const A_BACKUP = 180;

/** As `gvfx data fingerprint --json` prints it. */
export interface Fingerprint { readonly convex: readonly unknown[]; readonly tables: readonly unknown[] }

async function status(): Promise<Readonly<Record<string, string>>> {
  const answer = await askNomad(`/v1/var/${BACKUP_STATUS_VARIABLE}?namespace=${namespace}`);
  return answer.status === 200 ? (JSON.parse(answer.text) as { Items: Record<string, string> }).Items : {};
}

/** Runs the job now, as an operator would. @returns what it wrote */
export async function backup(): Promise<Readonly<Record<string, string>>> {
  const children = async () => (await nomadJson<readonly { readonly ID: string; readonly Status: string }[]>(`/v1/jobs?namespace=${namespace}&prefix=${JOBS.backup}/`)).filter(({ Status }) => Status !== "dead");
  await eventually(A_BACKUP, async () => expect(await children()).toEqual([]));
  const before = await status();
  expect((await askNomad(`/v1/job/${JOBS.backup}/periodic/force?namespace=${namespace}`, { method: "PUT" })).status).toBe(200);
  let after = before;
  await eventually(A_BACKUP, async () => {
    after = await status();
    // The reason of an earlier failure stays beside it.
    expect([after.lastSuccess !== before.lastSuccess, after.lastFailure]).toEqual([true, before.lastFailure]);
  });
  return after;
}
