/** Variables of the app's own environment that a move reads and changes on the legacy host. */
import { ENV_CONTRACT } from "../../../contracts/env";

export const CONVEX_KEY = "CONVEX_URL";
export const TIMESCALE_KEY = "TIMESCALE_URL";
/** With it the app keeps agents, and can trade. */
export const RL_OPS_KEY = "TIMESCALE_RL_OPS_ENABLED";
/** With any of them part of the app's data is in the Postgres of TIMESCALE_URL. */
export const TIMESCALE_SWITCHES: readonly string[] = [...new Set(ENV_CONTRACT.map(({ key }) => key).filter((key) => /^TIMESCALE_.*_ENABLED$/.test(key)))];

/** What the app's own reader takes for off. */
const OFF = ["", "0", "false", "no", "off"];

/** Whether the app reads a switch as on; one that is not set is off. */
export const isOn = (value: string | undefined): boolean => !OFF.includes((value ?? "").trim().toLowerCase());
