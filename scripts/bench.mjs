// `npm run bench`: how long synth takes, as ratios to the same work done the way of cdktf's template, and how it grows.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import bundle from "./bundle.cjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const outdir = mkdtempSync(join(tmpdir(), "gvfx-bench-"));
const env = { ...process.env, CDKTF_OUTDIR: outdir, CHECKPOINT_DISABLE: "1", CI: "1" };

function once(command, args) {
  const start = performance.now();
  const result = spawnSync(command, args, { cwd: root, env, encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${result.stdout}${result.stderr}`);
  return (performance.now() - start) / 1000;
}
/** The fastest of n runs: what the work takes. Slower ones measure what else the machine does. */
const fastest = (n, command, args) => Math.min(...Array.from({ length: n }, () => once(command, args)));

function peakMemory(command, args) {
  // process.resourceUsage of the child itself: maxRSS in KiB (Node's documentation).
  const script = `process.on("exit", () => process.stderr.write("\\nmaxrss " + process.resourceUsage().maxRSS));`;
  const hook = `data:text/javascript,${encodeURIComponent(script)}`;
  const result = spawnSync(command, ["--import", hook, ...args], { cwd: root, env, encoding: "utf8" });
  return Number(/maxrss (\d+)/.exec(result.stderr)[1]) / 1024;
}

try {
  // Exactly what cdktf runs.
  const [, ...app] = JSON.parse(readFileSync(join(root, "cdktf.json"), "utf8")).app.split(" ");
  once("node", app); // makes the bundle
  const ours = fastest(9, "node", app);
  const start = fastest(9, "node", ["-e", "0"]);
  const memory = peakMemory("node", app);
  const cdktf = join("node_modules", ".bin", "cdktf");
  const template = fastest(3, cdktf, ["synth", "--app", "npx tsx main.ts", "--output", outdir]);
  const tsx = fastest(3, "npx", ["tsx", "main.ts"]);
  const growth = JSON.parse(spawnSync("node", [bundle.freshBundle("scripts/bench-growth.ts").file], { cwd: root, env, encoding: "utf8" }).stdout);
  const rows = [
    ["synth of all four stacks, what cdktf.json runs", `${ours.toFixed(2)} s`, ours <= 0.5],
    ["that is", `${(ours / start).toFixed(1)} times the start of Node itself`, true],
    ["its peak memory", `${memory.toFixed(0)} MB`, memory < 150],
    ["the template's way, cdktf synth with tsx, takes", `${(template / ours).toFixed(1)} times as long`, true],
    ["tsx main.ts alone takes", `${(tsx / ours).toFixed(1)} times as long`, true],
    [`10 times the services (${growth.jobs * 10} jobs) take`, `${(growth.x10 / growth.x1).toFixed(1)} times as long`, growth.x10 / growth.x1 <= 10],
    [`100 times the services (${growth.jobs * 100} jobs) take`, `${(growth.x100 / growth.x1).toFixed(1)} times as long`, growth.x100 / growth.x1 <= 100],
  ];
  for (const [what, figure, held] of rows) console.log(`${held ? "ok  " : "FAIL"} ${what}: ${figure}`);
  if (rows.some(([, , held]) => !held)) process.exitCode = 1;
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
