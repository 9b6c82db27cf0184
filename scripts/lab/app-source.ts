/** The real app in place of its doubles: images built from a checkout. */
import type { ImageRole } from "../../contracts/images";
import type { Environment, Lab } from "../../environments/schema";
import { run } from "./run";

/** Tag of images that were built from a checkout. */
const TAG = "app-source";
const FROM_CHECKOUT = { backend: "backend", frontend: "frontend", rlService: "rl-service" } as const;

/** A checkout, and which of its images take the place of their doubles. */
export interface AppSource {
  readonly checkout: string;
  /** @default all three; the RL service alone downloads some 4 GB */
  readonly only?: readonly string[];
  /** PEM file with authorities that downloads must trust, where a proxy signs TLS anew. */
  readonly caFile?: string;
}

/**
 * From GVFX_APP_SOURCE, GVFX_APP_IMAGES ("backend,frontend") and NODE_EXTRA_CA_CERTS.
 * @throws Error when an image is named that the app does not have
 */
export function appSourceOf(variables: Readonly<Record<string, string | undefined>>): AppSource | undefined {
  if (!variables.GVFX_APP_SOURCE) return undefined;
  const only = variables.GVFX_APP_IMAGES?.split(",").map((name) => name.trim()).filter(Boolean);
  const known: readonly string[] = Object.values(FROM_CHECKOUT);
  const unknown = (only ?? []).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`GVFX_APP_IMAGES names ${unknown.join(", ")}, which the app has no image of; there are ${known.join(", ")}`);
  return { checkout: variables.GVFX_APP_SOURCE, ...(only ? { only } : {}), ...(variables.NODE_EXTRA_CA_CERTS ? { caFile: variables.NODE_EXTRA_CA_CERTS } : {}) };
}

/** Names of the app's images that are built from the checkout. */
export function builtImages({ only = Object.values(FROM_CHECKOUT) }: AppSource): readonly string[] {
  return only;
}

/** What is pushed for each role: with a checkout, the images that were built from it. */
export function appSources(lab: Lab, source: AppSource | undefined): Readonly<Record<ImageRole, string>> {
  if (!source) return lab.sources;
  const built = Object.entries(FROM_CHECKOUT).filter(([, name]) => builtImages(source).includes(name));
  return { ...lab.sources, ...Object.fromEntries(built.map(([role, name]) => [role, `tv-goldviewfx-${name}:${TAG}`])) };
}

/** @throws Error when the folder is no checkout of the app, or an image does not build */
export async function buildAppImages(env: Environment, source: AppSource, onLine: (line: string) => void): Promise<void> {
  const options = ["--source", source.checkout, "--tag", TAG, "--only", builtImages(source).join(","), "--catalog", JSON.stringify({ gold: env.markets.gold, crypto: env.markets.crypto }), ...(source.caFile ? ["--ca-file", source.caFile] : [])];
  await run(process.execPath, ["images/build.mjs", ...options], { onLine, log: ".gvfx/lab/logs/app-images.log" });
}
