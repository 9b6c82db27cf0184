/** The real app in place of its doubles: images built from a checkout. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ImageRole } from "../../contracts/images";
import type { Environment, Lab } from "../../environments/schema";
import { run } from "./run";

/** Tag of images that were built from a checkout. */
const TAG = "app-source";
const FROM_CHECKOUT = { backend: "tv-goldviewfx-backend", frontend: "tv-goldviewfx-frontend", rlService: "tv-goldviewfx-rl-service" } as const;

/** What is pushed for each role: with a checkout, the three images of the app are those built from it. */
export function appSources(lab: Lab, checkout: string | undefined): Readonly<Record<ImageRole, string>> {
  if (!checkout) return lab.sources;
  return { ...lab.sources, ...Object.fromEntries(Object.entries(FROM_CHECKOUT).map(([role, name]) => [role, `${name}:${TAG}`])) } as Record<ImageRole, string>;
}

/** @throws Error when the folder is no checkout of the app, or an image does not build */
export async function buildAppImages(env: Environment, checkout: string, onLine: (line: string) => void): Promise<void> {
  const missing = ["backend/package.json", "frontend/package.json", "backend/rl-service/pyproject.toml"].filter((file) => !existsSync(join(checkout, file)));
  if (missing.length > 0) throw new Error(`GVFX_APP_SOURCE=${checkout} is no checkout of the app (there is no ${missing.join(", no ")}); give the folder of a clone of tv-goldviewfx, or leave it out to run the doubles`);
  await run(process.execPath, ["images/build.mjs", "--source", checkout, "--tag", TAG, "--catalog", JSON.stringify(env.markets)], { onLine, log: ".gvfx/lab/logs/app-images.log" });
}
