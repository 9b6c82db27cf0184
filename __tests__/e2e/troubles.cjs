"use strict";
const { spawnSync } = require("node:child_process");

/** Enough to see what went before a failure. */
const LINES = "60";

/** The state of the lab, and what everything in it said that is not well. */
exports.printTroubles = (title) => {
  const gvfx = (...args) => spawnSync(process.execPath, ["scripts/gvfx.mjs", "lab", ...args], { encoding: "utf8", timeout: 60_000, env: { ...process.env, GVFX_ENV: "lab", CI: "true" } });
  const status = gvfx("status").stdout ?? "";
  process.stderr.write(`\n== ${title}\n${status}\n`);
  for (const name of new Set([...status.matchAll(/npm run gvfx -- lab logs (\S+)/g)].map(([, name]) => name))) process.stderr.write(`\n== ${name}\n${gvfx("logs", name, "--tail", LINES).stdout}\n`);
};
