/** What every acceptance command does around its checks: signals, report, exit status. */
import { readFileSync } from "node:fs";
import type { Environment } from "../../environments/schema";
import { INTERRUPTED, interruptible } from "../command-line";
import type { Variables } from "../doctor/credentials";
import { EXIT_CODES } from "../doctor/report";
import type { AcceptanceAccess } from "./access";
import { textAcceptance, writeAcceptance } from "./report";
import { verdictOf, type AcceptanceResult } from "./result";

const NOT_ASKED = 2;

export interface AcceptanceSurroundings {
  /** @default those of the process */
  readonly variables?: Variables;
  /** @default standard output */
  readonly write?: (text: string) => void;
  /** Where it says what it does, and why it could not. @default standard error */
  readonly complain?: (text: string) => void;
  /** Writes the report. @returns the page's path. @default below .gvfx */
  readonly save?: (result: AcceptanceResult) => string;
  /** @default now */
  readonly now?: () => Date;
}

export interface AcceptanceRun extends AcceptanceAccess {
  readonly env: Environment;
  /** One line for the operator; silent with --json. */
  readonly say: (line: string) => void;
}

export type Performed = Pick<AcceptanceResult, "checks"> & Partial<Pick<AcceptanceResult, "figures" | "lanes">>;

/** @returns what runs a command of a name */
export function performer(environment: () => Environment, { variables = process.env, write = (text) => void process.stdout.write(`${text}\n`), complain = (text) => void process.stderr.write(`${text}\n`), save = writeAcceptance, now = () => new Date() }: AcceptanceSurroundings = {}) {
  return async (name: string, json: boolean, work: (run: AcceptanceRun) => Promise<Performed>): Promise<void> => {
    await interruptible(async (signal) => {
      try {
        const env = environment();
        const createdAt = now().toISOString();
        const { checks, figures = [], lanes = [] } = await work({ env, variables, readFile: (path) => readFileSync(path, "utf8"), signal, say: json ? () => undefined : complain });
        const result: AcceptanceResult = { version: 1, name, environment: env.name, createdAt, verdict: verdictOf(checks), checks, figures, lanes };
        const page = save(result);
        write(json ? JSON.stringify({ ...result, report: page }, null, 2) : `${textAcceptance(result)}\nReport: ${page}`);
        process.exitCode = signal.aborted ? INTERRUPTED : EXIT_CODES[result.verdict];
      } catch (error) {
        complain(error instanceof Error ? error.message : String(error));
        process.exitCode = signal.aborted ? INTERRUPTED : NOT_ASKED;
      }
    });
  };
}
