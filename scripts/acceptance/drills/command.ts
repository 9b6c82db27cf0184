/** `gvfx drill failover`, `data-plane` and `inference`: what users and data go through when something is taken away. */
import { randomBytes } from "node:crypto";
import { Command } from "commander";
import type { Environment } from "../../../environments/schema";
import type { AcceptanceAccess } from "../access";
import { performer, type AcceptanceSurroundings } from "../perform";
import { drillWorld } from "./access";
import { dataPlane } from "./data-plane";
import { failover, type DrillOutcome } from "./failover";
import { inference, type InferenceWorld } from "./inference";

/** As large as a small model: more than one part of an upload would be, and read back in a moment. */
const ARTEFACT_BYTES = 256 * 1_024;

export interface DrillsSurroundings extends AcceptanceSurroundings {
  /** @default the environment's */
  readonly world?: (env: Environment, access: AcceptanceAccess) => Promise<InferenceWorld>;
}

interface Drill {
  readonly name: string;
  readonly description: string;
  /** Runs in a lab alone: it kills a machine. */
  readonly labOnly?: true;
  run(world: InferenceWorld, say: (line: string) => void, signal: AbortSignal): Promise<DrillOutcome>;
}

const DRILLS: readonly Drill[] = [
  { name: "failover", description: "empty the app node without the data, then the worker's node: api, frontend, rl-service and worker must run on the other one, and users be served", run: failover },
  { name: "data-plane", description: "restart Postgres, MinIO and Convex in turn under reads and writes: both go on, and nothing that was acknowledged is lost", run: (world, say, signal) => dataPlane(world, randomBytes(ARTEFACT_BYTES / 2).toString("hex"), say, signal) },
  { name: "inference", description: "lose an app node during inference and training (lab only): inference goes on, and a call that is lost is not repeated", labOnly: true, run: inference },
];

export function acceptanceDrillCommands(environment: () => Environment, surroundings: DrillsSurroundings = {}): Command[] {
  const { world = drillWorld } = surroundings;
  const perform = performer(environment, surroundings);
  return DRILLS.map(({ name, description, labOnly, run }) =>
    new Command(name)
      .description(description)
      .option("--confirm <environment>", "name of the environment, outside of a lab: users are on it")
      .option("--json", "print the result as JSON", false)
      .addHelpText("after", HELP)
      .action(({ confirm, json }: { readonly confirm?: string; readonly json: boolean }) =>
        perform(`drill ${name}`, json, async ({ env, say, ...access }) => {
          if (!env.lab && labOnly) throw new Error(`this drill kills a machine, which it does in a lab alone: GVFX_ENV=lab npm run gvfx -- drill ${name}`);
          if (!env.lab && confirm !== env.name) throw new Error(`this drill takes parts of "${env.name}" away while users are on it; when that is meant, add --confirm ${env.name}. In the lab: GVFX_ENV=lab npm run gvfx -- drill ${name}`);
          return run(await world(env, access), say, access.signal);
        }),
      ),
  );
}

const HELP = `
It needs an environment that is well, with users sent to Nomad, and leaves it so: what it closed it opens again, also when
it is interrupted. Outside of a lab it reads NOMAD_TOKEN (the management token), NOMAD_CACERT, and what gvfx smoke reads.
Writes a report with a timeline below .gvfx/<environment>/acceptance.
Exit status: 0 when all passed, 1 when any failed, 2 when it could not be asked or was not confirmed, 130 when interrupted.`;
