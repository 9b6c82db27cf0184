/** Which environments there are, and the one that is asked for. */
import { EnvironmentError, parseEnvironment } from "./parse";
import { lab, labWithoutServer1 } from "./lab";
import { production } from "./production";
import { staging } from "./staging";
import type { Environment, EnvironmentInput } from "./schema";

const ENVIRONMENTS: Readonly<Record<string, EnvironmentInput>> = { production, staging, lab };
/** An environment as it is after a loss: the same name and state, to be chosen by hand and not counted among the environments. */
const AFTER_A_LOSS: Readonly<Record<string, EnvironmentInput>> = { "lab-without-server-1": labWithoutServer1 };

export const DEFAULT_ENVIRONMENT = "production";

export function environmentNames(): string[] {
  return Object.keys(ENVIRONMENTS);
}

/**
 * The environment of a name, validated.
 * @throws EnvironmentError when there is none of that name, or it has errors
 */
export function loadEnvironment(name: string = DEFAULT_ENVIRONMENT): Environment {
  const known = { ...ENVIRONMENTS, ...AFTER_A_LOSS };
  const input = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!input) throw new EnvironmentError(name, [{ path: "GVFX_ENV", message: `"${name}" is no environment; there are ${environmentNames().join(", ")} (environments/load.ts)`, example: DEFAULT_ENVIRONMENT }]);
  return parseEnvironment(name, input);
}
