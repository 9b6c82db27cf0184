/** `gvfx smoke`, `sections` and `perf`: whether a side works, whether the sections are as the switch says, and how fast it answers. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import type { Environment } from "../../environments/schema";
import { parseJson } from "../json";
import { SIDES, type Side } from "../lease/sources";
import { sectionsOptions, smokeOptions, type AcceptanceAccess } from "./access";
import { performer, type AcceptanceSurroundings } from "./perform";
import { runAcceptance, type AcceptanceCheck } from "./result";
import { baselineSchema, compared, measure, SHAPE, type Baseline, type Workload } from "./perf";
import { sectionChecks, type SectionsExpected } from "./sections";
import { smokeChecks } from "./smoke";
import { perfWorkloads } from "./workloads";

export interface ChecksSurroundings extends AcceptanceSurroundings {
  /** @default the environment's */
  readonly smoke?: (env: Environment, side: Side, access: AcceptanceAccess) => Promise<AcceptanceCheck[]>;
  /** @default the environment's */
  readonly sections?: (env: Environment, expected: SectionsExpected, access: AcceptanceAccess) => Promise<AcceptanceCheck[]>;
  /** @default the environment's */
  readonly workloads?: (env: Environment, side: Side, access: AcceptanceAccess) => Promise<Workload[]>;
  /** File of the baseline. @default .gvfx/<environment>/perf-baseline.json */
  readonly baseline?: (env: Environment) => string;
}

export function acceptanceCommands(environment: () => Environment, surroundings: ChecksSurroundings = {}): Command[] {
  const { smoke = async (env, side, access) => smokeChecks(await smokeOptions(env, side, access)), sections = async (env, expected, access) => sectionChecks(await sectionsOptions(env, expected, access)) } = surroundings;
  const { workloads = perfWorkloads, baseline: baselineFile = (env) => join(".gvfx", env.name, "perf-baseline.json"), now = () => new Date() } = surroundings;
  const perform = performer(environment, surroundings);
  return [
    new Command("smoke")
      .description("whether a side works: what API and frontend answer, in which form, and rows that are young and get younger")
      .addOption(new Option("--side <side>", "which; for nomad the gateways are asked for it, wherever users are sent").choices(SIDES).default("nomad"))
      .option("--json", "print the result as JSON", false)
      .addHelpText("after", HELP)
      .action(({ side, json }: { readonly side: Side; readonly json: boolean }) => perform("smoke", json, async ({ env, ...access }) => ({ checks: await runAcceptance(await smoke(env, side, access), access.signal) }))),
    new Command("sections")
      .description("whether the Gold and Crypto sections are as the switch says, with the pairs of the market catalog")
      .addOption(new Option("--expect <state>", "how they must be").choices(["open", "closed"]).default("open"))
      .option("--json", "print the result as JSON", false)
      .addHelpText("after", HELP)
      .action(({ expect, json }: { readonly expect: SectionsExpected; readonly json: boolean }) => perform("sections", json, async ({ env, ...access }) => ({ checks: await runAcceptance(await sections(env, expect, access), access.signal) }))),
    new Command("perf")
      .description("how fast a side answers, as a ratio to a baseline that was recorded before, on legacy say")
      .addOption(new Option("--side <side>", "which").choices(SIDES).default("nomad"))
      .option("--record", "keep what is measured as the baseline", false)
      .option("--json", "print the result as JSON", false)
      .addHelpText("after", HELP)
      .action(({ side, record, json }: { readonly side: Side; readonly record: boolean; readonly json: boolean }) =>
        perform("perf", json, async ({ env, say, ...access }) => {
          const file = baselineFile(env);
          const known = record ? undefined : readBaseline(file);
          const asked = await workloads(env, side, access);
          const measured = await measure(asked, SHAPE, { now: () => performance.now(), signal: access.signal, say });
          const own: Baseline = { version: 1, environment: env.name, side, at: now().toISOString(), shape: SHAPE, workloads: measured };
          if (record) {
            mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
            writeFileSync(file, `${JSON.stringify(own, null, 2)}\n`);
            say(`baseline: ${file}`);
          }
          return compared(asked, measured, record ? own : known, env.cutover.perfAtMostRatio, `record one: ${env.name === "production" ? "" : `GVFX_ENV=${env.name} `}npm run gvfx -- perf --side legacy --record`);
        }),
      ),
  ];
}

/** Undefined when there is none. @throws Error when it cannot be read: a comparison with something else would prove nothing */
function readBaseline(file: string): Baseline | undefined {
  if (!existsSync(file)) return undefined;
  const read = baselineSchema.safeParse(parseJson(readFileSync(file, "utf8")));
  if (!read.success) throw new Error(`${file} holds no baseline that this version knows; record it anew: gvfx perf --side legacy --record`);
  return read.data;
}

const HELP = `
Reads API_TOKEN (Vault's app/api-token), and for whether a worker runs CONSUL_HTTP_TOKEN and CONSUL_CACERT. The lab
(GVFX_ENV=lab) needs none. Only reads. Writes a report below .gvfx/<environment>/acceptance.
Exit status: 0 when all passed, 1 when any failed, 3 when none failed but some are inconclusive, 2 when it could not be
asked, 130 when interrupted.`;
