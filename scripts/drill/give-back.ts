/** Gives the lab back as it was found. */
import { WorkerMissing } from "./worker-jobs";

const AGAIN = "npm run gvfx -- drill clean";

/** All of them, whatever one of them says. @throws Error that says what is left, and what undoes it */
export async function giveBack(all: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failed: Error[] = [];
  for (const one of all) await one().catch((error: Error) => failed.push(error));
  if (failed.length === 0) return;
  const mend = failed.some((error) => error instanceof WorkerMissing) ? `No drill can make that job anew: npm run lab${failed.length > 1 ? `, and then: ${AGAIN}` : ""}` : `Try again with: ${AGAIN}`;
  throw new Error(`the lab was not left as it was found: ${failed.map(({ message }) => message).join("; ")}\n${mend}`);
}
