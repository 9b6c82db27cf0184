/**
 * The steps of a backup that no official program does. Runs on Bun and on Node 20
 * and later.
 *
 *   bun backup.mjs collect|report SETTINGS.json
 *
 * Secrets come by environment: BACKUP_STORE_KEY_ID, BACKUP_STORE_SECRET,
 * CONSUL_SNAPSHOT_TOKEN, ALERT_TOKEN; VAULT_TOKEN and NOMAD_TOKEN from Nomad.
 * Exit codes: 0 done, 1 the step failed, 2 called wrongly.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "../guardian/http.mjs";
import { collect } from "./collect.mjs";
import { report } from "./report.mjs";
import { Run } from "./run.mjs";
import { VERSION } from "./version.mjs";

const SECRETS = ["BACKUP_STORE_KEY_ID", "BACKUP_STORE_SECRET", "CONSUL_SNAPSHOT_TOKEN", "ALERT_TOKEN", "NOMAD_TOKEN", "VAULT_TOKEN"];

/** Whatever is shorter is no secret, and would be found in every word. */
const SHORTEST_SECRET = 8;

/** Whatever a message quotes, it quotes no secret. @param {string} message */
function clean(message) {
  return SECRETS.map((name) => process.env[name] ?? "").filter((secret) => secret.length >= SHORTEST_SECRET).reduce((text, secret) => text.replaceAll(secret, "[secret]"), message);
}

/** @param {string} name @returns {string} */
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the job gvfx-backup sets it from Vault or Nomad; look at the job's templates and at contracts/secrets.ts`);
  return value;
}

async function main() {
  const [step, file = "/local/settings.json"] = process.argv.slice(2);
  if (step !== "collect" && step !== "report") {
    console.error("backup: say which step: collect or report");
    return 2;
  }
  const run = new Run(join(required("NOMAD_ALLOC_DIR"), "data"));
  const log = (/** @type {string} */ message) => console.log(`${step}: ${clean(message)}`);
  const socketPath = process.env.NOMAD_UNIX_ADDR?.replace(/^unix:\/\//, "");
  try {
    /** @type {import("./run.mjs").Settings} */
    const settings = JSON.parse(readFileSync(file, "utf8"));
    log(`${settings.environment}, program ${VERSION}`);
    const nomad = { socketPath, address: socketPath ? undefined : required("NOMAD_ADDR"), token: required("NOMAD_TOKEN") };
    if (step === "report") {
      await report(run, settings, { nomad, alertToken: required("ALERT_TOKEN") }, { now: Date.now, log });
      return 0;
    }
    await collect(
      run,
      settings,
      {
        nomad,
        run: required("NOMAD_ALLOC_ID"),
        objectstore: { keyId: required("BACKUP_STORE_KEY_ID"), secret: required("BACKUP_STORE_SECRET") },
        consul: { address: required("CONSUL_HTTP_ADDR"), token: process.env.CONSUL_SNAPSHOT_TOKEN },
        vault: { token: process.env.VAULT_TOKEN },
      },
      { now: Date.now, log },
    );
    return 0;
  } catch (error) {
    const message = clean(`${step}: ${describe(error)}`);
    console.error(message);
    // The report tells it. Where there is no dump, the dump's own word is the better one. The report's failure has nobody else to tell.
    if (step === "collect" && (run.read("dumped") !== undefined || run.read("failed") === undefined)) run.write("failed", message);
    return 1;
  }
}

process.exitCode = await main();
