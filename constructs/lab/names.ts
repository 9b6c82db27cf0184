/** Names of what the lab makes in the container engine. */

/** Container of a machine, and prefix of its volumes. */
export function containerName(machine: string): string {
  return `gvfx-lab-${machine}`;
}
