/** Nomad variables that jobs read at run time, and who reads which. */
import { APP_SERVICES, type AppService } from "./services";

/** The market catalog. */
export const MARKET_VARIABLE = "gvfx/market";

/** Tuning of one service. */
export function tuningVariable(service: AppService): string {
  return `gvfx/tuning/${service}`;
}

/** Folder of the cutover ledger: one variable an entry. */
export const CUTOVER_VARIABLES = "gvfx/cutover";

/** Entries that the guardian writes; the rest of the ledger is the operator's. */
export const GUARDIAN_LEDGER = `${CUTOVER_VARIABLES}/guardian`;

/** Services that read the market catalog. */
export const MARKET_READERS: readonly AppService[] = ["api", "worker", "frontend"];

/** Variables that a service's job may read. */
export function variablesFor(service: AppService): string[] {
  return [...(MARKET_READERS.includes(service) ? [MARKET_VARIABLE] : []), tuningVariable(service)];
}

export const TUNED_SERVICES = APP_SERVICES;
