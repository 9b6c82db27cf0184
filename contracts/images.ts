/** Images by role, and the digests that images.lock.json pins them to. */
export const IMAGE_ROLES = ["backend", "frontend", "rlService", "convex", "postgres", "minio", "minioClient", "haproxy", "restic"] as const;
export type ImageRole = (typeof IMAGE_ROLES)[number];

export interface LockedImage {
  /** `sha256:` and 64 hex digits, as the registry names the manifest. Null: not resolved yet. */
  readonly digest: string | null;
  /** What the digest was resolved from: a git revision or an upstream version; for people only. */
  readonly source: string | null;
}
export type ImageLock = Readonly<Record<ImageRole, LockedImage>>;

/** A digest that no image has: a job that names it cannot start anything, and says which image is meant. */
export const UNPINNED_DIGEST = `sha256:${"0".repeat(64)}`;

/** A lock that pins nothing. */
export const UNPINNED_IMAGES = Object.fromEntries(IMAGE_ROLES.map((role) => [role, { digest: null, source: null }])) as unknown as ImageLock;

/**
 * Reads images.lock.json.
 * @throws Error that lists every wrong entry
 */
export function parseImageLock(input: unknown): ImageLock {
  const given = typeof input === "object" && input !== null ? (input as Record<string, unknown>) : {};
  const errors = [
    ...IMAGE_ROLES.filter((role) => !Object.hasOwn(given, role)).map((role) => `${role} is missing; add "${role}": { "digest": null, "source": null }`),
    ...Object.entries(given).flatMap(([role, value]) => entryErrors(role, value)),
  ];
  if (errors.length > 0) throw new Error(`images.lock.json has ${errors.length} error${errors.length === 1 ? "" : "s"}\n${errors.map((e) => `  ${e}`).join("\n")}`);
  return input as ImageLock;
}

function entryErrors(role: string, value: unknown): string[] {
  if (!(IMAGE_ROLES as readonly string[]).includes(role)) return [`${role} is no image of the platform; remove it (roles: ${IMAGE_ROLES.join(", ")})`];
  const { digest, source } = (value ?? {}) as Partial<LockedImage>;
  const errors: string[] = [];
  if (digest !== null && !/^sha256:[0-9a-f]{64}$/.test(String(digest))) errors.push(`${role}.digest is ${JSON.stringify(digest)}; use a digest such as "sha256:e3b0…b855" (a tag can be moved to another image), or null`);
  if (digest === UNPINNED_DIGEST) errors.push(`${role}.digest is all zeros, which no image has; use the digest that the registry gives, or null`);
  if (source !== null && typeof source !== "string") errors.push(`${role}.source is ${JSON.stringify(source)}; use a text, or null`);
  return errors;
}

/** `repository@digest`; without a digest, the one that no image has. */
export function imageReference(repository: string, image: LockedImage): string {
  return `${repository}@${image.digest ?? UNPINNED_DIGEST}`;
}
