/** Where a drill keeps what it found: written anew after each run of a case, so that an interrupted one can go on. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DrillReport } from "./result";

export const DRILL_FOLDER = ".gvfx/lab/drill";
const RESULT = "result.json";

export class ResultFolder {
  constructor(readonly path: string) {}

  /** A folder of its own for a drill that begins now. */
  static begin(createdAt: string, parent = DRILL_FOLDER): ResultFolder {
    const path = join(parent, createdAt.replace(/\..*$/, "").replaceAll(":", "-"));
    mkdirSync(path, { recursive: true });
    return new ResultFolder(path);
  }

  /** The newest that has results. @throws Error when there is none */
  static newest(parent = DRILL_FOLDER): ResultFolder {
    const names = existsSync(parent) ? readdirSync(parent).filter((name) => existsSync(join(parent, name, RESULT))).sort() : [];
    const last = names.at(-1);
    if (last === undefined) throw new Error(`there is no drill in ${parent} that could go on; begin one with: npm run gvfx -- drill singleton`);
    return new ResultFolder(join(parent, last));
  }

  /** @throws Error when it holds none */
  read(): DrillReport {
    const file = join(this.path, RESULT);
    if (!existsSync(file)) throw new Error(`${this.path} holds no drill (there is no ${RESULT} in it); drills are in ${DRILL_FOLDER}`);
    return JSON.parse(readFileSync(file, "utf8")) as DrillReport;
  }

  /** Whole or not at all. */
  write(report: DrillReport): void {
    const file = join(this.path, RESULT);
    writeFileSync(`${file}.new`, `${JSON.stringify(report, null, 1)}\n`);
    renameSync(`${file}.new`, file);
  }
}
