/** Why something could not be asked or done, as a sentence with what helps. */
import { Unreachable } from "../../clients/http";
import { SshFailure } from "../../clients/ssh";

export function explain(error: unknown): string {
  if (error instanceof Unreachable) return `${error.message}. Nothing answers there as it should: is it running, and is this machine in the tailnet? See: gvfx doctor, and for the lab: gvfx lab status`;
  if (error instanceof SshFailure) return `ssh: ${error.message}. See which key and which address the environment names; a lab that was made anew has new keys: npm run lab`;
  return error instanceof Error ? error.message : String(error);
}
