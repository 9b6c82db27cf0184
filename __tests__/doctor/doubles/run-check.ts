/** Runs one check by its id. */
import type { Environment } from "../../../environments/schema";
import type { Outcome } from "../../../scripts/doctor/check";
import { allChecks } from "../../../scripts/doctor/command";
import { createContext, type ContextOptions, type Credentials } from "../../../scripts/doctor/context";

export async function runCheck(env: Environment, id: string, credentials: Credentials = {}, options: Partial<ContextOptions> = {}): Promise<Outcome> {
  const check = allChecks(env).find((c) => c.id === id);
  if (!check) throw new Error(`there is no check ${id}`);
  return check.run(createContext(env, credentials, { signal: new AbortController().signal, ...options }));
}
