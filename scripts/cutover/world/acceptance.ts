/** The acceptance commands as gates of a cutover. */
import type { Environment } from "../../../environments/schema";
import { sectionsOptions, smokeOptions, type AcceptanceAccess } from "../../acceptance/access";
import { foldChecks, runAcceptance } from "../../acceptance/result";
import { sectionChecks } from "../../acceptance/sections";
import { smokeChecks } from "../../acceptance/smoke";
import type { CutoverSettings } from "../settings";
import type { CutoverWorld } from "../world";

export function acceptanceGates(env: Environment, access: Omit<AcceptanceAccess, "signal">, { commands }: CutoverSettings): Pick<CutoverWorld, "smoke" | "sections"> {
  return {
    smoke: async (side, signal) => foldChecks(await runAcceptance(smokeChecks(await smokeOptions(env, side, { ...access, signal })), signal), `${commands.smoke}${side === "nomad" ? "" : ` --side ${side}`}`),
    sections: async (expected, signal) => foldChecks(await runAcceptance(sectionChecks(await sectionsOptions(env, expected, access)), signal), `${commands.sections}${expected === "open" ? "" : ` --expect ${expected}`}`),
  };
}
