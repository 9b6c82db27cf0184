/** The production example and an image lock in which everything is pinned, for tests. */
import { IMAGE_ROLES, type ImageLock } from "../../contracts/images";
import { parseEnvironment } from "../../environments/parse";
import { production } from "../../environments/production";
import type { Environment, EnvironmentInput } from "../../environments/schema";

/** Before its first deploy, and never rotated: what an operator commits beside the environment changes no test. */
export const example: EnvironmentInput = { ...production, nomad: { ...production.nomad, rotationFile: "environments/none.rotation.json", authorityFile: "environments/none.ca.pem" } };

export const environment: Environment = parseEnvironment("production", example);

export const pinned = Object.fromEntries(IMAGE_ROLES.map((role, i) => [role, { digest: `sha256:${String(i + 1).repeat(64).slice(0, 64)}`, source: null }])) as unknown as ImageLock;
export const unpinned = Object.fromEntries(IMAGE_ROLES.map((role) => [role, { digest: null, source: null }])) as unknown as ImageLock;
