/** What stands for a model: a rule that always says the same of the same candles. No money should follow it. */
import { createHash } from "node:crypto";

/** An answer that is not 200, with FastAPI's body. */
export class Refusal extends Error {
  constructor(
    readonly status: 400 | 500,
    readonly detail: string,
  ) {
    super(detail);
  }
}

export interface TrainedArtifact {
  readonly artifact_base64: string;
  /** sha256 of the artifact, hex. */
  readonly artifact_checksum: string;
  readonly artifact_size_bytes: number;
}

/** "Trains": the artifact says what it was made from, and that a double made it. */
export function trainedArtifact(pair: string, windows: number, timesteps: number, seed: number | null): TrainedArtifact {
  const data = Buffer.from(JSON.stringify({ double: "rl-service", pair, windows, timesteps, seed }));
  return { artifact_base64: data.toString("base64"), artifact_checksum: sha256(data), artifact_size_bytes: data.length };
}

/**
 * Reads an artifact that the double made.
 * @throws Error when it is another's, or not what its checksum says
 */
export function readArtifact(data: Buffer, expectedChecksum: string | null | undefined): void {
  if (expectedChecksum && sha256(data) !== expectedChecksum) throw new Error("Artifact checksum mismatch");
  const made: unknown = (() => {
    try {
      return JSON.parse(data.toString("utf8"));
    } catch {
      return undefined;
    }
  })();
  if (typeof made !== "object" || made === null || (made as { double?: unknown }).double !== "rl-service") throw new Error("not an artifact of this double: it cannot run real models");
}

export interface Scored {
  readonly score: number;
  readonly confidence?: number | null;
}

/** Features by the app's names; the double computes these two of them. */
export function extractFeatures(closes: readonly number[], auxiliary: readonly Scored[]): { price_change: number; aux_score: number } {
  const first = closes.at(0) ?? 0;
  const last = closes.at(-1) ?? 0;
  return { price_change: first === 0 ? 0 : (last - first) / first, aux_score: auxiliary.reduce((sum, s) => sum + s.score * (s.confidence ?? 1), 0) };
}

/** The app's thresholds (backend/rl-service/src/models/action_mapper.py). */
export function mapAction(score: number, threshold = 0.2): { action: "long" | "short" | "hold"; confidence_score: number } {
  return { action: score >= threshold ? "long" : score <= -threshold ? "short" : "hold", confidence_score: Math.min(1, Math.abs(score)) };
}

export function sha256(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex");
}
