/** One drill from its beginning to its report: what the command and the end-to-end tests run. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment, Lab } from "../../environments/schema";
import type { DrillCase } from "./case";
import { CASES } from "./cases";
import { broughtForward, withoutRunsOf } from "./brought-forward";
import { commitOf, drillMachine, valuesOf } from "./circumstances";
import { runDrill } from "./drill";
import { openLabScene, type OpenedScene } from "./lab-scene";
import type { Progress } from "./progress";
import { reportJson } from "./report/json";
import { drillPage } from "./report/page";
import type { DrillReport } from "./result";
import { ResultFolder } from "./result-folder";

export interface SingletonOptions {
  readonly cases: readonly DrillCase[];
  /** Of those that were asked for, without a run. */
  readonly leftOut?: readonly DrillCase[];
  readonly repetitions: number;
  /** Go on with the newest drill that there is: `its` cases and repetitions, or `these`, which may be more repetitions than it was begun with. @default a new drill */
  readonly goOn?: "its" | "these";
  /** Of the drill that goes on: their runs are made again. @default none */
  readonly again?: readonly DrillCase[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** @default the lab of this machine */
  readonly open?: typeof openLabScene;
  /** Folder of all drills. @default .gvfx/lab/drill */
  readonly parent?: string;
}

export interface Finished {
  readonly report: DrillReport;
  readonly folder: string;
}

export async function drillSingleton(env: Environment, lab: Lab, { cases, leftOut = [], repetitions, goOn, again = [], progress, signal, open = openLabScene, parent }: SingletonOptions): Promise<Finished> {
  // Before the lab is touched: a drill that cannot go on says so at once.
  const earlier = goOn ? ResultFolder.newest(parent) : undefined;
  const begun = earlier && broughtForward(withoutRunsOf(earlier.read(), again), { commit: await commitOf(), values: valuesOf(env) });
  const opened = await open(env, lab, { signal, say: (line) => progress.say(line) });
  try {
    const report = begun ?? (await newReport(env, { cases, leftOut, repetitions }, opened));
    const folder = earlier ?? ResultFolder.begin(report.createdAt, parent);
    const wanted = goOn === "these" ? { cases, repetitions } : { cases: CASES.filter(({ id }) => report.settings.cases.includes(id)), repetitions: report.settings.repetitions };
    const finished = await runDrill(report, { ...wanted, scene: opened.scene, progress, keep: (now) => folder.write(now), today: () => new Date() });
    writeReport(folder.path, finished);
    return { report: finished, folder: folder.path };
  } finally {
    await opened.close();
  }
}

async function newReport(env: Environment, { cases, leftOut = [], repetitions }: Pick<SingletonOptions, "cases" | "leftOut" | "repetitions">, { engineVersion }: OpenedScene): Promise<DrillReport> {
  return {
    createdAt: new Date().toISOString(),
    commit: await commitOf(),
    settings: { environment: env.name, cases: cases.map(({ id }) => id), repetitions, values: valuesOf(env) },
    machine: drillMachine(engineVersion),
    runs: [],
    notRun: leftOut.map(({ id, title }) => ({ caseId: id, title, why: "left out by --skip-long: it takes minutes" })),
  };
}

/** The report for people and the one for programs. @returns the former's path */
export function writeReport(folder: string, report: DrillReport): string {
  const page = join(folder, "report.html");
  writeFileSync(page, drillPage(report));
  writeFileSync(join(folder, "report.json"), reportJson(report));
  return page;
}
