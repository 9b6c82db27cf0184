/** Why the lease could not be looked at: what, why it matters, how to mend it. */
import { UnexpectedAnswer } from "../clients/http";
import { ask } from "../doctor/explain";
import type { LeaseAccess } from "./access";
import { KeysHidden } from "./consul";

const NEEDED = "the cutover operator's token: it reads both keys and writes the owner";

/** @param access undefined when there was none to ask with */
export async function unasked(error: unknown, access: Pick<LeaseAccess, "address" | "caVariable" | "caGiven"> | undefined): Promise<string> {
  const said = (what: string, mend: string): string => `who runs the worker could not be asked: ${what}\n  ${mend}`;
  if (error instanceof KeysHidden) return said(error.message, `CONSUL_HTTP_TOKEN: ${NEEDED}`);
  if (error instanceof UnexpectedAnswer && error.status === 403) return said(`${error.message}: Consul does not know the token, or refuses it this`, `CONSUL_HTTP_TOKEN: ${NEEDED}`);
  if (error instanceof UnexpectedAnswer && error.status >= 500) return said(`${error.message}: its servers have no leader, or it cannot be reached from the one that was asked`, "Wait for an election (seconds) and repeat; then on a Consul server: consul operator raft list-peers");
  if (!access) return (error as Error).message;
  const { address, caVariable, caGiven } = access;
  const outcome = await ask({ name: "Consul", address, caVariable, caGiven, look: `curl ${address}/v1/status/leader` }, () => Promise.reject(error as Error)).catch(() => undefined);
  return outcome && outcome.verdict !== "pass" ? said(outcome.detail, outcome.mend) : (error as Error).message;
}
