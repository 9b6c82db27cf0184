/**
 * `npm run bench:data`: how fast a snapshot is checked, and how much memory that takes. Makes a data set of 1 GiB (or
 * the size that is given: `npm run bench:data -- 256MiB`) in a temporary folder, and checks and compares it in child
 * processes. Where bun is on PATH it also imports it into the double of Convex, exports it again, and compares both.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Size } from "../contracts/units";
import type { ConvexAccess } from "./data/convex/access";
import { computeAdminKey, parseInstanceSecret } from "./data/convex/admin-key";
import { convexCli } from "./data/convex/cli";
import { exportSnapshot } from "./data/convex/export";
import { importSnapshot } from "./data/convex/import";
import { ConvexInstance } from "./data/convex/instance";
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

/** The double of Convex, on loopback and a folder of the bench. */
const DOUBLE = { instance: "bench", secret: "0123456789abcdef".repeat(4), port: 23_210, startsWithinMs: 30_000 } as const;

/** Access to the double, as an operator's command has it to a Convex. */
function double(): ConvexAccess {
  const key = computeAdminKey(DOUBLE.instance, parseInstanceSecret(DOUBLE.secret));
  return { side: "nomad", address: `http://127.0.0.1:${DOUBLE.port}`, adminKey: () => Promise.resolve(key), instanceName: () => Promise.resolve(DOUBLE.instance) };
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** What a child does: the work, and what it cost. */
const WORK: Readonly<Record<string, (path: string) => Promise<number>>> = {
  validate: async (path) => {
    const { tables, files, problems } = await validateSnapshot(path);
    if (problems.length > 0) throw new Error(`the data set is not sound: ${JSON.stringify(problems[0])}`);
    return tables.reduce((sum, { bytes }) => sum + bytes, files?.bytes ?? 0);
  },
  import: async (path) => {
    await importSnapshot(new ConvexInstance(double()), { path, bytes: statSync(path).size, sha256: await sha256(path) }, { recordFolder: join(dirname(path), "imports") });
    return 0;
  },
  export: async (path) => {
    await exportSnapshot(new ConvexInstance(double()), convexCli(double(), { variables: process.env }), exportedBeside(path));
    return 0;
  },
  compare: async (path) => {
    const different = (await diffSnapshots(path, exportedBeside(path))).filter(({ table, added, removed, changed }) => table !== "_tables" && added + removed + changed > 0);
    if (different.length > 0) throw new Error(`what came back is another: ${JSON.stringify(different.slice(0, 3))}`);
    return 0;
  },
  diff: async (path) => {
    const different = (await diffSnapshots(path, path)).filter(({ added, removed, changed }) => added + removed + changed > 0);
    if (different.length > 0) throw new Error("a data set differs from itself");
    return 0;
  },
};

function exportedBeside(path: string): string {
  return join(dirname(path), "exported.zip");
}

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
    say(rows);
    await throughConvex(path, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function say(rows: readonly (readonly [what: string, figure: string, held: boolean])[]): void {
  for (const [what, figure, held] of rows) console.log(`${held ? "ok  " : "FAIL"} ${what}: ${figure}`);
  if (rows.some(([, , held]) => !held)) process.exitCode = 1;
}

/** Into the double of Convex and out of it, by the commands' own code; the double's and the CLI's memory are not ours. */
async function throughConvex(path: string, folder: string): Promise<void> {
  if (spawnSync("bun", ["--version"], { stdio: "ignore" }).status !== 0) {
    console.log("not measured: import and export (bun, which runs the double of Convex, is not on PATH)");
    return;
  }
  const convex = spawn("bun", ["lab/doubles/convex/main.ts"], {
    env: { PATH: process.env.PATH, INSTANCE_NAME: DOUBLE.instance, INSTANCE_SECRET: DOUBLE.secret, CONVEX_CLOUD_ORIGIN: double().address, DOUBLE_API_PORT: String(DOUBLE.port), DOUBLE_SITE_PORT: String(DOUBLE.port + 1), DOUBLE_DATA_FOLDER: join(folder, "convex") },
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    await answers(convex);
    const [imported, exported] = [measured("import", path), measured("export", path)];
    measured("compare", path);
    say([
      ["importing it into the double of Convex", `${imported.seconds.toFixed(1)} s`, true],
      ["our peak memory", `${imported.peakMb.toFixed(0)} MB`, imported.peakMb < MOST_MEMORY_MB],
      ["exporting it again, by the real CLI", `${exported.seconds.toFixed(1)} s`, true],
      ["our peak memory", `${exported.peakMb.toFixed(0)} MB`, exported.peakMb < MOST_MEMORY_MB],
      ["what came back", "every document and file is what went in", true],
    ]);
  } finally {
    convex.kill("SIGINT");
    await new Promise((done) => convex.exitCode === null && convex.signalCode === null ? convex.once("close", done) : done(undefined));
  }
}

/** @throws Error when the double does not answer in time */
async function answers(convex: ChildProcess): Promise<void> {
  const end = Date.now() + DOUBLE.startsWithinMs;
  while (!(await fetch(`${double().address}/version`).then(({ ok }) => ok, () => false))) {
    if (Date.now() > end || convex.exitCode !== null) throw new Error(`the double of Convex does not answer at ${double().address}; what it said is above. Is the port free?`);
    await pause(200);
  }
}

const [first, work, path] = process.argv.slice(2);
(first === "--child" ? child(work, path) : main(Size.parse(first ?? "1GiB"))).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
