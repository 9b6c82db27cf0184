/**
 * docs/worker.md: written by hand, but for the tables between its markers, which
 * come from the code, the environments and the report of the last drill.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { PROMISES } from "../../contracts/singleton";
import { Duration } from "../../contracts/units";
import { environmentNames, loadEnvironment } from "../../environments/load";
import type { Environment } from "../../environments/schema";
import { INEQUALITIES, marginMs } from "../../environments/singleton/inequalities";
import { SETTINGS } from "./worker-settings";

export const WORKER_PAGE = "docs/worker.md";
/** Written by `gvfx drill singleton`. */
export const DRILL_REPORT = "docs/drill.json";

const marginSchema = z.object({
  /** The longest of the samples. */
  measuredMs: z.number().nonnegative(),
  /** What it must not exceed: milliseconds, or in words. */
  of: z.union([z.number().nonnegative(), z.string()]),
  samples: z.number().int().positive(),
});
export const drillMarginsSchema = z.object({ margins: z.record(z.string(), marginSchema) });
type Margins = z.infer<typeof drillMarginsSchema>["margins"];

/** The margins of the last drill; none before the first one. */
export function drillMargins(file = DRILL_REPORT): Margins {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return {};
  }
  return drillMarginsSchema.parse(JSON.parse(text)).margins;
}

/** The tables, by the name that their markers have. */
export function workerTables(environments: readonly Environment[], margins: Margins): Record<string, string> {
  return {
    promises: table(["id", "what", "at most", "measured"], PROMISES.map(({ id, what, most }) => [`\`${id}\``, what, `${most}`, measured(margins[id])])),
    settings: table(
      ["setting", ...environments.map(({ name }) => name), "where", "why"],
      SETTINGS.map((row) => [row.name, ...environments.map((env) => row.value(env)), `\`${row.where}\``, row.why]),
    ),
    inequalities: table(
      ["id", "what must hold", ...environments.map(({ name }) => name), "must leave", "measured", "why", "source"],
      INEQUALITIES.map((inequality) => [
        `\`${inequality.id}\` (${inequality.kind})`,
        inequality.statement,
        ...environments.map((env) => `${inequality.left(env)} ≤ ${inequality.right(env)}: ${Duration.ms(marginMs(inequality, env))}`),
        `${inequality.atLeast}`,
        measured(margins[inequality.id]),
        inequality.why,
        inequality.source,
      ]),
    ),
  };
}

function measured(margin: Margins[string] | undefined): string {
  if (!margin) return "not measured yet";
  const { measuredMs, of, samples } = margin;
  return `${Duration.ms(Math.round(measuredMs))} of ${typeof of === "number" ? Duration.ms(Math.round(of)) : of} (${samples} sample${samples === 1 ? "" : "s"})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * A page with its tables made anew.
 * @throws Error when the page has no place for one of them
 */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((text, [name, rows]) => {
    const [begin, end] = [`<!-- ${name}: made by npm run docs -->`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${WORKER_PAGE} has no "${begin}" with an "${end}" after it, so its table cannot be placed; put both lines where it belongs`);
    return `${text.slice(0, from)}${begin}\n${rows}\n${text.slice(to)}`;
  }, page);
}

export function workerPage(): string {
  return withTables(readFileSync(WORKER_PAGE, "utf8"), workerTables(environmentNames().map((name) => loadEnvironment(name)), drillMargins()));
}
