/** What the tasks of a run tell each other: files in the folder that they share. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Settings
 * @property {string} environment
 * @property {string} namespace of Nomad
 * @property {readonly string[]} buckets
 * @property {string} objectstore base URL of MinIO
 * @property {number} deletedMarginMs objects whose deletion is at most this much older than the dump's start are copied too
 * @property {number} stepMs what hangs for longer is ended
 * @property { { consul: Permission, vault: Permission & { address?: string, caFile?: string } }} clusterSnapshots
 * @property {number} reserveBytes free space that a run leaves on the node's disk
 * @property {string} dataNode node that holds the data: where it changes, so does the backups' volume
 * @property {boolean} copies whether there is a second copy in S3
 * @property {string} statusVariable Nomad variable with the outcome
 * @property { { destination: string, deadManUrl?: string }} alerts
 */
/** @typedef { { permitted: boolean, reason?: string }} Permission */

export class Run {
  /** @param {string} folder that the tasks share: NOMAD_ALLOC_DIR/data */
  constructor(folder) {
    this.folder = folder;
    this.steps = join(folder, "steps");
    mkdirSync(this.steps, { recursive: true, mode: 0o700 });
  }

  /** @param {string} name @returns {string} */
  path(name) {
    return join(this.folder, name);
  }

  /** What a step left; undefined while it has not. @param {string} name */
  read(name) {
    try {
      return readFileSync(join(this.steps, name), "utf8");
    } catch (error) {
      // Only what is not there is waited for: a folder that may not be read would be waited for in vain.
      if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Whole or not at all. @param {string} name @param {string} text */
  write(name, text) {
    const file = join(this.steps, name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** Facts that a shell script left, a line each: name=value. @param {string} name @returns {Record<string, string> | undefined} */
  facts(name) {
    const text = this.read(name);
    return text === undefined ? undefined : Object.fromEntries(text.split("\n").filter((line) => line.includes("=")).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  }
}
