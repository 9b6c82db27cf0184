/** The Consul token, read anew for each request, so that one that was exchanged counts at once. */
import { readFileSync } from "node:fs";

export class TokenFile {
  /** @param {string} path @param {Set<string>} secrets grows by each token, so that no log shows one */
  constructor(path, secrets) {
    this.path = path;
    this.secrets = secrets;
    /** The last one that could be read: a file that is just being rewritten is empty or not there. */
    this.token = "";
    /** @type {string | undefined} why it could not be read last */
    this.problem = undefined;
  }

  /** @returns {string | undefined} undefined when there never was one */
  read() {
    try {
      const token = readFileSync(this.path, "utf8").trim();
      this.problem = token === "" ? `${this.path} is empty` : undefined;
      if (token !== "") this.token = token;
    } catch (error) {
      this.problem = `${this.path} cannot be read (${/** @type {NodeJS.ErrnoException} */ (error).code ?? error})`;
    }
    if (this.token === "") return undefined;
    this.secrets.add(this.token);
    return this.token;
  }
}
