/** The second step of a run: waits for the dump, copies the objects, takes the snapshots, writes the manifest. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { takeSnapshots } from "./cluster.mjs";
import { copyObjects } from "./objects.mjs";
import { S3 } from "./s3.mjs";

const LOOK_MS = 500;
const MANIFEST_VERSION = 1;

/** @typedef {import("./run.mjs").Run} Run */
/** @typedef {import("./run.mjs").Settings} Settings */
/** @typedef { { objectstore: { keyId: string, secret: string }, nomad: { socketPath?: string, address?: string, token: string }, consul: { address: string, token?: string }, vault: { token?: string }, run: string }} CollectAccess */

/** What the shell script that dumps leaves, by name. */
const DUMP_FACTS = ["version", "systemIdentifier", "timeline", "checkpointLsn", "endLsn", "startedAt", "finishedAt", "files", "bytes", "manifestSha256"];

/**
 * @param {Run} run @param {Settings} settings @param {CollectAccess} access
 * @param { { now: () => number, log: (message: string) => void, pauseMs?: number }} runtime
 */
export async function collect(run, settings, access, { now, log, pauseMs }) {
  const dump = await dumped(run, settings, now);
  const s3 = new S3({ endpoint: settings.objectstore, ...access.objectstore });
  /** @type {string[]} */
  const warnings = [];
  for (const bucket of settings.buckets) {
    if (!(await s3.versioned(bucket))) warnings.push(`the bucket ${bucket} is not versioned: an object that is deleted during a backup is missing from it; start gvfx-objectstore anew, whose task buckets sets that`);
  }
  const objects = await copyObjects(s3, settings.buckets, {
    folder: run.path("objects"),
    inventory: run.path("objects.jsonl"),
    deletedAfter: Date.parse(dump.startedAt) - settings.deletedMarginMs,
    reserveBytes: settings.reserveBytes,
    pauseMs,
    log,
  });
  const taken = await takeSnapshots(sources(settings, access), run.path("cluster"), log);
  const number = (/** @type {string} */ name) => Number(dump[name]);
  const manifest = {
    version: MANIFEST_VERSION,
    environment: settings.environment,
    namespace: settings.namespace,
    run: access.run,
    startedAt: dump.startedAt,
    finishedAt: new Date(now()).toISOString(),
    postgres: { ...dump, timeline: number("timeline"), files: number("files"), bytes: number("bytes") },
    objects,
    cluster: taken.cluster,
  };
  writeFileSync(run.path("manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  run.write("warnings", [...warnings, ...taken.warnings].map((line) => `${line}\n`).join(""));
  run.write("collected", `${manifest.finishedAt}\n`);
}

/** Waits for the dump; Nomad starts both steps together. @param {Run} run @param {Settings} settings @param {() => number} now @returns {Promise<Record<string, string>>} */
async function dumped(run, settings, now) {
  const until = now() + settings.stepMs;
  for (;;) {
    const facts = run.facts("dumped");
    if (facts) {
      const absent = DUMP_FACTS.filter((name) => !facts[name]);
      if (absent.length > 0) throw new Error(`the dump does not say its ${absent.join(", ")}: the task database and this program are of different versions; deploy data-plane`);
      return Object.fromEntries(DUMP_FACTS.map((name) => [name, facts[name]]));
    }
    if (now() > until) throw new Error(`no dump of Postgres after ${settings.stepMs / 1000} s, so that no row says which objects belong to it: the log of the task database says why`);
    await pause(LOOK_MS);
  }
}

/** @param {Settings} settings @param {CollectAccess} access @returns {import("./cluster.mjs").Source[]} */
function sources({ clusterSnapshots: { consul, vault } }, access) {
  return [
    { name: "nomad", title: "Nomad", permitted: true, url: `${access.nomad.socketPath ? "http://nomad" : access.nomad.address}/v1/operator/snapshot`, socketPath: access.nomad.socketPath, headers: { "x-nomad-token": access.nomad.token }, digestHeader: "digest" },
    { name: "consul", title: "Consul", permitted: consul.permitted, reason: consul.reason, url: `${access.consul.address}/v1/snapshot`, headers: { "x-consul-token": access.consul.token ?? "" }, missing: access.consul.token ? undefined : "CONSUL_SNAPSHOT_TOKEN is not in Vault (ops/backup-access)" },
    {
      name: "vault",
      title: "Vault",
      permitted: vault.permitted,
      reason: vault.reason,
      url: `${vault.address}/v1/sys/storage/raft/snapshot`,
      headers: { "x-vault-token": access.vault.token ?? "" },
      ...(vault.caFile ? { caFile: vault.caFile } : {}),
      missing: !vault.caFile || existsSync(vault.caFile) ? undefined : `${vault.caFile} is not there`,
    },
  ];
}

/** What a snapshot's manifest says. @param {Run} run */
export function manifestOf(run) {
  return JSON.parse(readFileSync(run.path("manifest.json"), "utf8"));
}
