"use strict";
// `gvfx diff` of a stack that had no change the last time is likely to run the very same plan again. It is begun here, while the
// program that asks for it is still being loaded, and is taken over when that asks for exactly this; else it is ended unheard.
const { createHash } = require("node:crypto");
const { spawn } = require("node:child_process");
const { readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

/** Where scripts/lab/run.ts finds what was begun. */
const BEGUN = Symbol.for("gvfx.begun");

/** As scripts/terraform/stack.ts has it; what differs is not taken over. */
const PLAN = ["plan", "-detailed-exitcode", "-input=false", "-no-color", "-lock=false"];

/** Options whose plans are of another kind, or of somebody else. */
const OTHER_PLANS = /^--(?:save|from|help)\b|^-h$/;

/** Variables that only this process's own parts tell each other. */
const OWN = new Set(["GVFX_BUNDLE"]);

/**
 * @param {readonly string[]} args of `gvfx diff`
 * @param {string} environment name of it; its notes are below .gvfx
 */
function beginPlans(args, environment) {
  const begun = [];
  if (args.some((arg) => OTHER_PLANS.test(arg))) return;
  for (const stack of args.filter((arg) => /^[a-z][a-z-]*$/.test(arg))) {
    try {
      const { text, folder, variables } = JSON.parse(readFileSync(join(".gvfx", "plans", environment, `${stack}.unchanged.json`), "utf8"));
      if (createHash("sha256").update(readFileSync(join(folder, "cdk.tf.json"))).digest("hex") !== text) continue;
      const env = { ...process.env, ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value ?? undefined])) };
      const child = spawn("terraform", PLAN, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
      // Told again, with its reason, by whoever asks for it.
      child.on("error", () => undefined);
      if (child.pid === undefined) continue;
      // Nobody may ever ask for it, and it keeps nobody waiting then.
      for (const handle of [child, child.stdout, child.stderr]) handle.unref();
      const one = { key: keyOf("terraform", PLAN, folder, env), child };
      begun.push(one);
      // At its end, what it said and nobody heard is lost.
      child.once("exit", () => void (begun.includes(one) && begun.splice(begun.indexOf(one), 1)));
    } catch {
      // There is no note, or it is of another time: the plan begins when it is asked for.
    }
  }
  if (begun.length === 0) return;
  globalThis[BEGUN] = (program, programArgs, cwd, env) => {
    const index = begun.findIndex(({ key }) => key === keyOf(program, programArgs, cwd ?? ".", env));
    if (index < 0) return undefined;
    const [{ child }] = begun.splice(index, 1);
    for (const handle of [child, child.stdout, child.stderr]) handle.ref();
    return child;
  };
  process.once("exit", () => {
    for (const { child } of begun) child.kill();
  });
}

/** Equal for two runs that would do the same: with the same arguments, in the same folder, with the same variables. */
function keyOf(program, args, cwd, env) {
  return JSON.stringify([program, args, resolve(cwd), Object.entries(env).filter(([name, value]) => value !== undefined && !OWN.has(name)).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

module.exports = { beginPlans };
