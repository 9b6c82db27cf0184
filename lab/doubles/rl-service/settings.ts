/** The RL service's settings, read as the app reads them (backend/rl-service/src/config.py), plus the double's own. */
import { contractBreaches } from "../frontend/environment";

export interface RlServiceSettings {
  readonly environment: string;
  readonly host: string;
  readonly port: number;
  /** Inference without a model's artifact is refused. */
  readonly strictModelInference: boolean;
  readonly strictBacktest: boolean;
  /** /health is 503 until the model libraries are loaded. */
  readonly healthRequireMl: boolean;
  /** Milliseconds from the start until the double counts as loaded. The app imports its libraries for as long. @default 1500 */
  readonly loadMs: number;
  /** Milliseconds of training for each 1000 timesteps asked for: the caller decides how long a call takes. @default 200 */
  readonly trainingMsPer1000Timesteps: number;
}

const OWN = { DOUBLE_LOAD_MS: "1500", DOUBLE_TRAINING_MS_PER_1000_TIMESTEPS: "200" } as const;

/**
 * Reads the settings.
 * @throws Error that lists every breach of the contract
 */
export function rlServiceSettings(env: Readonly<Record<string, string | undefined>>): RlServiceSettings {
  const own = Object.fromEntries(Object.entries(OWN).map(([key, standard]) => [key, env[key] ?? standard])) as Record<keyof typeof OWN, string>;
  const errors = [
    ...contractBreaches("rl-service", env),
    ...Object.entries(own).flatMap(([key, value]) => (/^\d+$/.test(value) ? [] : [`${key} is "${value}"; use whole milliseconds, for example "1500"`])),
  ];
  if (errors.length > 0) throw new Error(`the environment breaks the app's contract:\n${errors.map((e) => `  ${e}`).join("\n")}`);
  return {
    environment: env.RL_ENV ?? "development",
    host: env.RL_SERVICE_HOST ?? "0.0.0.0",
    port: Number(env.RL_SERVICE_PORT ?? "9101"),
    strictModelInference: (env.RL_STRICT_MODEL_INFERENCE ?? "true") === "true",
    strictBacktest: (env.RL_STRICT_BACKTEST ?? "true") === "true",
    healthRequireMl: (env.RL_HEALTH_REQUIRE_ML ?? "true") === "true",
    loadMs: Number(own.DOUBLE_LOAD_MS),
    trainingMsPer1000Timesteps: Number(own.DOUBLE_TRAINING_MS_PER_1000_TIMESTEPS),
  };
}
