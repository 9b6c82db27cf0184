/** Which images are pinned, and which jobs run them. */
import { IMAGE_ROLES, type ImageLock, type ImageRole } from "../../../contracts/images";
import type { JobSpec } from "../../../constructs/nomad/spec";
import type { Environment } from "../../../environments/schema";

export interface ImageModel {
  readonly role: ImageRole;
  readonly repository: string;
  /** Null: not pinned, so that its deploy is refused where the environment requires digests. */
  readonly digest: string | null;
  /** What the digest was, or is to be, resolved from. */
  readonly source: string | null;
  readonly jobs: readonly string[];
}

export function imageModels(env: Environment, lock: ImageLock, specs: readonly JobSpec[]): ImageModel[] {
  return IMAGE_ROLES.map((role) => ({
    role,
    repository: env.images[role],
    digest: lock[role].digest,
    source: lock[role].source,
    jobs: specs.filter((spec) => spec.group.tasks.some((task) => task.image.split("@")[0] === env.images[role])).map((spec) => spec.id),
  }));
}
