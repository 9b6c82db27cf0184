/** Which environments there are, and the one that is asked for. */
import { EnvironmentError, parseEnvironment } from "./parse";
import { lab, labLegacyOnServer1, labWithoutServer1 } from "./lab";
import { production } from "./production";
import { staging } from "./staging";
import type { Environment, EnvironmentInput } from "./schema";

const ENVIRONMENTS: Readonly<Record<string, EnvironmentInput>> = { production, staging, lab };
/** Of the lab, to be chosen by hand and not counted among the environments: as it is after a loss, with the same name and state, and with legacy on a node. */
const VARIANTS: Readonly<Record<string, EnvironmentInput>> = { "lab-without-server-1": labWithoutServer1, "lab-legacy-on-server-1": labLegacyOnServer1 };

export const DEFAULT_ENVIRONMENT = "production";

export function environmentNames(): string[] {
  return Object.keys(ENVIRONMENTS);
}

/**
 * The environment of a name, validated.
 * @throws EnvironmentError when there is none of that name, or it has errors
 */
export function loadEnvironment(name: string = DEFAULT_ENVIRONMENT): Environment {
  const known = { ...ENVIRONMENTS, ...VARIANTS };
  const input = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!input) throw new EnvironmentError(name, [{ path: "GVFX_ENV", message: `"${name}" is no environment; there are ${environmentNames().join(", ")} (environments/load.ts)`, example: DEFAULT_ENVIRONMENT }]);
  return parseEnvironment(name, input);
}
