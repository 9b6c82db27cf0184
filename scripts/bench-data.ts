/**
 * `npm run bench:data`: how fast a snapshot is checked, and how much memory that takes. Makes a data set of 1 GiB (or
 * the size that is given: `npm run bench:data -- 256MiB`) in a temporary folder, and checks and compares it in child
 * processes.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Size } from "../contracts/units";
import { writeDataset } from "./data/dataset/write";
import { terminalProgress } from "./data/progress";
import { diffSnapshots } from "./data/snapshot/diff";
import { validateSnapshot } from "./data/snapshot/validate";

/** The goals: validation, on two cores, and memory on our side. */
const LEAST_MB_PER_SECOND = 150;
const MOST_MEMORY_MB = 300;
const MB = 1e6;

interface Measured {
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** Uncompressed, read. */
  readonly bytes: number;
  readonly peakMb: number;
}

/** What a child does: the work, and what it cost. */
const WORK: Readonly<Record<string, (path: string) => Promise<number>>> = {
  validate: async (path) => {
    const { tables, files, problems } = await validateSnapshot(path);
    if (problems.length > 0) throw new Error(`the data set is not sound: ${JSON.stringify(problems[0])}`);
    return tables.reduce((sum, { bytes }) => sum + bytes, files?.bytes ?? 0);
  },
  diff: async (path) => {
    const different = (await diffSnapshots(path, path)).filter(({ added, removed, changed }) => added + removed + changed > 0);
    if (different.length > 0) throw new Error("a data set differs from itself");
    return 0;
  },
};

async function child(work: string, path: string): Promise<void> {
  const began = performance.now();
  const bytes = await WORK[work](path);
  const { user, system } = process.cpuUsage();
  const measured: Measured = { seconds: (performance.now() - began) / 1_000, cpuSeconds: (user + system) / 1e6, bytes, peakMb: (process.resourceUsage().maxRSS * 1024) / MB };
  process.stdout.write(JSON.stringify(measured));
}

/** In a process of its own, so that its memory is its own. */
function measured(work: string, path: string): Measured {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, process.argv[1], "--child", work, path], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${work} failed: ${stderr}`);
  return JSON.parse(stdout) as Measured;
}

/** Seconds of a plain SHA-256 over the file: what reading and hashing it cost at the least. */
function plainHash(path: string): number {
  const script = `const h=require("crypto").createHash("sha256");const s=process.hrtime.bigint();require("fs").createReadStream(${JSON.stringify(path)},{highWaterMark:1<<20}).on("data",d=>h.update(d)).on("end",()=>console.log(Number(process.hrtime.bigint()-s)/1e9))`;
  return Number(spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout);
}

async function main(size: Size): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-bench-data-"));
  try {
    const path = join(folder, "snapshot.zip");
    await writeDataset(path, { seed: 1, bytes: size.bytes, progress: terminalProgress(process.stderr) });
    const hash = plainHash(path);
    // The faster of two: the slower one measures what else the machine does.
    const [validated] = [measured("validate", path), measured("validate", path)].sort((a, b) => a.seconds - b.seconds);
    const compared = measured("diff", path);
    const speed = validated.bytes / MB / validated.seconds;
    const rows: readonly (readonly [string, string, boolean])[] = [
      [`checking ${size}`, `${validated.seconds.toFixed(1)} s, ${speed.toFixed(0)} MB/s`, speed >= LEAST_MB_PER_SECOND],
      ["that is", `${(validated.seconds / hash).toFixed(1)} times a plain SHA-256 of the zip file, and ${validated.cpuSeconds.toFixed(1)} s of processor time`, true],
      ["its peak memory", `${validated.peakMb.toFixed(0)} MB`, validated.peakMb < MOST_MEMORY_MB],
      ["comparing it with itself", `${compared.seconds.toFixed(1)} s`, true],
      ["its peak memory", `${compared.peakMb.toFixed(0)} MB`, compared.peakMb < MOST_MEMORY_MB],
    ];
    for (const [what, figure, held] of rows) console.log(`${held ? "ok  " : "FAIL"} ${what}: ${figure}`);
    if (rows.some(([, , held]) => !held)) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [first, work, path] = process.argv.slice(2);
(first === "--child" ? child(work, path) : main(Size.parse(first ?? "1GiB"))).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
