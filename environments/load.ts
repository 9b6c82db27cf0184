/** Which environments there are, and the one that is asked for. */
import { EnvironmentError, parseEnvironment } from "./parse";
import { lab } from "./lab";
import { production } from "./production";
import { staging } from "./staging";
import type { Environment, EnvironmentInput } from "./schema";

const ENVIRONMENTS: Readonly<Record<string, EnvironmentInput>> = { production, staging, lab };

export const DEFAULT_ENVIRONMENT = "production";

export function environmentNames(): string[] {
  return Object.keys(ENVIRONMENTS);
}

/**
 * The environment of a name, validated.
 * @throws EnvironmentError when there is none of that name, or it has errors
 */
export function loadEnvironment(name: string = DEFAULT_ENVIRONMENT): Environment {
  const input = Object.hasOwn(ENVIRONMENTS, name) ? ENVIRONMENTS[name] : undefined;
  if (!input) throw new EnvironmentError(name, [{ path: "GVFX_ENV", message: `"${name}" is no environment; there are ${environmentNames().join(", ")} (environments/load.ts)`, example: DEFAULT_ENVIRONMENT }]);
  return parseEnvironment(name, input);
}
