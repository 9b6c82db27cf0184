/** What the environment says of a cutover, and how commands are typed in it. */
import { guardianSummaryInterval } from "../../constructs/jobs/guardian-settings";
import { Duration } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { moveSettings } from "../data/move/access";
import { leaseCommands } from "../lease/access";

/** Summaries that the guardian may miss before it counts as silent: one is a restart of it. */
const SUMMARIES_MISSED = 3;
const LONGEST_LOOK = Duration.minutes(1);

export interface CutoverSettings {
  readonly environment: string;
  /** From the traffic's switch until legacy may be retired. */
  readonly watch: Duration;
  /** Of the ways to see how it goes, between two looks. */
  readonly watchEvery: Duration;
  /** A guardian that wrote nothing for so long watches nothing. */
  readonly guardianSilentAfter: Duration;
  /** Real requests that must land on the side. */
  readonly trafficRequests: number;
  readonly commands: Commands;
}

/** As they are typed in this environment. */
export interface Commands {
  readonly run: string;
  readonly rollBack: string;
  readonly status: string;
  readonly move: string;
  readonly moveStatus: string;
  readonly doctor: string;
  readonly why: string;
  readonly lease: string;
  readonly smoke: string;
  readonly coverage: string;
  readonly backfill: string;
  readonly sections: string;
  /** Of a stack. */
  diff(stack: string): string;
  deploy(stack: string): string;
  /** On the legacy host: which worker runs there. */
  readonly seeLegacyWorker: string;
}

export function cutoverSettings(env: Environment): CutoverSettings {
  const prefix = env.name === "production" ? "" : `GVFX_ENV=${env.name} `;
  const gvfx = `${prefix}npm run gvfx --`;
  const lease = leaseCommands(env);
  const cutover = `${gvfx} cutover`;
  const summaries = guardianSummaryInterval(env);
  return {
    environment: env.name,
    watch: env.cutover.watch,
    watchEvery: summaries.milliseconds < LONGEST_LOOK.milliseconds ? summaries : LONGEST_LOOK,
    guardianSilentAfter: Duration.ms(SUMMARIES_MISSED * summaries.milliseconds),
    trafficRequests: env.cutover.trafficRequests,
    commands: {
      run: `${cutover} run`,
      rollBack: `${cutover} roll-back`,
      status: `${cutover} status`,
      move: moveSettings(env).commands.move,
      moveStatus: `${moveSettings(env).commands.move} status`,
      doctor: `${gvfx} doctor`,
      why: lease.why,
      lease: lease.status,
      smoke: `${gvfx} smoke`,
      coverage: `${gvfx} data coverage --gold`,
      backfill: `${gvfx} data backfill --gold`,
      sections: `${gvfx} sections`,
      diff: (stack) => (env.lab ? "npm run lab" : `${prefix}npx cdktf diff ${stack}`),
      deploy: (stack) => (env.lab ? "npm run lab" : `${prefix}npx cdktf deploy ${stack}`),
      seeLegacyWorker: lease.seeLegacy,
    },
  };
}
