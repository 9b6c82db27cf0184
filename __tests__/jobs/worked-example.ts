/** The production example and an image lock in which everything is pinned, for tests. */
import { IMAGE_ROLES, type ImageLock } from "../../contracts/images";
import { loadEnvironment } from "../../environments/load";
import type { Environment } from "../../environments/schema";

export const environment: Environment = loadEnvironment("production");

export const pinned = Object.fromEntries(IMAGE_ROLES.map((role, i) => [role, { digest: `sha256:${String(i + 1).repeat(64).slice(0, 64)}`, source: null }])) as unknown as ImageLock;
export const unpinned = Object.fromEntries(IMAGE_ROLES.map((role) => [role, { digest: null, source: null }])) as unknown as ImageLock;
