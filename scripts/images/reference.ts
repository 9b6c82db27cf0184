/** Where an image is: its registry, and its name there. */

/** What an image without a registry in its name means (distribution/reference, normalize.go). */
const DOCKER_HUB = "registry-1.docker.io";

export interface Home {
  /** With its port, as RegistryClient takes it. */
  readonly host: string;
  /** Without the host. */
  readonly repository: string;
}

/** "postgres" is docker.io's library/postgres; a first part with a dot or a port is a registry. */
export function homeOf(image: string): Home {
  const [first, ...rest] = image.split("/");
  if (rest.length > 0 && (/[.:]/.test(first) || first === "localhost")) return { host: first, repository: rest.join("/") };
  return { host: DOCKER_HUB, repository: rest.length === 0 ? `library/${image}` : image };
}
